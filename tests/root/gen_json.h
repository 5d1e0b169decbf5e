/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TESTS_ROOT_GEN_JSON_H
#define TESTS_ROOT_GEN_JSON_H

/** What a case moved, as lines of JSON into the descriptor of its report, one write() each. */
extern const struct traffic_writer gen_json;

#endif
