/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "fixture.h"

#include "model/model.h"
#include "util/buf.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define START_NS (100ULL * FIXTURE_SECOND)
#define WALL_NS 1795500000000000000ULL /* 2026-11-24T06:00:00Z */

enum { ROOT = 0, WWW = 33, REDIS = 101, ALICE = 1000 };

enum { CGROUP_SSH = 2000, CGROUP_DOCKER, CGROUP_SESSION };

struct proc fixture_proc(uint32_t pid, uint32_t uid, const char *name)
{
	struct proc p = {.pid = pid, .uid = uid, .start_ns = pid ? pid * 1000ULL : 0};

	strncpy(p.name, name, sizeof(p.name) - 1);
	return p;
}

struct addr fixture_addr(const char *ip, uint16_t port)
{
	struct addr a = {.port = port};

	if (!ip)
		return a;
	if (strchr(ip, ':')) {
		assert_int_equal(inet_pton(AF_INET6, ip, a.ip), 1);
	} else {
		a.ip[10] = a.ip[11] = 0xff;
		assert_int_equal(inet_pton(AF_INET, ip, a.ip + 12), 1);
	}
	return a;
}

struct flow fixture_tcp(uint64_t cookie, uint8_t role, struct addr local, struct addr peer)
{
	return (struct flow){
		.cookie = cookie,
		.netns = 4026531840,
		.protocol = IPPROTO_TCP,
		.transport = TRANSPORT_TCP,
		.family = 4,
		.role = role,
		.state = role == ROLE_LISTENER ? STATE_LISTEN : STATE_ESTABLISHED,
		.local = local,
		.peer = peer,
	};
}

static struct flow udp(uint64_t cookie, uint8_t role, struct addr local, struct addr peer)
{
	struct flow f = fixture_tcp(cookie, role, local, peer);

	f.protocol = IPPROTO_UDP;
	f.transport = TRANSPORT_UDP;
	f.state = STATE_OPEN;
	return f;
}

static void apply(struct model *m, enum event_kind kind, const struct proc *p, const struct flow *f,
		  uint64_t time_ns)
{
	struct event ev = {.kind = kind, .time_ns = time_ns, .proc = *p, .flow = *f};

	model_apply(m, &ev);
}

void fixture_seen(struct model *m, const struct proc *p, const struct flow *f, uint64_t time_ns)
{
	apply(m, EVENT_SEEN, p, f, time_ns);
}

void fixture_close(struct model *m, const struct proc *p, const struct flow *f, uint64_t time_ns)
{
	apply(m, EVENT_CLOSE, p, f, time_ns);
}

void fixture_xfer(struct model *m, const struct proc *p, const struct flow *f, uint64_t time_ns,
		  uint64_t tx_bytes, uint64_t rx_bytes)
{
	struct event ev = {.kind = EVENT_XFER, .time_ns = time_ns, .proc = *p, .flow = *f};

	ev.xfer.tx_bytes = tx_bytes;
	ev.xfer.rx_bytes = rx_bytes;
	model_apply(m, &ev);
}

static void refuse(struct model *m, const struct proc *p, const struct flow *f, uint64_t time_ns,
		   int error)
{
	struct event ev = {.kind = EVENT_FAIL, .time_ns = time_ns, .proc = *p, .flow = *f};

	ev.fail.error = error;
	model_apply(m, &ev);
}

void fixture_note(struct model *m, const char *text)
{
	struct event ev = {.kind = EVENT_NOTE, .time_ns = START_NS};

	strncpy(ev.note.text, text, sizeof(ev.note.text) - 1);
	model_apply(m, &ev);
}

void fixture_lost(struct model *m, uint8_t reason, uint64_t count)
{
	struct event ev = {.kind = EVENT_LOST, .time_ns = START_NS};

	ev.lost.total[reason] = count;
	model_apply(m, &ev);
}

static struct event tick_event(unsigned int second)
{
	struct event ev = {.kind = EVENT_TICK,
			   .time_ns = START_NS + second * (uint64_t)FIXTURE_SECOND};

	ev.tick.interval_ns = FIXTURE_SECOND;
	ev.tick.wall_ns = WALL_NS + second * (uint64_t)FIXTURE_SECOND;
	ev.tick.cpu_ns = 40000000 + second * 3000000ULL;
	ev.tick.rss_bytes = 7 << 20;
	ev.tick.records_seen = ev.tick.records_delivered = 120 + second * 30;
	return ev;
}

void fixture_tick(struct model *m, unsigned int second)
{
	struct event ev = tick_event(second);

	model_apply(m, &ev);
}

void fixture_cost_tick(struct model *m, unsigned int second, uint64_t runs, uint64_t each_ns,
		       int error)
{
	struct event ev = tick_event(second);

	ev.tick.programs_error = error;
	if (!error)
		ev.tick.programs = (struct program_cost){
			.runs = runs * second,
			.ns = runs * each_ns * second,
			.counted_ns = second * (uint64_t)FIXTURE_SECOND,
		};
	model_apply(m, &ev);
}

void fixture_pace(struct model *m, unsigned int ms, bool over)
{
	struct event ev = {.kind = EVENT_PACE, .time_ns = START_NS};

	ev.pace.interval_ns = ms ? ms * 1000000ULL : FIXTURE_SECOND;
	ev.pace.stretched = ms;
	ev.pace.budget = 10000000;
	ev.pace.over = over;
	model_apply(m, &ev);
}

static void user(struct model *m, uint32_t uid, const char *name)
{
	struct event ev = {.kind = EVENT_USER, .time_ns = START_NS};

	ev.user.uid = uid;
	strncpy(ev.user.name, name, sizeof(ev.user.name) - 1);
	model_apply(m, &ev);
}

static void service(struct model *m, uint8_t transport, uint16_t port, const char *name)
{
	struct event ev = {.kind = EVENT_SERVICE, .time_ns = START_NS};

	ev.service.transport = transport;
	ev.service.port = port;
	strncpy(ev.service.name, name, sizeof(ev.service.name) - 1);
	model_apply(m, &ev);
}

static void cgroup(struct model *m, uint64_t id, const char *path)
{
	struct event ev = {.kind = EVENT_CGROUP, .time_ns = START_NS};

	ev.cgroup.id = id;
	ev.cgroup.path = path;
	model_apply(m, &ev);
}

void fixture_host(struct model *m)
{
	struct event ev = {.kind = EVENT_HOST, .time_ns = START_NS};

	ev.host.ephemeral_min = 32768;
	ev.host.ephemeral_max = 60999;
	strcpy(ev.host.name, "web1.example");
	model_apply(m, &ev);
	user(m, ROOT, "root");
	user(m, WWW, "www-data");
	user(m, REDIS, "redis");
	user(m, ALICE, "alice");
	service(m, TRANSPORT_TCP, 22, "ssh");
	service(m, TRANSPORT_TCP, 80, "http");
	service(m, TRANSPORT_TCP, 443, "https");
	service(m, TRANSPORT_TCP, 6379, "redis");
	service(m, TRANSPORT_UDP, 53, "domain");
	cgroup(m, CGROUP_SSH, "/system.slice/ssh.service");
	cgroup(m, CGROUP_DOCKER,
	       "/system.slice/docker-"
	       "4f8e6c0a7b1d9e35f2a1c4b6d8e0f1a3b5c7d9e1f3a5b7c9d1e3f5a7b9c1d3e5.scope");
	cgroup(m, CGROUP_SESSION, "/user.slice/user-1000.slice/session-3.scope");
}

/* A server with four accepted connections: one waits in the backlog, one ends in the last interval.
 */
static void nginx(struct model *m, unsigned int second)
{
	struct proc master = fixture_proc(800, ROOT, "nginx"),
		    worker = fixture_proc(801, WWW, "nginx");
	struct proc none = {.uid = WWW, .unattributed = UNATTRIBUTED_NOT_ACCEPTED};
	struct addr any = fixture_addr(NULL, 443), local = fixture_addr("192.0.2.10", 443);
	struct flow listener = fixture_tcp(10, ROLE_LISTENER, any, fixture_addr(NULL, 0));
	uint64_t now_ns = START_NS + second * (uint64_t)FIXTURE_SECOND;

	listener.cgroup_id = CGROUP_DOCKER;
	if (second == 0)
		fixture_seen(m, &master, &listener, now_ns);
	for (unsigned int i = 0; i < 4; i++) {
		const struct proc *p = i == 3 ? &none : &worker;
		struct flow f;
		char ip[16];

		snprintf(ip, sizeof(ip), "198.51.100.%u", i + 1);
		f = fixture_tcp(11 + i, ROLE_SERVER, local,
				fixture_addr(ip, (uint16_t)(50000 + i)));
		f.cgroup_id = CGROUP_DOCKER;
		if (second == 0)
			fixture_seen(m, p, &f, now_ns + i);
		if (i != 1)
			fixture_xfer(m, p, &f, now_ns + 100, (3000000 >> i) + second, 2000 >> i);
		if (i == 2 && second == 2) {
			f.state = STATE_CLOSE;
			fixture_close(m, p, &f, now_ns + 200);
		}
	}
}

/* A download, a database on loopback, a connect that is refused. */
static void clients(struct model *m, unsigned int second)
{
	struct proc curl = fixture_proc(4242, ALICE, "curl"),
		    redis = fixture_proc(900, REDIS, "redis-server");
	struct proc ssh = fixture_proc(4300, ALICE, "ssh");
	struct flow f = fixture_tcp(20, ROLE_CLIENT, fixture_addr("192.0.2.10", 41234),
				    fixture_addr("203.0.113.7", 80));
	struct flow r = fixture_tcp(21, ROLE_SERVER, fixture_addr("127.0.0.1", 6379),
				    fixture_addr("127.0.0.1", 41000));
	struct flow s = fixture_tcp(22, ROLE_CLIENT, fixture_addr("192.0.2.10", 41300),
				    fixture_addr("203.0.113.9", 22));
	uint64_t now_ns = START_NS + second * (uint64_t)FIXTURE_SECOND;

	f.cgroup_id = s.cgroup_id = CGROUP_SESSION;
	r.netns = 4026532281;
	fixture_seen(m, &curl, &f, now_ns + 5000);
	fixture_xfer(m, &curl, &f, now_ns + 6000, second ? 0 : 78, 52428800);
	fixture_seen(m, &redis, &r, now_ns + 7000);
	fixture_xfer(m, &redis, &r, now_ns + 8000, 512, 4096);
	if (second < 2)
		return;
	s.state = STATE_SYN_SENT;
	fixture_seen(m, &ssh, &s, now_ns + 8500);
	refuse(m, &ssh, &s, now_ns + 9000, ECONNREFUSED);
}

static void datagrams(struct model *m)
{
	struct proc dns = fixture_proc(700, ROOT, "dnsmasq"),
		    kernel = {.unattributed = UNATTRIBUTED_KERNEL};
	struct addr local = fixture_addr("192.0.2.10", 53);
	struct flow f, wg = udp(35, ROLE_UNKNOWN, fixture_addr(NULL, 51820),
				fixture_addr("203.0.113.99", 51820));

	for (unsigned int i = 0; i < 3; i++) {
		char ip[16];

		snprintf(ip, sizeof(ip), "192.0.2.%u", 100 + i);
		f = udp(30, ROLE_SERVER, local, fixture_addr(ip, (uint16_t)(33000 + i)));
		f.per_peer = true;
		f.shared = i > 0;
		fixture_seen(m, &dns, &f, START_NS + 10000 + i);
		fixture_xfer(m, &dns, &f, START_NS + 11000, 300 * (i + 1), 60 * (i + 1));
	}
	fixture_seen(m, &kernel, &wg, START_NS + 12000);
	fixture_xfer(m, &kernel, &wg, START_NS + 13000, 1480, 1480);
}

/* Names that attack a terminal, names that are wide, names that turn the line around. */
static void hostile(struct model *m)
{
	static const char *const names[] = {"\033]0;x\007ev\nil", "网络监视器", "a\u202egpj.exe",
					    "\xff\xfe\t"};

	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct proc p = fixture_proc(5000 + i, ALICE, names[i]);
		struct flow f = fixture_tcp(40 + i, ROLE_CLIENT,
					    fixture_addr("2001:db8::10", (uint16_t)(42000 + i)),
					    fixture_addr("2001:db8:0:1:2:3:4:5", 443));

		f.family = 6;
		f.v6_socket = true;
		fixture_seen(m, &p, &f, START_NS + 14000 + i);
		fixture_xfer(m, &p, &f, START_NS + 15000, 4000 - 1000 * i, 10000 * (i + 1));
	}
}

static void quiet(struct model *m)
{
	struct proc sshd = fixture_proc(600, ROOT, "sshd");
	struct flow f =
		fixture_tcp(50, ROLE_LISTENER, fixture_addr("::", 22), fixture_addr(NULL, 0));
	struct proc gone = {.uid = ALICE, .unattributed = UNATTRIBUTED_EXITED};
	struct flow g = fixture_tcp(51, ROLE_CLIENT, fixture_addr("127.0.0.1", 43000),
				    fixture_addr("127.0.0.1", 8080));

	f.family = 6;
	f.v6_socket = true;
	f.cgroup_id = CGROUP_SSH;
	fixture_seen(m, &sshd, &f, START_NS + 16000);
	g.state = STATE_FIN_WAIT1;
	fixture_seen(m, &gone, &g, START_NS + 17000);
}

void fixture_fill(struct model *m)
{
	fixture_host(m);
	quiet(m);
	datagrams(m);
	for (unsigned int second = 0; second < 3; second++) {
		nginx(m, second);
		clients(m, second);
		hostile(m);
		fixture_lost(m, LOST_RING_FULL, 0);
		fixture_tick(m, second + 1);
	}
}

struct model *fixture_model(void)
{
	struct model *m = model_new(NULL);

	assert_non_null(m);
	fixture_fill(m);
	return m;
}

/* --- goldens --- */

static void read_file(const char *path, struct buf *b)
{
	FILE *f = fopen(path, "r");
	char part[4096];
	size_t n;

	if (!f)
		fail_msg("%s: %s (make it with UPDATE=1)", path, strerror(errno));
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		buf_put(b, part, n);
	fclose(f);
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	if (!f || fputs(text, f) < 0 || fclose(f))
		fail_msg("%s: %s", path, strerror(errno));
}

void fixture_golden(const char *name, const char *text)
{
	const char *dir = getenv("GOLDEN_DIR"), *update = getenv("UPDATE");
	struct buf want = {0};
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", dir ? dir : "tests/golden", name);
	if (update && *update && strcmp(update, "0") != 0) {
		write_file(path, text);
		return;
	}
	read_file(path, &want);
	if (strcmp(want.data ? want.data : "", text) != 0) {
		fprintf(stderr, "--- %s\n%s+++ drawn\n%s", path, want.data ? want.data : "", text);
		buf_done(&want);
		fail_msg("%s differs", path);
	}
	buf_done(&want);
}
