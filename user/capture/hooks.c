/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "capture/hooks.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define NEEDS(cap) (1U << KCAP_##cap)
#define NEEDS_CGROUP (NEEDS(CGROUP2) | NEEDS(CAP_NET_ADMIN))

#define NEEDS_FEXIT(cap) (NEEDS(TRAMPOLINES) | NEEDS(cap))
#define NEEDS_KPROBES(cap) (NEEDS(TP_BTF) | NEEDS(KPROBES) | NEEDS(cap))
#define NEEDS_ITERATORS (NEEDS(TP_BTF) | NEEDS(ITERATORS) | NEEDS(SK_STORAGE))
#define NEEDS_LENGTH (NEEDS(TP_BTF) | NEEDS(TP_SOCK_LENGTH))

#define DEGRADED "degraded: "

/* Reasons and measured costs: tests/bench. Never the accept and connect system calls' tracepoints:
 * one of them makes every system call of the machine take the slow path. Not for bytes, though they
 * tempt: fexit on sock_recvmsg (recvmmsg: an eighth), on tcp_sendmsg (no sendfile before 6.5, no
 * MPTCP), on udp_sendmsg and udpv6_sendmsg (v4-mapped twice), on tcp_cleanup_rbuf (peeks). */
/* clang-format off */
const struct hook hooks[HOOK_PURPOSES] = {
	[HOOK_BYTES] = {
		.purpose = "bytes of TCP sockets",
		.required = true,
		.alternatives = {
			{"tracepoints sock_send_length, sock_recv_length", NEEDS_LENGTH,
			 {"send_length", "recv_length"}, NULL, KEEP_STORAGE},
			{"fexit inet_sendmsg, inet_recvmsg and IPv6", NEEDS_FEXIT(FN_INET_IO),
			 {"inet_sendmsg_exit", "inet6_sendmsg_exit", "inet_recvmsg_exit",
			  "inet6_recvmsg_exit", "common_recvmsg_exit"}, NULL, KEEP_STORAGE},
			{"kprobe tcp_release_cb", NEEDS_KPROBES(FN_UDP), {"tcp_release"}, NULL,
			 KEEP_POINTER},
			{"tracepoint tcp_rcv_space_adjust, counters of sockets",
			 NEEDS(TP_BTF) | NEEDS(TP_TCP_RCVD), {"tcp_received"},
			 DEGRADED "which process sends on a shared TCP socket is a guess; "
			 "kTLS as ciphertext", KEEP_STORAGE},
		},
	},
	[HOOK_UDP_BYTES] = {
		.purpose = "bytes of UDP and ping sockets",
		.missing = "bytes of UDP and ping sockets are not counted",
		.alternatives = {
			{"as other bytes", NEEDS_LENGTH, {NULL}, NULL, KEEP_ANY},
			{"as other bytes", NEEDS_FEXIT(FN_INET_IO), {NULL}, NULL, KEEP_ANY},
			{"kprobes on udp_sendmsg, skb_consume_udp", NEEDS_KPROBES(FN_UDP),
			 {"udp_receive", "udp_send_begin", "send_begin", "send_end",
			  "receive_begin", "receive_end"}, NULL, KEEP_POINTER},
			{"cgroup_skb", NEEDS_CGROUP,
			 {"skb_egress", "skb_ingress", "udp_sendmsg4", "udp_sendmsg6",
			  "udp_recvmsg4", "udp_recvmsg6"},
			 DEGRADED "UDP counts what arrives, read or not, for the process last "
			 "seen on the socket", KEEP_STORAGE},
		},
	},
	[HOOK_OTHER_BYTES] = {
		.purpose = "bytes of MPTCP, SCTP and raw",
		.missing = "bytes of MPTCP, SCTP and raw sockets are not counted",
		.alternatives = {
			{"as other bytes", NEEDS_LENGTH, {NULL}, NULL, KEEP_ANY},
			{"as other bytes", NEEDS_FEXIT(FN_INET_IO), {NULL}, NULL, KEEP_ANY},
			{"kprobes on the functions of each protocol", NEEDS_KPROBES(FN_UDP),
			 {"send_begin", "send_end", "receive_begin", "receive_end"},
			 "receives beyond 10 that wait at once (told as lost.calls); kTLS, SCTP, "
			 "L2TP, DCCP if loaded after the start", KEEP_POINTER},
		},
	},
	[HOOK_SENDPAGE] = {
		.purpose = "bytes of sendfile and splice",
		.missing = "bytes sent by sendfile and splice are not counted",
		.alternatives = {
			{"as other bytes", NEEDS(NO_SENDPAGE), {NULL}, NULL, KEEP_ANY},
			{"fexit inet_sendpage", NEEDS_FEXIT(FN_SENDPAGE),
			 {"inet_sendpage_exit"}, NULL, KEEP_STORAGE},
			{"kprobe, kretprobe udp_sendpage", NEEDS_KPROBES(FN_SENDPAGE),
			 {"page_begin", "page_end"}, NULL, KEEP_POINTER},
			{"counters of TCP sockets", NEEDS(TP_TCP_RCVD), {NULL},
			 "sendfile and splice count on TCP only, some when the socket closes",
			 KEEP_STORAGE},
		},
	},
	[HOOK_PACKET_BYTES] = {
		.purpose = "bytes of packet sockets",
		.missing = "bytes of packet sockets are not counted",
		.alternatives = {
			{"as other bytes", NEEDS_LENGTH, {NULL}, NULL, KEEP_ANY},
			{"fexit packet_sendmsg, packet_recvmsg", NEEDS_FEXIT(FN_PACKET),
			 {"packet_sendmsg_exit", "packet_recvmsg_exit"}, NULL, KEEP_STORAGE},
			{"kprobe, kretprobe packet_sendmsg, packet_recvmsg",
			 NEEDS_KPROBES(FN_PACKET),
			 {"packet_send_begin", "packet_receive_begin", "send_end", "receive_end"},
			 NULL, KEEP_POINTER},
		},
	},
	[HOOK_KTLS_SPLICE] = {
		.purpose = "bytes spliced from kTLS sockets",
		.unseen = "bytes spliced from kTLS sockets are not counted",
		.alternatives = {
			{"fexit sock_splice_read", NEEDS_FEXIT(FN_SPLICE_READ),
			 {"splice_read_exit"}, NULL, KEEP_STORAGE},
			{"kprobe, kretprobe tls_sw_splice_read", NEEDS_KPROBES(FN_UDP),
			 {"splice_begin", "receive_end"}, NULL, KEEP_POINTER},
		},
	},
	[HOOK_TCP_STATES] = {
		.purpose = "TCP connect, listen, failures",
		.required = true,
		.alternatives = {
			{"tracepoint inet_sock_set_state",
			 NEEDS(TP_BTF) | NEEDS(TP_TCP_STATE), {"tcp_state"}, NULL, KEEP_ANY},
		},
	},
	[HOOK_TCP_END] = {
		.purpose = "end of TCP without a process",
		.missing = "the end of TCP sockets that no process holds is not seen",
		.alternatives = {
			{"tracepoint tcp_destroy_sock",
			 NEEDS(TP_BTF) | NEEDS(TP_TCP_DESTROY), {"tcp_destroy"}, NULL, KEEP_ANY},
		},
	},
	[HOOK_BIND] = {
		.purpose = "bind",
		.missing = "a bound port is seen only at listen or the first bytes",
		.alternatives = {
			{"cgroup/post_bind", NEEDS_CGROUP,
			 {"post_bind4", "post_bind6", "bind4", "bind6"}, NULL, KEEP_ANY},
			{"fexit inet_bind, inet6_bind", NEEDS_FEXIT(FN_BIND),
			 {"inet_bind_exit", "inet6_bind_exit"}, NULL, KEEP_ANY},
			{"kprobe, kretprobe inet_bind, inet6_bind", NEEDS_KPROBES(FN_BIND),
			 {"bind_begin", "bind_end"}, NULL, KEEP_POINTER},
		},
	},
	[HOOK_CONNECT_ENTER] = {
		.purpose = "connect that fails before a SYN",
		.missing = "connects that fail before a SYN is sent are not seen",
		.alternatives = {
			{"cgroup/connect", NEEDS_CGROUP, {"connect4", "connect6"}, NULL,
			 KEEP_STORAGE},
			{"kprobe tcp_v4_connect, tcp_v6_connect", NEEDS_KPROBES(FN_CONNECT),
			 {"connect_begin"}, NULL, KEEP_POINTER},
		},
	},
	[HOOK_CONNECT_ERRNO] = {
		.purpose = "errno of such a connect",
		.unseen = "connects that fail before a SYN is sent have no errno",
		.alternatives = {
			{"fexit tcp_v4_connect, tcp_v6_connect", NEEDS_FEXIT(FN_CONNECT),
			 {"tcp_v4_connect_exit", "tcp_v6_connect_exit"}, NULL, KEEP_ANY},
			{"kprobe, kretprobe tcp_v4_connect, tcp_v6_connect",
			 NEEDS_KPROBES(FN_CONNECT), {"connect_begin", "connect_end"}, NULL,
			 KEEP_POINTER},
		},
	},
	[HOOK_ACCEPT] = {
		.purpose = "accept",
		.missing = "who accepted is known only from the first bytes on",
		.alternatives = {
			{"fexit inet_csk_accept", NEEDS_FEXIT(FN_ACCEPT),
			 {"csk_accept_exit"}, NULL, KEEP_ANY},
			{"fexit inet_csk_accept", NEEDS_FEXIT(FN_ACCEPT_OLD),
			 {"csk_accept_exit_old"}, NULL, KEEP_ANY},
			{"kprobe tcp_release_cb", NEEDS_KPROBES(FN_UDP), {"tcp_release"}, NULL,
			 KEEP_POINTER},
			{"cgroup/getpeername, else the first bytes", NEEDS_CGROUP,
			 {"getpeername4", "getpeername6"},
			 "an accept that asks for no address is known from the first bytes on",
			 KEEP_ANY},
		},
	},
	[HOOK_UDP_SEND_PEERS] = {
		.purpose = "UDP peers, unconnected: sent to",
		.missing = "peers that unconnected UDP sockets send to are not told apart",
		.alternatives = {
			{"cgroup/sendmsg", NEEDS_CGROUP | NEEDS_LENGTH,
			 {"udp_sendmsg4", "udp_sendmsg6"}, NULL, KEEP_ANY},
			{"cgroup/sendmsg", NEEDS_CGROUP | NEEDS_FEXIT(FN_INET_IO),
			 {"udp_sendmsg4", "udp_sendmsg6"}, NULL, KEEP_ANY},
			{"kprobe udp_sendmsg, udpv6_sendmsg", NEEDS_KPROBES(FN_UDP),
			 {"udp_send_begin", "send_begin"}, NULL, KEEP_POINTER},
		},
	},
	[HOOK_UDP_RECV_PEERS] = {
		.purpose = "UDP peers, unconnected: received",
		.missing = "peers that unconnected UDP sockets receive from are not told apart",
		.alternatives = {
			{"fentry skb_consume_udp", NEEDS_FEXIT(FN_CONSUME_UDP),
			 {"consume_udp"}, NULL, KEEP_STORAGE},
			{"kprobe skb_consume_udp", NEEDS_KPROBES(FN_CONSUME_UDP),
			 {"udp_receive"}, NULL, KEEP_POINTER},
			{"cgroup/recvmsg", NEEDS_CGROUP | NEEDS_LENGTH,
			 {"udp_recvmsg4", "udp_recvmsg6"},
			 "a receive that asks for no address (recv, read) is booked to peer *",
			 KEEP_ANY},
			{"cgroup/recvmsg", NEEDS_CGROUP | NEEDS_FEXIT(FN_INET_IO),
			 {"udp_recvmsg4", "udp_recvmsg6"},
			 "a receive that asks for no address (recv, read) is booked to peer *",
			 KEEP_ANY},
		},
	},
	[HOOK_RELEASE] = {
		.purpose = "close",
		.missing = "the close of UDP and raw sockets is seen seconds late",
		.alternatives = {
			{"cgroup/sock_release", NEEDS_CGROUP, {"sock_release"}, NULL, KEEP_STORAGE},
			{"fentry inet_release", NEEDS_FEXIT(FN_RELEASE),
			 {"inet_release_entry"}, NULL, KEEP_ANY},
			{"kprobe inet_release", NEEDS_KPROBES(FN_RELEASE),
			 {"socket_release"}, NULL, KEEP_POINTER},
		},
	},
	[HOOK_PACKET_RELEASE] = {
		.purpose = "close of packet sockets",
		.unseen = "the close of packet sockets is seen seconds late",
		.alternatives = {
			{"fentry packet_release", NEEDS_FEXIT(FN_PACKET),
			 {"packet_release_entry"}, NULL, KEEP_ANY},
			{"kprobe packet_release", NEEDS_KPROBES(FN_PACKET),
			 {"socket_release"}, NULL, KEEP_POINTER},
		},
	},
	[HOOK_EXIT] = {
		.purpose = "end of processes",
		.unseen = "processes that ended stay in the tables until they are full",
		.alternatives = {
			{"tracepoint sched_process_exit", NEEDS(TP_BTF), {"process_exit"}, NULL,
			 KEEP_ANY},
		},
	},
	[HOOK_SNAPSHOT] = {
		.purpose = "sockets open before the start",
		.required = true,
		.alternatives = {
			{"iter/task_file", NEEDS_ITERATORS, {"snapshot"}, NULL, KEEP_ANY},
		},
	},
	[HOOK_SWEEP] = {
		.purpose = "last bytes of quiet sockets",
		.required = true,
		.alternatives = {
			{"iter/bpf_sk_storage_map",
			 NEEDS(TP_BTF) | NEEDS(ITERATORS) | NEEDS(STORAGE_ITER), {"sweep"}, NULL,
			 KEEP_STORAGE},
			{"iter/task_file", NEEDS_ITERATORS, {"sweep_files"},
			 "sockets without a file, as of the kernel: last bytes of a burst show "
			 "with the next, or at the close", KEEP_STORAGE},
			{"iter/bpf_map_elem", NEEDS(TP_BTF) | NEEDS(ITERATORS) | NEEDS(KPROBES),
			 {"sweep_pointers"}, NULL, KEEP_POINTER},
		},
	},
	[HOOK_COOKIES] = {
		.purpose = "cookies of sockets",
		.unseen = "UDP and raw sockets have no cookie until somebody asks for it",
		.alternatives = {
			{"the hooks of their bytes", NEEDS(TP_BTF) | NEEDS(SK_STORAGE), {NULL},
			 NULL, KEEP_STORAGE},
			{"cgroup/sock_create", NEEDS_CGROUP | NEEDS(KPROBES), {"sock_create"},
			 NULL, KEEP_POINTER},
		},
	},
	[HOOK_TCP_DETAILS] = {
		.purpose = "holders, TCP of one connection",
		.unseen = "the details of a connection have neither holders nor TCP's numbers",
		.alternatives = {
			{"iter/bpf_sk_storage_map and task_file",
			 NEEDS_ITERATORS | NEEDS(STORAGE_ITER), {"detail", "holders"}, NULL,
			 KEEP_STORAGE},
			{"iter/task_file", NEEDS_ITERATORS, {"detail_files", "holders"}, NULL,
			 KEEP_STORAGE},
			{"iter/bpf_map_elem and task_file", NEEDS_ITERATORS | NEEDS(KPROBES),
			 {"detail_pointers", "holders"}, NULL, KEEP_POINTER},
		},
	},
};
/* clang-format on */

static unsigned int lacking(const struct kcaps *caps, unsigned int needs)
{
	unsigned int lack = 0;

	for (int i = 0; i < KCAP_COUNT; i++)
		if (needs & 1U << i && !caps->has[i])
			lack |= 1U << i;
	return lack;
}

/* Where the state of sockets is kept, once the way to see bytes is chosen. */
static enum hook_keep keeps(const int chosen[HOOK_PURPOSES])
{
	int k = chosen[HOOK_BYTES];

	return k >= 0 ? hooks[HOOK_BYTES].alternatives[k].keep : KEEP_STORAGE;
}

static bool fits(const struct hook_alternative *a, enum hook_keep keep)
{
	return a->keep == KEEP_ANY || keep == KEEP_ANY || a->keep == keep;
}

void hooks_choose(const struct kcaps *caps, int chosen[HOOK_PURPOSES])
{
	enum hook_keep keep = KEEP_ANY; /* until the bytes, the first purpose, decide */

	for (int i = 0; i < HOOK_PURPOSES; i++) {
		const struct hook_alternative *a = hooks[i].alternatives;

		chosen[i] = -1;
		for (int k = 0; a[k].name && chosen[i] < 0; k++)
			if (fits(&a[k], keep) && !lacking(caps, a[k].needs))
				chosen[i] = k;
		if (i == HOOK_BYTES)
			keep = keeps(chosen);
	}
}

bool hooks_by_pointer(const int chosen[HOOK_PURPOSES])
{
	return keeps(chosen) == KEEP_POINTER;
}

bool hooks_wants(const int chosen[HOOK_PURPOSES], const char *program)
{
	for (int i = 0; i < HOOK_PURPOSES; i++) {
		if (chosen[i] < 0)
			continue;
		for (int k = 0; k < HOOK_PROGRAMS; k++) {
			const char *name = hooks[i].alternatives[chosen[i]].programs[k];

			if (name && !strcmp(name, program))
				return true;
		}
	}
	return false;
}

bool hooks_exact(const int chosen[HOOK_PURPOSES], int purpose)
{
	const struct hook *hook = &hooks[purpose];

	if (chosen[purpose] >= 0)
		return !hook->alternatives[chosen[purpose]].gap;
	return !hook->required && !hook->missing && !hook->unseen; /* nothing is missed */
}

void hooks_lacking(const struct kcaps *caps, int purpose, int k, char *dst, size_t size)
{
	unsigned int lack = lacking(caps, hooks[purpose].alternatives[k].needs);
	size_t len = 0;

	dst[0] = '\0';
	for (int i = 0; i < KCAP_COUNT && len < size; i++)
		if (lack & 1U << i)
			len += (size_t)snprintf(dst + len, size - len, "%s%s", len ? ", " : "",
						kcap_name(i));
}

bool hooks_degraded(const int chosen[HOOK_PURPOSES], int purpose)
{
	const char *gap = chosen[purpose] >= 0 ? hooks[purpose].alternatives[chosen[purpose]].gap
					       : NULL;

	return gap && !strncmp(gap, DEGRADED, sizeof(DEGRADED) - 1);
}

/* How far away an alternative is: what the user can give (capabilities, cgroup2) weighs little
 * beside what the kernel would have to have. */
static int distance(unsigned int lack)
{
	const unsigned int can_give = NEEDS(CAP_BPF) | NEEDS(CAP_PERFMON) | NEEDS_CGROUP;

	return __builtin_popcount(lack) + KCAP_COUNT * __builtin_popcount(lack & ~can_give);
}

/* The nearest of the first @count alternatives, or of all that there are, that keeps state there
 * and is exact if it must be; -1 if there is none. */
static int nearest(const struct kcaps *caps, const struct hook *hook, int count,
		   enum hook_keep keep, bool exact)
{
	int least = INT_MAX, best = -1;

	for (int k = 0; k < count && hook->alternatives[k].name; k++) {
		const struct hook_alternative *a = &hook->alternatives[k];
		int far = distance(lacking(caps, a->needs));

		if (far < least && fits(a, keep) && !(exact && a->gap)) {
			least = far;
			best = k;
		}
	}
	return best;
}

/* Where a better way may keep state: that of the bytes decides for all others. */
static enum hook_keep may_keep(const int chosen[HOOK_PURPOSES], int purpose)
{
	return purpose == HOOK_BYTES || hooks_degraded(chosen, purpose) ? KEEP_ANY : keeps(chosen);
}

int hooks_better(const struct kcaps *caps, const int chosen[HOOK_PURPOSES], int purpose)
{
	const struct hook *hook = &hooks[purpose];
	int k = chosen[purpose];
	bool gap = k >= 0 && hook->alternatives[k].gap;

	k = nearest(caps, hook, k < 0 ? INT_MAX : k, may_keep(chosen, purpose), gap);
	/* one way that was written for two kernels */
	if (k >= 0 && chosen[purpose] >= 0 &&
	    !strcmp(hook->alternatives[k].name, hook->alternatives[chosen[purpose]].name))
		return -1;
	return k;
}

bool hooks_note(const struct kcaps *caps, const int chosen[HOOK_PURPOSES], int purpose, char *dst,
		size_t size)
{
	const struct hook *hook = &hooks[purpose];
	bool degraded = hooks_degraded(chosen, purpose);
	int count = degraded ? chosen[purpose] : INT_MAX, best;
	unsigned int lack;

	if (!degraded && (chosen[purpose] >= 0 || !hook->missing))
		return false;
	best = nearest(caps, hook, count, may_keep(chosen, purpose), false);
	lack = lacking(caps, hook->alternatives[best].needs);
	for (int k = 0; k < KCAP_COUNT; k++)
		if (lack & 1U << k) {
			snprintf(dst, size, "%s (needs %s)",
				 degraded ? hook->alternatives[chosen[purpose]].gap : hook->missing,
				 kcap_name(k));
			break;
		}
	return true;
}

bool hooks_refusal(const struct kcaps *caps, const int chosen[HOOK_PURPOSES], char *dst,
		   size_t size)
{
	for (int i = 0; i < HOOK_PURPOSES; i++) {
		unsigned int lack;

		if (chosen[i] >= 0 || !hooks[i].required)
			continue;
		lack = lacking(caps, hooks[i].alternatives[0].needs);
		for (int k = 0; k < KCAP_COUNT; k++)
			if (lack & 1U << k) {
				snprintf(dst, size,
					 "kernel %s is too old for any way to see %s: %s is "
					 "missing (use Linux 6.3 or newer)",
					 caps->release, hooks[i].purpose, kcap_name(k));
				return true;
			}
	}
	return false;
}
