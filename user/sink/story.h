/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** What happens to sockets as lines for people. */
#ifndef SINK_STORY_H
#define SINK_STORY_H

struct buf;
struct record;

void story_head(struct buf *b);
/** The line of a RECORD_EVENT. */
void story_line(struct buf *b, const struct record *r);

#endif
