/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "capture/census.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "capture/census_parts.h"
#include "capture/host.h"
#include "who_abi.h"
#include "who.skel.h"

enum {
	ITER_BYTES = 64 << 10, /* more than the 32 KiB that the kernel gives a read */
	TABLES = 256,          /* namespaces with tables of their own, and the one of all others */
};

struct poller { /* a process with an epoll instance that waits on a socket */
	uint64_t polls;
	uint32_t pid;
};

struct taking {
	struct census *c;
	struct who *skel;
	struct census_index index;
	struct list holds, waits, pollers, tasks;
	uint64_t tables[TABLES]; /* that were walked */
	size_t table_count;
	unsigned int hz;
	bool failed; /* out of memory */
};

static int be_quiet(enum libbpf_print_level level, const char *fmt, va_list args)
{
	(void)level;
	(void)fmt;
	(void)args;
	return 0;
}

static size_t add_sock(struct taking *t, const struct who_sock *raw)
{
	struct census_sock s;

	census_decode(&s, raw, t->skel->bss->walk.jiffies, t->hz);
	return census_index_add(&t->index, &s);
}

static void add_waits(struct taking *t, const struct who_walk *walk)
{
	for (uint32_t i = 0; i < walk->wait_count && i < WHO_WAITS; i++)
		if (!list_add(&t->waits, &t->skel->bss->waits[i]))
			t->failed = true;
}

/* ---- walks ---- */

static int run(struct taking *t, enum who_kind kind)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	int err;

	t->skel->bss->walk.sock_count = 0;
	t->skel->bss->walk.wait_count = 0;
	t->skel->bss->walk.kind = kind;
	err = bpf_prog_test_run_opts(bpf_program__fd(t->skel->progs.walk_tables), &opts);
	return err ? -errno : 0;
}

static bool walked(struct taking *t, uint64_t table)
{
	for (size_t i = 0; i < t->table_count; i++)
		if (t->tables[i] == table)
			return true;
	if (t->table_count < TABLES)
		t->tables[t->table_count++] = table;
	else
		t->c->lost++;
	return false;
}

/* A run ends when its output is full; the next one goes on there. */
static int walk_table(struct taking *t, enum who_kind kind, uint64_t table)
{
	struct who_walk *walk = &t->skel->bss->walk;
	int err;

	walk->table = table;
	walk->bucket = 0;
	walk->skip = 0;
	do {
		err = run(t, kind);
		for (uint32_t i = 0; !err && i < walk->sock_count && i < WHO_SOCKS; i++)
			add_sock(t, &t->skel->bss->socks[i]);
		if (!err)
			add_waits(t, walk);
	} while (!err && !walk->done && !t->index.failed);
	return err;
}

/* Listeners of all tables first: what they listen on decides what is told of connections. */
static int walk_all(struct taking *t)
{
	static struct who_net nets[WHO_SOCKS];
	uint32_t count = t->skel->bss->walk.sock_count;
	int err = 0;

	memcpy(nets, t->skel->bss->nets, sizeof(nets));
	for (uint32_t i = 0; i < count && i < WHO_SOCKS && !err; i++)
		if (nets[i].tcp && !walked(t, nets[i].tcp))
			err = walk_table(t, WHO_LISTENERS, nets[i].tcp);
	t->table_count = 0;
	for (uint32_t i = 0; i < count && i < WHO_SOCKS && !err; i++) {
		if (nets[i].tcp && !walked(t, nets[i].tcp))
			err = walk_table(t, WHO_CONNECTIONS, nets[i].tcp);
		if (!err && nets[i].udp && !walked(t, nets[i].udp))
			err = walk_table(t, WHO_UDP, nets[i].udp);
	}
	return err;
}

/* Before 6.2 only a UDP socket leads to the table of UDP. */
static int walk_nets(struct taking *t)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), err;
	struct timespec up;

	if (fd < 0)
		fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	t->skel->bss->ask.own_fd = (uint32_t)fd;
	err = run(t, WHO_NETS);
	clock_gettime(CLOCK_MONOTONIC, &up);
	t->hz = census_hz(t->skel->bss->walk.jiffies, (uint64_t)up.tv_sec);
	if (!err)
		err = walk_all(t);
	close(fd);
	return err;
}

/* ---- iterators ---- */

static void on_holder(struct taking *t, const void *record)
{
	const struct who_holder *h = record;
	struct census_hold hold = {.start_ns = h->start_ns, .pid = h->tgid, .fd = h->fd};
	struct poller poller = {.polls = h->polls, .pid = h->tgid};

	if (h->polls) {
		t->failed |= !list_add(&t->pollers, &poller);
		return;
	}
	if (h->tgid == (uint32_t)getpid())
		return;
	hold.sock = add_sock(t, &h->sock);
	if (hold.sock != SIZE_MAX)
		t->failed |= !list_add(&t->holds, &hold);
}

static void on_task(struct taking *t, const void *record)
{
	const struct who_task *raw = record;
	struct census_task task = {
		.start_ns = raw->start_ns,
		.pid = raw->tgid,
		.parent = raw->parent,
		.uid = raw->uid,
		.netns = raw->netns,
		.own_pid = raw->own_pid,
		.kernel = raw->kthread,
	};

	memcpy(task.name, raw->comm, sizeof(task.name));
	task.name[sizeof(task.name) - 1] = '\0';
	t->failed |= !list_add(&t->tasks, &task);
}

static int iterate(struct taking *t, struct bpf_program *prog, size_t size,
		   void (*fn)(struct taking *t, const void *record))
{
	struct bpf_link *link = bpf_program__attach_iter(prog, NULL);
	char *buffer = malloc(ITER_BYTES);
	int fd = -1, err = link && buffer ? 0 : -ENOMEM;
	ssize_t n = 0;

	if (!link)
		err = -errno;
	if (!err) {
		fd = bpf_iter_create(bpf_link__fd(link));
		err = fd < 0 ? -errno : 0;
	}
	while (!err && !t->failed) {
		n = read(fd, buffer, ITER_BYTES);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n <= 0)
			break;
		for (size_t at = 0; at + size <= (size_t)n; at += size)
			fn(t, buffer + at);
	}
	if (n < 0)
		err = -errno;
	if (fd >= 0)
		close(fd);
	bpf_link__destroy(link);
	free(buffer);
	return err;
}

/* ---- maps ---- */

static int read_counts(struct taking *t)
{
	struct who_local_key key, *last = NULL;
	struct list counts = {.size = sizeof(struct census_count)};
	int map = bpf_map__fd(t->skel->maps.connections);
	struct who_counts n;

	for (; !bpf_map_get_next_key(map, last, &key); last = &key) {
		struct census_count c = {.netns = key.netns};

		if (bpf_map_lookup_elem(map, &key, &n))
			continue;
		c.local.port = (uint16_t)key.port;
		memcpy(c.local.ip, key.addr, sizeof(c.local.ip));
		c.established = n.established;
		c.closing = n.closing;
		c.time_wait = n.time_wait;
		c.orphan = n.orphan;
		c.not_accepted = n.not_accepted;
		c.handshake = n.handshake;
		t->failed |= !list_add(&counts, &c);
	}
	t->c->counts = counts.data;
	t->c->count_count = counts.count;
	return 0;
}

static int read_uses(struct taking *t)
{
	struct who_use_key key, *last = NULL;
	struct list uses = {.size = sizeof(struct census_use)};
	int map = bpf_map__fd(t->skel->maps.uses);
	uint32_t n;

	for (; !bpf_map_get_next_key(map, last, &key); last = &key) {
		struct census_use use = {key.netns, key.port, key.tgid, 0};

		if (bpf_map_lookup_elem(map, &key, &n))
			continue;
		use.count = n;
		t->failed |= !list_add(&uses, &use);
	}
	t->c->uses = uses.data;
	t->c->use_count = uses.count;
	return 0;
}

/* ---- together ---- */

static void add_wait(struct taking *t, struct list *waits, size_t sock, uint32_t pid)
{
	const struct census_wait wait = {sock, pid};
	const struct census_wait *known = waits->data;

	for (size_t i = waits->count; i-- > 0 && known[i].sock == sock;)
		if (known[i].pid == pid)
			return;
	t->failed |= !list_add(waits, &wait);
}

/* Whoever has the epoll instance open waits; a fork may share it. */
static void resolve_waits(struct taking *t)
{
	struct list waits = {.size = sizeof(struct census_wait)};
	const struct who_wait *raw = t->waits.data;
	const struct poller *pollers = t->pollers.data;

	for (size_t i = 0; i < t->waits.count; i++) {
		size_t sock = census_index_find(&t->index, raw[i].sock);

		if (sock == SIZE_MAX)
			continue;
		if (!raw[i].polls)
			add_wait(t, &waits, sock, raw[i].tgid);
		for (size_t k = 0; raw[i].polls && k < t->pollers.count; k++)
			if (pollers[k].polls == raw[i].polls)
				add_wait(t, &waits, sock, pollers[k].pid);
	}
	t->c->waits = waits.data;
	t->c->wait_count = waits.count;
}

static void set_ask(struct who_ask *raw, const struct census_ask *ask)
{
	raw->flags = (ask->listeners ? WHO_ASK_LISTENERS : 0) |
		     (ask->any_port ? WHO_ASK_PORTS : 0) |
		     (ask->pid_count || ask->name_count ? WHO_ASK_PROCESSES : 0) |
		     (ask->all ? WHO_ASK_ALL : 0);
	raw->pid_count = ask->pid_count;
	raw->name_count = ask->name_count;
	_Static_assert((int)CENSUS_ASKED == (int)WHO_PROCESSES, "processes of a question");
	_Static_assert((int)EVENT_NAME == (int)WHO_COMM, "length of a name");
	memcpy(raw->pids, ask->pids, sizeof(raw->pids));
	memcpy(raw->names, ask->names, sizeof(raw->names));
	memcpy(raw->ports, ask->ports, sizeof(raw->ports));
}

static int take(struct taking *t, const struct census_ask *ask)
{
	int err;

	set_ask(&t->skel->bss->ask, ask);
	err = walk_nets(t);
	if (!err)
		err = iterate(t, t->skel->progs.each_file, sizeof(struct who_holder), on_holder);
	if (!err)
		err = iterate(t, t->skel->progs.each_task, sizeof(struct who_task), on_task);
	if (!err)
		err = read_counts(t);
	if (!err)
		err = read_uses(t);
	resolve_waits(t);
	t->c->lost += t->skel->bss->walk.lost;
	return err ? err : t->failed || t->index.failed ? -ENOMEM : 0;
}

struct census_tool {
	struct who *skel;
	struct ring_buffer *ring;
	struct bpf_link *bind4, *bind6;
	census_attempt_fn *fn; /* of the drain under way */
	void *arg;
};

static struct who *load(uint32_t keys, bool watch, char why[CENSUS_WHY])
{
	struct who *skel;
	int err;

	libbpf_set_print(be_quiet);
	skel = who__open();
	if (skel) {
		bpf_map__set_max_entries(skel->maps.listening, keys);
		bpf_map__set_max_entries(skel->maps.connections, keys);
		bpf_map__set_max_entries(skel->maps.uses, keys);
		bpf_map__set_max_entries(skel->maps.polls, keys);
		bpf_map__set_autocreate(skel->maps.attempts, watch);
		bpf_program__set_autoload(skel->progs.bind4, watch);
		bpf_program__set_autoload(skel->progs.bind6, watch);
	}
	err = skel ? who__load(skel) : -errno;
	if (!err)
		return skel;
	snprintf(why, CENSUS_WHY, "the kernel refused the BPF programs: %s", strerror(-err));
	who__destroy(skel);
	errno = -err;
	return NULL;
}

static int take_with(struct census *c, struct who *skel, const struct census_ask *ask,
		     char why[CENSUS_WHY])
{
	struct taking t = {
		.c = c,
		.skel = skel,
		.holds.size = sizeof(struct census_hold),
		.waits.size = sizeof(struct who_wait),
		.pollers.size = sizeof(struct poller),
		.tasks.size = sizeof(struct census_task),
	};
	int err;

	memset(c, 0, sizeof(*c));
	c->now_ns = host_boottime_ns();
	err = take(&t, ask);
	if (err)
		snprintf(why, CENSUS_WHY, "cannot list sockets: %s", strerror(-err));
	c->socks = t.index.socks.data;
	c->sock_count = t.index.socks.count;
	c->holds = t.holds.data;
	c->hold_count = t.holds.count;
	c->tasks = t.tasks.data;
	c->task_count = t.tasks.count;
	free(t.waits.data);
	free(t.pollers.data);
	census_index_done(&t.index);
	census_sort(c);
	if (err)
		census_done(c);
	return err;
}

static int take_once(struct census *c, const struct census_ask *ask, uint32_t keys,
		     char why[CENSUS_WHY])
{
	struct who *skel = load(keys, false, why);
	int err = skel ? take_with(c, skel, ask, why) : -errno;

	who__destroy(skel);
	return err;
}

/* Small tables are quick to make and enough for most hosts. */
int census_take(struct census *c, const struct census_ask *ask, char why[CENSUS_WHY])
{
	int err = take_once(c, ask, WHO_KEYS, why);

	if (err || !c->lost)
		return err;
	census_done(c);
	return take_once(c, ask, WHO_MORE_KEYS, why);
}

/* ---- again and again ---- */

static int on_attempt(void *ctx, void *data, size_t len)
{
	struct census_tool *tool = ctx;
	const struct who_attempt *raw = data;
	struct census_attempt a = {0};

	if (len < sizeof(*raw))
		return 0;
	a.time_ns = raw->time_ns;
	a.cookie = raw->cookie;
	a.pid = raw->tgid;
	a.netns = raw->netns;
	a.uid = raw->uid;
	a.transport = census_transport(raw->v6 ? AF_INET6 : AF_INET, 0, raw->protocol);
	a.local.port = raw->port;
	memcpy(a.local.ip, raw->addr, sizeof(a.local.ip));
	memcpy(a.name, raw->comm, sizeof(a.name));
	a.name[sizeof(a.name) - 1] = '\0';
	tool->fn(&a, tool->arg);
	return 0;
}

struct census_tool *census_open(const struct census_ask *ask, int cgroup_fd, char why[CENSUS_WHY])
{
	struct census_tool *tool = calloc(1, sizeof(*tool));

	snprintf(why, CENSUS_WHY, "out of memory");
	if (!tool)
		return NULL;
	tool->skel = load(WHO_KEYS, true, why);
	if (!tool->skel) {
		free(tool);
		return NULL;
	}
	set_ask(&tool->skel->bss->ask, ask);
	tool->ring =
		ring_buffer__new(bpf_map__fd(tool->skel->maps.attempts), on_attempt, tool, NULL);
	tool->bind4 = bpf_program__attach_cgroup(tool->skel->progs.bind4, cgroup_fd);
	tool->bind6 = bpf_program__attach_cgroup(tool->skel->progs.bind6, cgroup_fd);
	return tool;
}

bool census_sees_binds(const struct census_tool *tool)
{
	return tool->ring && tool->bind4 && tool->bind6;
}

void census_close(struct census_tool *tool)
{
	if (!tool)
		return;
	bpf_link__destroy(tool->bind4);
	bpf_link__destroy(tool->bind6);
	ring_buffer__free(tool->ring);
	who__destroy(tool->skel);
	free(tool);
}

static void clear(const struct bpf_map *map)
{
	char key[sizeof(struct who_local_key)];
	int fd = bpf_map__fd(map);

	while (!bpf_map_get_next_key(fd, NULL, key))
		bpf_map_delete_elem(fd, key);
}

int census_again(struct census_tool *tool, struct census *c, const struct census_ask *ask,
		 char why[CENSUS_WHY])
{
	clear(tool->skel->maps.listening);
	clear(tool->skel->maps.connections);
	clear(tool->skel->maps.uses);
	clear(tool->skel->maps.polls);
	tool->skel->bss->walk.lost = 0;
	return take_with(c, tool->skel, ask, why);
}

void census_attempts(struct census_tool *tool, census_attempt_fn *fn, void *arg)
{
	tool->fn = fn;
	tool->arg = arg;
	if (tool->ring)
		ring_buffer__consume(tool->ring);
}
