/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "who/stop.h"

#include <stdio.h>
#include <string.h>

#include "util/buf.h"
#include "util/fmt.h"

static const struct {
	const char *begins; /* function, or module in brackets */
	const char *name, *advice;
} handlers[] = {
	{"wg_receive", "WireGuard", "ip link del the wireguard interface"},
	{"vxlan_", "VXLAN", "ip link del the vxlan interface"},
	{"geneve_", "Geneve", "ip link del the geneve interface"},
	{"gtp_", "GTP", "ip link del the gtp interface"},
	{"bareudp_", "bareudp", "ip link del the bareudp interface"},
	{"amt_", "AMT", "ip link del the amt interface"},
	{"ovpn_", "OpenVPN", "ip link del the ovpn interface"},
	{"fou_", "FOU", "ip fou del port PORT"},
	{"gue_", "GUE", "ip fou del port PORT"},
	{"l2tp_", "L2TP", "ip l2tp del tunnel"},
	{"xfrm", "IPsec", "stop the IKE daemon"},
	{"rxrpc_", "RxRPC (AFS)", "umount the AFS volumes"},
	{"tipc_", "TIPC", "tipc bearer disable"},
	{"svc_", "NFS or lockd (sunrpc)", "systemctl stop nfs-server"},
	{"xs_", "NFS client (sunrpc)", "umount the NFS file systems"},
	{"nvmet_", "NVMe target", "nvmetcli clear"},
	{"nvme_", "NVMe host", "nvme disconnect"},
	{"iscsit_", "iSCSI target", "targetcli clearconfig"},
	{"iscsi_", "iSCSI initiator", "iscsiadm --logout"},
	{"lowcomms_", "DLM", "stop the cluster"},
	{"rds_", "RDS", "rmmod rds_tcp"},
	{"o2net_", "OCFS2", "stop the cluster"},
	{"ceph_", "Ceph client", "umount the Ceph file systems"},
	{"smc_", "SMC", "end the process that uses SMC"},
	{"siw_", "Soft-iWARP", "rdma link del"},
	{"rxe_", "Soft-RoCE", "rdma link del"},
	{"drbd_", "DRBD", "drbdadm down"},
	{"ksmbd_", "SMB server (ksmbd)", "ksmbd.control --shutdown"},
};

static int find_handler(const struct census_sock *s)
{
	for (size_t i = 0; i < sizeof(handlers) / sizeof(*handlers); i++)
		if (!strncmp(s->handled, handlers[i].begins, strlen(handlers[i].begins)))
			return (int)i;
	return -1;
}

void stop_kernel_name(char *dst, size_t size, const struct census_sock *s)
{
	int handler = find_handler(s);
	const char *module = strchr(s->handled, '[');

	if (handler >= 0)
		snprintf(dst, size, "%s", handlers[handler].name);
	else if (module)
		snprintf(dst, size, "module %.*s", (int)strcspn(module + 1, "]"), module + 1);
	else
		snprintf(dst, size, "the kernel");
}

/* ---- processes ---- */

static bool holds_pid(const struct block *b, uint32_t pid)
{
	for (size_t i = 0; i < b->holder_count; i++)
		if (b->holders[i].pid == pid)
			return true;
	return false;
}

static void advise_kill(struct buf *out, const struct block *b)
{
	buf_puts(out, "kill");
	for (size_t i = 0; i < b->holder_count; i++) {
		const struct holder *h = &b->holders[i];

		if (h->top && (h->pid != 1 || b->holder_count == 1))
			buf_printf(out, " %u", (unsigned int)h->pid);
	}
}

static bool advise_container(struct buf *out, const struct origin *o)
{
	static const struct {
		const char *runtime, *command;
	} commands[] = {
		{"docker", "docker stop"},     {"podman", "podman stop"},
		{"containerd", "crictl stop"}, {"cri-o", "crictl stop"},
		{"lxc", "lxc-stop -n"},        {"machine", "machinectl terminate"},
	};

	for (size_t i = 0; o->container[0] && i < sizeof(commands) / sizeof(*commands); i++) {
		bool named = !strcmp(o->runtime, "lxc") || !strcmp(o->runtime, "machine");

		if (strcmp(o->runtime, commands[i].runtime) != 0)
			continue;
		buf_printf(out, "%s %.*s", commands[i].command, named ? ORIGIN_ID : 12,
			   o->container);
		return true;
	}
	return false;
}

static bool is_service(const char *unit)
{
	const char *dot = strrchr(unit, '.');

	return dot && !strcmp(dot, ".service");
}

/* A socket that systemd holds too comes back with the next connection unless it is stopped too. */
static bool advise_unit(struct buf *out, const struct block *b, const struct origin *o)
{
	size_t stem = strlen(o->unit);

	if (!is_service(o->unit))
		return false;
	buf_printf(out, "systemctl %sstop %s", o->user_unit ? "--user " : "", o->unit);
	if (holds_pid(b, 1))
		buf_printf(out, " %.*ssocket", (int)(stem - strlen("service")), o->unit);
	return true;
}

static bool advise_process(struct buf *out, struct scene *scene, const struct block *b)
{
	const struct holder *main = &b->holders[0];
	const struct facts *facts;

	for (size_t i = 0; i < b->holder_count && main->pid == 1; i++)
		main = &b->holders[i];
	if (main->pid == 1) {
		buf_puts(out, "systemd listens for a unit: systemctl list-sockets tells which");
		return false;
	}
	facts = scene_facts(scene, main->pid);
	if (facts && facts->process.gone) {
		buf_puts(out, "it has just ended");
		return false;
	}
	if (!facts ||
	    (!advise_container(out, &facts->origin) && !advise_unit(out, b, &facts->origin)))
		advise_kill(out, b);
	return true;
}

/* ---- sockets without a process ---- */

static void advise_remains(struct buf *out, const struct block *b)
{
	uint64_t left = 0;
	char age[FMT_TEXT];

	for (size_t i = 0; i < b->count; i++)
		if (b->census->socks[b->socks[i]].left_ns > left)
			left = b->census->socks[b->socks[i]].left_ns;
	if (left)
		buf_printf(out, "the last TIME_WAIT ends in %s; SO_REUSEADDR need not wait",
			   fmt_age(age, sizeof(age), left));
	else if (b->first->not_accepted)
		buf_puts(out, "its listener has not accepted it yet");
	else
		buf_puts(out, "the kernel finishes it by itself");
}

bool stop_advice(struct buf *out, struct scene *scene, const struct block *b)
{
	const struct census_sock *s = b->first;
	int handler = find_handler(s);

	if (b->holder_count)
		return advise_process(out, scene, b);
	if (s->kernel) {
		buf_puts(out, handler >= 0 ? handlers[handler].advice : "no process has it");
		return handler >= 0;
	}
	if (sock_is_remains(s))
		advise_remains(out, b);
	else if (b->census->own_only)
		buf_puts(out, "root can see who it is");
	else if (scene->own_pids)
		buf_puts(out, "it is outside our pid namespace: look on the host");
	else
		buf_puts(out, "it is on its way between processes, in an io_uring, or hidden");
	return false;
}
