/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** A reader as strict as our writer: what it does not write, such as a blank or null, is an error.
 */
#ifndef TESTS_UNIT_JSON_H
#define TESTS_UNIT_JSON_H

#include <stdint.h>

/** Fail the test unless @line is one object. */
void json_check(const char *line);
/** The number that is named so in @line; fails the test if there is none. */
uint64_t json_number(const char *line, const char *name);

#endif
