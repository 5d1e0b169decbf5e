/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** Kernels that are not here: what a version has, by the history of the kernel. */
#ifndef TESTS_UNIT_MADE_UP_H
#define TESTS_UNIT_MADE_UP_H

#include "capture/kcaps.h"

#define MADE_UP(major, minor) ((unsigned int)(major) << 16 | (unsigned int)(minor) << 8)
#define LACK(cap) (1U << KCAP_##cap)

/** All that a kernel of @version can have, built in and seen by root, but for the bits of @lacks.
 */
struct kcaps made_up(unsigned int version, unsigned int lacks);

#endif
