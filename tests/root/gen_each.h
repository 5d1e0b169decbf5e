/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TESTS_ROOT_GEN_EACH_H
#define TESTS_ROOT_GEN_EACH_H

#include <stdio.h>

/**
 * Run the cases of a list that are for @family (4 or 6), one after the other, each in a process of
 * its own: where the start of a program takes longer than a case. Lines of the list are `NAME
 * FAMILY COUNT`. Behind what a case says comes `end NAME-FAMILY STATUS`, on stdout and on stderr.
 * Returns the exit status.
 */
int gen_each(FILE *list, int family);

#endif
