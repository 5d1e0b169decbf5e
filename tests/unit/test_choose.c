/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is chosen on kernels that are not here: a line for each, from the first with BTF on. */
#include "capture/hooks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "capture/needs.h"
#include "made_up.h"

enum { WHY = 256 };

#define NONE "none" /* there is no way */

/* Ways that are not the best of their purpose, by the first of their programs. */
/* clang-format off */
#define FEXIT_BYTES [HOOK_BYTES] = "inet_sendmsg_exit", [HOOK_PACKET_BYTES] = "packet_sendmsg_exit"
#define SENDPAGE [HOOK_SENDPAGE] = "inet_sendpage_exit"
#define OLD_ACCEPT [HOOK_ACCEPT] = "csk_accept_exit_old"
#define UNTIL_6_2 FEXIT_BYTES, SENDPAGE, OLD_ACCEPT
#define UNTIL_6_4 SENDPAGE, OLD_ACCEPT
#define UNTIL_6_9 OLD_ACCEPT
#define NO_CALLS [HOOK_OTHER_BYTES] = NONE, [HOOK_PACKET_BYTES] = NONE
#define NO_BYTES [HOOK_BYTES] = NONE, [HOOK_UDP_BYTES] = "skb_egress", NO_CALLS
#define DEGRADED NO_CALLS, NO_FEXIT_ELSE, [HOOK_BYTES] = "tcp_received", \
	[HOOK_UDP_BYTES] = "skb_egress", [HOOK_SENDPAGE] = "", \
	[HOOK_UDP_SEND_PEERS] = NONE, [HOOK_UDP_RECV_PEERS] = NONE
#define LOST_SENDPAGE [HOOK_SENDPAGE] = ""
#define NO_FEXIT_ELSE [HOOK_CONNECT_ERRNO] = NONE, [HOOK_ACCEPT] = "getpeername4", \
	[HOOK_PACKET_RELEASE] = NONE, [HOOK_KTLS_SPLICE] = NONE
#define NO_FEXIT NO_FEXIT_ELSE, [HOOK_UDP_RECV_PEERS] = "udp_recvmsg4"
#define NO_CONNECT_ENTER [HOOK_CONNECT_ENTER] = NONE
#define NO_SEND_PEERS [HOOK_UDP_SEND_PEERS] = NONE
#define NO_CGROUP NO_CONNECT_ENTER, NO_SEND_PEERS, \
	[HOOK_BIND] = "inet_bind_exit", [HOOK_RELEASE] = "inet_release_entry"
#define NEITHER NO_CONNECT_ENTER, NO_SEND_PEERS, [HOOK_BIND] = NONE, [HOOK_RELEASE] = NONE, \
	[HOOK_CONNECT_ERRNO] = NONE, [HOOK_ACCEPT] = NONE, [HOOK_UDP_RECV_PEERS] = NONE, \
	[HOOK_PACKET_RELEASE] = NONE, [HOOK_KTLS_SPLICE] = NONE
#define BY_FILES [HOOK_SWEEP] = "sweep_files", [HOOK_TCP_DETAILS] = "detail_files"
#define NO_SNAPSHOT [HOOK_SNAPSHOT] = NONE, [HOOK_COOKIES] = NONE, [HOOK_TCP_DETAILS] = NONE
#define NO_ITERATORS NO_SNAPSHOT, [HOOK_SWEEP] = NONE
#define NOTHING NO_BYTES, NO_FEXIT_ELSE, NO_ITERATORS, [HOOK_TCP_STATES] = NONE, \
	[HOOK_UDP_SEND_PEERS] = NONE, [HOOK_UDP_RECV_PEERS] = NONE, \
	[HOOK_TCP_END] = NONE, [HOOK_EXIT] = NONE

/* All that is asked of the BTF. */
#define ALL_OF_BTF (LACK(BTF) | LACK(TP_BTF) | LACK(ITERATORS) | LACK(SK_STORAGE) | \
	LACK(TP_SOCK_LENGTH) | LACK(TP_TCP_STATE) | LACK(TP_TCP_DESTROY) | LACK(TRAMPOLINES) | \
	LACK(FN_INET_IO) | LACK(FN_SENDPAGE) | LACK(NO_SENDPAGE) | LACK(FN_PACKET) | \
	LACK(FN_RELEASE) | LACK(FN_BIND) | LACK(FN_CONNECT) | LACK(FN_CONSUME_UDP) | \
	LACK(FN_ACCEPT) | LACK(FN_ACCEPT_OLD) | LACK(FN_SPLICE_READ) | LACK(FN_UDP))

#define NO_CALL_HOOKS (LACK(TRAMPOLINES) | LACK(KPROBES))
#define PROBES_WITHOUT_DETAILS [HOOK_BYTES] = "tcp_release", [HOOK_UDP_BYTES] = "udp_receive", \
	[HOOK_OTHER_BYTES] = "send_begin", [HOOK_PACKET_BYTES] = "packet_send_begin", \
	[HOOK_KTLS_SPLICE] = "splice_begin", [HOOK_CONNECT_ENTER] = "connect_begin", \
	[HOOK_CONNECT_ERRNO] = "connect_begin", [HOOK_ACCEPT] = "tcp_release", \
	[HOOK_UDP_SEND_PEERS] = "udp_send_begin", [HOOK_UDP_RECV_PEERS] = "udp_receive", \
	[HOOK_RELEASE] = "socket_release", [HOOK_PACKET_RELEASE] = "socket_release", \
	[HOOK_SWEEP] = "sweep_pointers"
#define PROBES PROBES_WITHOUT_DETAILS, [HOOK_TCP_DETAILS] = "detail_pointers"
#define BY_KPROBES PROBES, [HOOK_SENDPAGE] = "page_begin", [HOOK_COOKIES] = "sock_create"
#define BY_KPROBES_WITHOUT_DETAILS PROBES_WITHOUT_DETAILS, [HOOK_TCP_DETAILS] = NONE, \
	[HOOK_SENDPAGE] = "page_begin", [HOOK_COOKIES] = "sock_create"
#define BY_KPROBES_ALONE PROBES, [HOOK_SENDPAGE] = "page_begin", [HOOK_BIND] = "bind_begin", \
	[HOOK_COOKIES] = NONE

#define V MADE_UP

/* Purposes without an entry get their best way, so will those that are new. */
static const struct row {
	unsigned int version, lacks;
	const char *refusal; /* what it says, or NULL: it runs */
	const char *note;    /* what each note says that is needed, or NULL: there is none */
	const char *picks[HOOK_PURPOSES];
} rows[] = {
	/* versions */
	{V(5, 8), 0, "too old", NULL, {UNTIL_6_2, NO_ITERATORS}},
	{V(5, 10), 0, "too old", NULL, {UNTIL_6_2, NO_SNAPSHOT}},
	{V(5, 11), 0, "5.12", NULL, {UNTIL_6_2, NO_SNAPSHOT}},
	{V(5, 12), 0, NULL, NULL, {UNTIL_6_2}},
	{V(5, 15), 0, NULL, NULL, {UNTIL_6_2}},
	{V(6, 1), 0, NULL, NULL, {UNTIL_6_2}},
	{V(6, 2), 0, NULL, NULL, {UNTIL_6_2}},
	{V(6, 3), 0, NULL, NULL, {UNTIL_6_4}},
	{V(6, 4), 0, NULL, NULL, {UNTIL_6_4}},
	{V(6, 5), 0, NULL, NULL, {UNTIL_6_9}},
	{V(6, 9), 0, NULL, NULL, {UNTIL_6_9}},
	{V(6, 10), 0, NULL, NULL, {NULL}},
	{V(6, 12), 0, NULL, NULL, {NULL}},
	{V(6, 18), 0, NULL, NULL, {NULL}},
	{V(7, 3), 0, NULL, NULL, {BY_FILES}},
	/* hosts without BPF trampolines */
	{V(5, 11), LACK(TRAMPOLINES), "5.12", NULL,
	 {[HOOK_SNAPSHOT] = NONE, BY_KPROBES_WITHOUT_DETAILS}},
	{V(5, 12), LACK(TRAMPOLINES), NULL, NULL, {BY_KPROBES}},
	{V(5, 15), LACK(TRAMPOLINES), NULL, NULL, {BY_KPROBES}},
	{V(6, 1), LACK(TRAMPOLINES), NULL, NULL, {BY_KPROBES}},
	{V(6, 1), LACK(TRAMPOLINES) | LACK(CGROUP2), NULL, NULL, {BY_KPROBES_ALONE}},
	{V(6, 1), LACK(TRAMPOLINES) | LACK(CAP_NET_ADMIN), NULL, NULL, {BY_KPROBES_ALONE}},
	{V(6, 2), LACK(TRAMPOLINES), NULL, NULL, {BY_KPROBES}},
	{V(6, 12), LACK(TRAMPOLINES) | LACK(TP_SOCK_LENGTH), NULL, NULL,
	 {PROBES, [HOOK_COOKIES] = "sock_create"}},
	/* without kprobes either */
	{V(5, 12), NO_CALL_HOOKS, NULL, "needs", {DEGRADED}},
	{V(5, 15), NO_CALL_HOOKS, NULL, "needs", {DEGRADED}},
	{V(6, 1), NO_CALL_HOOKS, NULL, "needs", {DEGRADED}},
	{V(6, 18), NO_CALL_HOOKS, NULL, NULL, {NO_FEXIT}},
	{V(6, 1), LACK(KPROBES), NULL, NULL, {UNTIL_6_2}},
	/* kprobes are not mixed with what is better for the bytes */
	{V(6, 3), LACK(TRAMPOLINES), NULL, NULL, {LOST_SENDPAGE, NO_FEXIT}},
	{V(6, 5), LACK(TRAMPOLINES), NULL, NULL, {NO_FEXIT}},
	{V(6, 18), LACK(TRAMPOLINES), NULL, NULL, {NO_FEXIT}},
	{V(7, 3), LACK(TRAMPOLINES), NULL, NULL, {BY_FILES, NO_FEXIT}},
	/* without cgroup2, or the capability for it */
	{V(5, 12), LACK(CGROUP2), NULL, "cgroup2", {UNTIL_6_2, NO_CGROUP}},
	{V(6, 1), LACK(CGROUP2), NULL, "cgroup2", {UNTIL_6_2, NO_CGROUP}},
	{V(6, 12), LACK(CGROUP2), NULL, "cgroup2", {NO_CGROUP}},
	{V(6, 18), LACK(CGROUP2) | LACK(TRAMPOLINES), NULL, "cgroup2", {NEITHER}},
	{V(6, 1), LACK(CAP_NET_ADMIN), NULL, "CAP_NET_ADMIN", {UNTIL_6_2, NO_CGROUP}},
	{V(6, 12), LACK(CAP_NET_ADMIN), NULL, "CAP_NET_ADMIN", {NO_CGROUP}},
	{V(6, 18), LACK(CAP_NET_ADMIN) | LACK(TRAMPOLINES), NULL, "CAP_NET_ADMIN", {NEITHER}},
	/* without the other capabilities: on any kernel that is what is said */
	{V(6, 12), LACK(CAP_BPF), "CAP_BPF is missing", NULL, {NULL}},
	{V(6, 12), LACK(CAP_PERFMON), "CAP_PERFMON is missing", NULL, {NULL}},
	{V(6, 12), LACK(CAP_BPF) | LACK(CAP_PERFMON), "CAP_BPF is missing", NULL, {NULL}},
	{V(5, 8), LACK(CAP_BPF), "CAP_BPF is missing", NULL, {UNTIL_6_2, NO_ITERATORS}},
	/* without BTF; with all programs refused */
	{V(6, 12), ALL_OF_BTF, "BTF", "needs", {NOTHING, LOST_SENDPAGE}},
	{V(5, 8), ALL_OF_BTF, "BTF", "needs", {NOTHING, LOST_SENDPAGE}},
	{V(6, 12), LACK(TP_BTF) | LACK(TRAMPOLINES), "security module", "needs", {NOTHING}},
	/* functions that were inlined or left out */
	{V(6, 12), LACK(TP_TCP_DESTROY), NULL, "tcp_destroy_sock", {[HOOK_TCP_END] = NONE}},
	{V(6, 1), LACK(FN_INET_IO) | LACK(KPROBES), NULL, "needs",
	 {[HOOK_BYTES] = "tcp_received", [HOOK_UDP_BYTES] = "skb_egress", [HOOK_OTHER_BYTES] = NONE,
	  [HOOK_PACKET_BYTES] = "packet_sendmsg_exit", [HOOK_UDP_SEND_PEERS] = NONE, UNTIL_6_4}},
	{V(6, 1), LACK(FN_PACKET), NULL, "6.3",
	 {[HOOK_BYTES] = "inet_sendmsg_exit", [HOOK_PACKET_BYTES] = NONE, UNTIL_6_4,
	  [HOOK_PACKET_RELEASE] = NONE}},
	{V(6, 1), LACK(FN_SENDPAGE), NULL, NULL, {FEXIT_BYTES, LOST_SENDPAGE, OLD_ACCEPT}},
	{V(6, 12), LACK(FN_ACCEPT), NULL, NULL, {[HOOK_ACCEPT] = "getpeername4"}},
	{V(6, 12), LACK(FN_CONSUME_UDP), NULL, NULL, {[HOOK_UDP_RECV_PEERS] = "udp_recvmsg4"}},
	{V(6, 12), LACK(FN_CONNECT), NULL, NULL, {[HOOK_CONNECT_ERRNO] = NONE}},
	{V(6, 12), LACK(FN_BIND) | LACK(CGROUP2), NULL, "cgroup2",
	 {NO_CONNECT_ENTER, NO_SEND_PEERS, [HOOK_BIND] = NONE,
	  [HOOK_RELEASE] = "inet_release_entry"}},
	{V(6, 12), LACK(FN_RELEASE) | LACK(CGROUP2), NULL, "cgroup2",
	 {NO_CONNECT_ENTER, NO_SEND_PEERS, [HOOK_BIND] = "inet_bind_exit",
	  [HOOK_RELEASE] = NONE}},
};
/* clang-format on */

static void check_pick(const struct row *row, const int chosen[HOOK_PURPOSES], int purpose)
{
	const struct hook *hook = &hooks[purpose];
	const char *want = row->picks[purpose], *got = "";
	bool best = !want;
	int k = chosen[purpose];

	if (k >= 0 && hook->alternatives[k].programs[0])
		got = hook->alternatives[k].programs[0];
	/* The same programs, or those of other purposes, are as good in whichever way. */
	if (best)
		want = hook->alternatives[0].programs[0] ? hook->alternatives[0].programs[0] : "";
	if (best || strcmp(want, NONE) ? k < 0 || strcmp(got, want) != 0 : k >= 0)
		fail_msg("row %td: %s by way %d `%s`, not `%s`", row - rows, hook->purpose, k, got,
			 want);
}

static void check_refusal(const struct row *row, const struct kcaps *caps,
			  const int chosen[HOOK_PURPOSES])
{
	char why[WHY] = "";
	bool refused = needs_refusal(caps, why, sizeof(why)) ||
		       hooks_refusal(caps, chosen, why, sizeof(why));

	if (refused != (row->refusal != NULL) || (refused && !strstr(why, row->refusal)))
		fail_msg("row %td: refusal `%s`, not `%s`", row - rows, why,
			 row->refusal ? row->refusal : "none");
	if (refused && (strpbrk(why, "\n\t") || why[strlen(why) - 1] != ')'))
		fail_msg("row %td: no whole line: `%s`", row - rows, why);
}

/* One for each purpose without a way whose lack is told, and each says what would help. */
static void check_notes(const struct row *row, const struct kcaps *caps,
			const int chosen[HOOK_PURPOSES])
{
	bool any = false;

	for (int i = 0; i < HOOK_PURPOSES; i++) {
		char note[WHY] = "";
		bool told = hooks_note(caps, chosen, i, note, sizeof(note));

		assert_int_equal(told,
				 (chosen[i] < 0 && hooks[i].missing) || hooks_degraded(chosen, i));
		if (told && (!row->note || !strstr(note, row->note)))
			fail_msg("row %td: note `%s`, not of `%s`", row - rows, note,
				 row->note ? row->note : "none");
		any |= told;
	}
	if (row->note && !any)
		fail_msg("row %td: no note of `%s`", row - rows, row->note);
}

static void made_up_kernels_get_what_they_should(void **state)
{
	(void)state;
	for (const struct row *row = rows; row < rows + sizeof(rows) / sizeof(*rows); row++) {
		struct kcaps caps = made_up(row->version, row->lacks);
		int chosen[HOOK_PURPOSES];

		hooks_choose(&caps, chosen);
		for (int i = 0; i < HOOK_PURPOSES; i++)
			check_pick(row, chosen, i);
		check_refusal(row, &caps, chosen);
		check_notes(row, &caps, chosen);
	}
}

/* It says which one is missing, not only that one is. */
static void a_better_way_needs_what_is_not_there(void **state)
{
	(void)state;
	for (const struct row *row = rows; row < rows + sizeof(rows) / sizeof(*rows); row++) {
		struct kcaps caps = made_up(row->version, row->lacks);
		int chosen[HOOK_PURPOSES];

		hooks_choose(&caps, chosen);
		for (int i = 0; i < HOOK_PURPOSES; i++) {
			int k = hooks_better(&caps, chosen, i);
			char lacking[WHY];

			if (k < 0) {
				assert_true(hooks_exact(chosen, i));
				continue;
			}
			assert_true(chosen[i] < 0 || k < chosen[i]);
			hooks_lacking(&caps, i, k, lacking, sizeof(lacking));
			assert_string_not_equal(lacking, "");
		}
	}
}

static void expect_better(unsigned int version, unsigned int lacks, int purpose, const char *name)
{
	struct kcaps caps = made_up(version, lacks);
	int chosen[HOOK_PURPOSES], k;

	hooks_choose(&caps, chosen);
	k = hooks_better(&caps, chosen, purpose);
	if (!name)
		assert_int_equal(k, -1);
	else
		assert_string_equal(k < 0 ? "" : hooks[purpose].alternatives[k].name, name);
}

static void the_next_better_way_is_the_nearest(void **state)
{
	(void)state;
	expect_better(MADE_UP(6, 12), 0, HOOK_BYTES, NULL);
	expect_better(MADE_UP(6, 1), 0, HOOK_BYTES,
		      "tracepoints sock_send_length, sock_recv_length"); /* cheaper */
	expect_better(MADE_UP(6, 1), 0, HOOK_ACCEPT, NULL); /* the same for an older kernel */
	expect_better(MADE_UP(6, 1), LACK(TRAMPOLINES), HOOK_CONNECT_ENTER, NULL); /* not mixed */
	expect_better(MADE_UP(6, 1), NO_CALL_HOOKS, HOOK_UDP_BYTES, "as other bytes");
	expect_better(MADE_UP(6, 18), LACK(TRAMPOLINES), HOOK_ACCEPT, "fexit inet_csk_accept");
	expect_better(MADE_UP(6, 18), LACK(TRAMPOLINES) | LACK(CGROUP2), HOOK_ACCEPT,
		      "cgroup/getpeername, else the first bytes"); /* it can be mounted */
	expect_better(MADE_UP(6, 12), LACK(CGROUP2), HOOK_RELEASE, "cgroup/sock_release");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(made_up_kernels_get_what_they_should),
		cmocka_unit_test(a_better_way_needs_what_is_not_there),
		cmocka_unit_test(the_next_better_way_is_the_nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
