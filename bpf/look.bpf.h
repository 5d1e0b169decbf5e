/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * Further looks, for kernels that skip programs.
 *
 * A program does not run while a task that was preempted inside it waits on the same CPU
 * (bpf_prog_get_recursion_context): the calls of all other tasks there pass it unseen. It happens
 * in trampolines wherever the kernel is preempted (__bpf_prog_enter_recur) and, since 7.0, in
 * tracepoints too (__DECLARE_TRACE: SRCU-fast instead of preempt_disable). bpf_preempt_disable()
 * only moves the preemption to where it is enabled again, and that is still inside the program.
 *
 * So a second and a third program run behind the first at the same place. Who does the work leaves
 * a mark, the next looks for it, the last takes it away. Who finds no mark does what the others
 * were skipped for; who finds no room for one leaves the work to the next. So nothing is done
 * twice, and lost is only what all were skipped for: what the first missed or left, less what the
 * others found. That needs three tasks on one CPU, preempted inside one program each.
 */
#ifndef BPF_LOOK_H
#define BPF_LOOK_H

#include "emit.bpf.h"

enum { /* of a mark, in the low bits of the key */
       BY_FIRST = 1,
       BY_SECOND = 2,
       SEEN = 3, /* of the first, seen by the second */
       MARK_STATE = 3,
};

enum { MARK_GROUP = 4, MARK_BITS = 10 };
_Static_assert(SW_MARKS == MARK_GROUP << MARK_BITS, "groups of marks");

/* Marks of one key are in one group; neighbours are far apart, in cache lines of their own. */
static __always_inline volatile __u64 *mark_group(__u64 key)
{
	return &marks[(key * 0x9e3779b97f4a7c15ULL >> (64 - MARK_BITS)) * MARK_GROUP];
}

/* One of this key that is there already is left over from a call that got no last look. */
static __always_inline bool mark_put(__u64 key, __u64 state)
{
	volatile __u64 *mark = mark_group(key);

	for (int i = 0; i < MARK_GROUP; i++) {
		__u64 was = mark[i];

		if (!was)
			was = __sync_val_compare_and_swap(&mark[i], 0, key | state);
		else if ((was & ~MARK_STATE) == key)
			mark[i] = key | state;
		if (!was || (was & ~MARK_STATE) == key)
			return true;
	}
	return false;
}

/* The state of the mark of @key, which is replaced by @mark (0: taken away); 0 = there is none. */
static __always_inline __u64 mark_swap(__u64 key, __u64 with)
{
	volatile __u64 *mark = mark_group(key);
	__u64 state = 0;

	for (int i = 0; i < MARK_GROUP; i++)
		if ((mark[i] & ~MARK_STATE) == key) {
			state = mark[i] & MARK_STATE;
			mark[i] = with;
		}
	return state;
}

/** The key of a hook in process context: a task is in one call at a time. */
static __always_inline __u64 this_task(void)
{
	return (__u64)bpf_get_current_task();
}

/** The key of a hook that runs in softirq too, where the task is any: events of one socket come one
 *  by one. The verifier lets nobody calculate with the pointer itself. */
static __always_inline __u64 this_sock(struct sock *sk)
{
	__u64 key = 0;

	bpf_probe_read_kernel(&key, sizeof(key), &sk);
	return key;
}

static __always_inline bool mark_first(__u64 key)
{
	if (mark_put(key, BY_FIRST) || !live.further_looks)
		return true;
	count(&stats.left);
	return false;
}

/** Whether the first program of a hook does its work. @further: there are others behind it
 *  (tp_further, fn_further). @key: the same for all of them, of no other call at the same time; not
 *  asked for where there are none: it takes the call of a helper, and the hot path has few. */
#define first_look(further, key) (!(further) || mark_first(key))

/** Whether the second has to do it. Only a mark as the first makes it is of this very call. */
static __always_inline bool second_look(__u64 key)
{
	if (!live.further_looks)
		return false;
	if (mark_swap(key, key | SEEN) == BY_FIRST || !mark_put(key, BY_SECOND))
		return false;
	count(&stats.found);
	return true;
}

/** Whether the third has to do it. */
static __always_inline bool last_look(__u64 key)
{
	if (!live.further_looks || mark_swap(key, 0))
		return false;
	count(&stats.found);
	return true;
}

#endif
