/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** What the programs in the kernel are told of what was chosen: bits of struct sw_live. Pure. */
#ifndef CAPTURE_SETTINGS_H
#define CAPTURE_SETTINGS_H

#include <stdint.h>

#include "capture/hooks.h"

/** Whose end is reported: SW_RELEASE_*. */
uint32_t settings_releases(const int chosen[HOOK_PURPOSES]);

/** What is booked from counters instead of calls: SW_METERED_*. */
uint32_t settings_metered(const int chosen[HOOK_PURPOSES]);

#endif
