/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/** Rows of processes, ports, peers ...: the groups that connections are members of, and their
 * shares. What makes a group is said by key.h alone. */
#ifndef MODEL_GROUP_H
#define MODEL_GROUP_H

#include "model/model.h"

struct entry;
struct conn;
struct group;

/** What holds the share of @c: the row of its group, or `other` of the table @kind. */
struct row *group_row(struct model *m, struct conn *c, enum table_kind kind);
/** What holds it besides when @c matches the filter. */
struct counters *group_match(struct model *m, struct conn *c, enum table_kind kind);
/** @c matches the filter now, or no more: in the numbers of members and of users, not in sums. */
void group_set_match(struct model *m, struct conn *c, bool match);
/** The row that is shown while there is a filter, lent by @e; NULL if nothing in it matches. */
const struct row *group_shown(struct entry *e);
/** Where that row is, also when nothing matches. */
const struct row *group_shown_at(const struct entry *e);
/** Call @fn with each connection in the group that @row is lent by. */
void group_each_member(const struct model *m, const struct row *row,
		       void (*fn)(const struct row *row, void *arg), void *arg);
/** Forget what matches, as the filter has changed; no member may match. */
void group_reset_match(struct model *m, struct entry *e);
/** What @c adds to its group. A process counts each use it makes of a socket; other groups and
 *  totals count a socket once, however many processes share it. */
struct counters group_share(const struct conn *c, enum table_kind kind);
/** See to it that @c is a member of the group that its process and flow say: creates the row if
 *  need be, and moves the share. */
void group_place(struct model *m, struct conn *c, enum table_kind kind);
/** For all kinds but processes, after the flow of @c may have changed. */
void group_place_flow(struct model *m, struct conn *c);
/** For all kinds but processes, where it costs little: what is new or was evicted, another user, a
 *  listener that was not known. */
void group_place_again(struct model *m, struct conn *c);
/** @c goes, its shares stay. A group without members becomes spare, or goes if it is empty. */
void group_leave(struct model *m, struct conn *c);
/** Process @proc has this name and user now: in its row, its connections and their groups. */
void group_identify(struct model *m, const struct proc *proc);

/** The process has ended: its row goes to `other` once it has no connections and was shown. */
void group_exit(struct model *m, const struct proc *proc, uint64_t time_ns);
/** For table_tick: fold the row of a process that has ended. */
void group_quiet(struct entry *e, void *model);

#endif
