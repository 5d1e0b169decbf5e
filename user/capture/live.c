/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "capture/live.h"

#include <errno.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "capture/attach.h"
#include "capture/decode.h"
#include "capture/details.h"
#include "capture/hooks.h"
#include "capture/host.h"
#include "capture/iter.h"
#include "capture/kcaps.h"
#include "capture/looks.h"
#include "capture/progs.h"
#include "capture/needs.h"
#include "capture/settings.h"
#include "capture/sweeps.h"
#include "sockwatch_abi.h"
#include "sockwatch.skel.h"
#include "util/phases.h"

enum {
	BATCH = 8192,       /* records of one drain: the keyboard waits no longer */
	WALK_BATCH = 256,   /* entries of the hash a system call */
	HOLDERS_SHARE = 50, /* a look for holders may cost one part in so many of the time */
	LAST_WALKS = 3,
	HEAL_SWEEPS = 3, /* after a miss: the first notes what is owed, the second may tell it */
	LINUX_6_1 = 6 << 16 | 1 << 8,
	OLD_SOCKETS = 16384, /* bound of the hashes where they take all their memory at once */
};

struct live {
	struct source source;
	struct kcaps caps;
	int chosen[HOOK_PURPOSES];
	struct sockwatch *skel;
	struct ring_buffer *ring;
	struct attached attached;
	struct progs progs;
	int measure_error; /* errno of the last wish to measure them */
	struct decode *decode;
	struct details details;
	struct phases *phases; /* borrowed, or NULL */
	char *iter_buffer;
	event_fn *fn; /* of the drain or tick under way */
	void *arg;
	size_t batch; /* records of this drain */
	uint64_t delivered;
	uint64_t cpu_base_ns;   /* own CPU time when the capture was live */
	uint64_t ring_capacity; /* records */
	bool started;
	bool holders_wanted; /* bytes of a process not known yet: look at all files again */
	bool suspicious;     /* sweeps always look for bytes of skipped calls: to test that */
	unsigned int heal;   /* sweeps that are still to look for bytes of skipped calls */
	struct sweeps sweeps;
	uint32_t swept_epoch; /* of the last sweep */
	/* what the last walk, the last look for holders knew */
	uint64_t walked_extra, walked_dirty, ownerless;
	uint64_t next_snapshot_ns, last_tick_ns;
};

static char libbpf_message[LIVE_WHY]; /* first warning of a load that fails: libbpf has no other way
				       */

static int keep_message(enum libbpf_print_level level, const char *fmt, va_list args)
	__attribute__((format(printf, 2, 0)));

static int keep_message(enum libbpf_print_level level, const char *fmt, va_list args)
{
	if (level == LIBBPF_WARN && !libbpf_message[0])
		vsnprintf(libbpf_message, sizeof(libbpf_message), fmt, args);
	return 0;
}

static void end_phase(const struct live *live, const char *name)
{
	phases_end(live->phases, name, host_boottime_ns());
}

static int on_record(void *ctx, void *data, size_t len)
{
	struct live *live = ctx;

	live->delivered++;
	decode_record(live->decode, data, len, live->fn, live->arg);
	return ++live->batch < BATCH ? 0 : -ECANCELED; /* a negative value ends ring_buffer__consume
							*/
}

static void on_iterated(const void *record, size_t len, void *arg)
{
	struct live *live = arg;

	decode_record(live->decode, record, len, live->fn, live->arg);
}

static int iterate(struct live *live, const struct bpf_link *link)
{
	return iter_read(link, live->iter_buffer, sizeof(struct sw_record), on_iterated, live);
}

static void tell_notes(struct live *live, uint64_t now_ns)
{
	struct event ev = {.kind = EVENT_NOTE, .time_ns = now_ns};

	for (int i = 0; i < HOOK_PURPOSES; i++)
		if (hooks_note(&live->caps, live->chosen, i, ev.note.text, sizeof(ev.note.text)))
			live->fn(&ev, live->arg);
}

/* The programs count already, so what moves from here on is seen; now what was open before. */
static int start(struct live *live)
{
	uint64_t now_ns = host_boottime_ns();
	struct event ev;
	int err;

	live->last_tick_ns = now_ns;
	tell_notes(live, now_ns);
	err = iterate(live, live->attached.snapshot);
	if (err)
		return err;
	live->started = true;
	host_event(&ev, host_boottime_ns());
	live->fn(&ev, live->arg);
	malloc_trim(0); /* what libbpf needed to load: several megabytes */
	end_phase(live, "snapshot");
	live->cpu_base_ns = host_cpu_ns();
	return 0;
}

static int consume(struct live *live)
{
	int n;

	live->batch = 0;
	n = ring_buffer__consume(live->ring);
	if (n == -ECANCELED)
		return (int)live->batch;
	return n < 0 ? n : (int)live->batch;
}

static int live_drain(struct source *src, event_fn *fn, void *arg)
{
	struct live *live = (struct live *)src;

	live->fn = fn;
	live->arg = arg;
	if (!live->started) {
		int err = start(live);

		if (err)
			return err;
	}
	return consume(live);
}

static int live_fd(const struct source *src)
{
	const struct live *live = (const struct live *)src;

	return ring_buffer__epoll_fd(live->ring);
}

/* All that was in the ring buffer when we came; a busy host may add more for ever. */
static int consume_all(struct live *live)
{
	uint64_t limit = live->delivered + live->ring_capacity;
	int n;

	do {
		n = consume(live);
	} while (n >= BATCH && live->delivered < limit);
	return n < 0 ? n : 0;
}

static int sweep(struct live *live, uint64_t now_ns, bool last)
{
	const struct decode_counts *counts = decode_counts(live->decode);
	volatile struct sw_live *shared = &live->skel->data->live;
	struct sweep_facts facts = {
		.now_ns = now_ns,
		.io_records = counts->io_records,
		.dirty = live->skel->bss->stats.dirty,
		.lost = live->skel->bss->stats.lost_ring,
		.no_release = counts->no_release,
		.unseen = live->heal || shared->metered & SW_METERED_TX,
		.last = last,
	};
	enum sweep_kind kind = sweeps_due(&live->sweeps, &facts);
	uint64_t before_ns = host_cpu_ns();
	int err;

	if (kind == SWEEP_NONE)
		return 0;
	shared->swept = kind == SWEEP_QUICK ? live->swept_epoch : 0;
	live->swept_epoch = shared->epoch;
	err = iterate(live, live->attached.sweep);
	if (err)
		return err;
	decode_swept(live->decode);
	facts.io_records = counts->io_records;
	sweeps_done(&live->sweeps, kind, &facts, host_cpu_ns() - before_ns);
	if (live->heal)
		live->heal--;
	return 0;
}

/* Who holds sockets whose bytes no call has told the process of? Rare, and spaced as sweeps are. */
static int find_holders(struct live *live, uint64_t now_ns)
{
	uint64_t before_ns = host_cpu_ns();
	int err;

	if (live->skel->bss->stats.ownerless == live->ownerless || now_ns < live->next_snapshot_ns)
		return 0;
	live->ownerless = live->skel->bss->stats.ownerless;
	err = iterate(live, live->attached.snapshot);
	live->next_snapshot_ns = now_ns + (host_cpu_ns() - before_ns) * HOLDERS_SHARE;
	return err;
}

/* The hash of further accounts; entries that will not change any more are deleted. */
static int walk(struct live *live)
{
	static struct sw_extra_key keys[WALK_BATCH], dead[WALK_BATCH];
	static struct sw_extra values[WALK_BATCH];
	int map = bpf_map__fd(live->skel->maps.extras), err;
	__u32 position, *in = NULL;

	do {
		__u32 count = WALK_BATCH, dead_count = 0;

		err = bpf_map_lookup_batch(map, in, &position, keys, values, &count, NULL);
		if (err && errno != ENOENT)
			return -errno;
		for (__u32 i = 0; i < count; i++)
			if (decode_extra(live->decode, &keys[i], &values[i], live->fn, live->arg))
				dead[dead_count++] = keys[i];
		for (__u32 i = 0; i < dead_count; i++)
			bpf_map_delete_elem(map, &dead[i]);
		in = &position;
	} while (!err);
	decode_settle(live->decode, live->fn, live->arg);
	return 0;
}

/* Calls may have been skipped: from now on sweeps look for what they sent. */
static void note_misses(struct live *live)
{
	uint64_t before = live->progs.missed;

	progs_read(&live->progs, host_boottime_ns());
	if (live->progs.missed == before && !live->suspicious)
		return;
	live->heal = HEAL_SWEEPS;
	live->skel->data->live.heal = SW_HEAL_TX;
}

static int collect(struct live *live, uint64_t now_ns, bool last)
{
	const struct decode_counts *counts = decode_counts(live->decode);
	uint64_t dirty = live->skel->bss->stats.dirty;
	int err = consume_all(live);

	if (err)
		return err;
	note_misses(live);
	live->skel->data->live.epoch++; /* before the sweep: what comes after it sends a record */
	live->skel->data->live.sweep_final = last;
	if (last)
		find_holders(live, now_ns);
	err = sweep(live, now_ns, last);
	if (!err)
		err = consume_all(live); /* what sent a record since and so was no more swept */
	if (!err)
		err = find_holders(live, now_ns);
	if (!err && (last || dirty != live->walked_dirty || counts->closing ||
		     counts->extra_records != live->walked_extra)) {
		err = walk(live);
		for (int i = 0; !err && last && counts->closing && i < LAST_WALKS; i++)
			err = walk(live); /* a kept CLOSE may stand before other entries of its
					     socket */
		live->walked_extra = counts->extra_records;
		live->walked_dirty = dirty;
	}
	return err;
}

static void live_measure(struct source *src, bool on)
{
	struct live *live = (struct live *)src;

	live->measure_error = -progs_measure(&live->progs, on, host_boottime_ns());
}

static int live_detail(struct source *src, const struct detail_wish *wish, event_fn *fn, void *arg)
{
	struct live *live = (struct live *)src;

	details_want(&live->details, wish);
	return details_tell(&live->details, host_boottime_ns(), fn, arg);
}

static void tell_lost(struct live *live, uint64_t now_ns)
{
	const struct decode_counts *counts = decode_counts(live->decode);
	const volatile struct sw_stats *stats = &live->skel->bss->stats;
	struct event ev = {.kind = EVENT_LOST, .time_ns = now_ns};

	ev.lost.total[LOST_RING_FULL] = stats->lost_ring;
	ev.lost.total[LOST_CLOSE] = stats->lost_close;
	ev.lost.total[LOST_STORAGE] = stats->lost_storage;
	ev.lost.total[LOST_ACCOUNTS] = stats->lost_accounts;
	ev.lost.total[LOST_RECURSION] = looks_missed(live->skel->obj, stats);
	ev.lost.total[LOST_CALLS] = stats->lost_calls;
	ev.lost.total[LOST_TABLE] = counts->table_full;
	ev.lost.total[LOST_BAD_RECORD] = counts->bad_records;
	live->fn(&ev, live->arg);
}

static void tell_tick(struct live *live, uint64_t now_ns, bool last)
{
	struct event ev = {.kind = EVENT_TICK, .time_ns = now_ns};

	ev.tick.interval_ns = now_ns - live->last_tick_ns;
	ev.tick.wall_ns = host_wall_ns();
	ev.tick.cpu_ns = host_cpu_ns() - live->cpu_base_ns;
	ev.tick.rss_bytes = host_rss_bytes();
	ev.tick.records_seen = live->skel->bss->stats.seen;
	ev.tick.records_delivered = live->delivered;
	ev.tick.programs = (struct program_cost){
		.runs = live->progs.runs,
		.ns = live->progs.ns,
		.counted_ns = live->progs.counted_ns,
	};
	ev.tick.programs_error = live->measure_error;
	ev.tick.last = last;
	live->last_tick_ns = now_ns;
	live->fn(&ev, live->arg);
}

static void detach(struct live *live)
{
	if (live->attached.looks.count)
		live->skel->data->live.further_looks = 0;
	attach_undo(&live->attached);
}

/* Programs that were running when they were detached may still send: wait until the account of
 * records is even. */
static int finish(struct live *live)
{
	const volatile struct sw_stats *stats = &live->skel->bss->stats;
	const struct timespec pause = {.tv_nsec = 1000000};

	detach(live);
	for (int i = 0; i < 100; i++) {
		int err = consume_all(live);

		if (err || live->delivered + stats->lost_ring == stats->seen)
			return err;
		nanosleep(&pause, NULL);
	}
	return 0;
}

static int live_tick(struct source *src, uint64_t now_ns, bool last, event_fn *fn, void *arg)
{
	struct live *live = (struct live *)src;
	int err;

	live->fn = fn;
	live->arg = arg;
	err = collect(live, now_ns, last);
	if (!err && last)
		err = finish(live);
	if (!err)
		err = details_tell(&live->details, now_ns, fn, arg);
	if (err)
		return err;
	if (last)
		note_misses(live);
	tell_lost(live, now_ns);
	tell_tick(live, now_ns, last);
	return 0;
}

static void live_close(struct source *src)
{
	struct live *live = (struct live *)src;

	if (!live)
		return;
	progs_done(&live->progs);
	detach(live);
	attach_done(&live->attached);
	ring_buffer__free(live->ring);
	sockwatch__destroy(live->skel);
	decode_free(live->decode);
	kcaps_done(&live->caps);
	free(live->iter_buffer);
	free(live);
}

static const struct source_ops live_ops = {
	.name = "live",
	.fd = live_fd,
	.drain = live_drain,
	.tick = live_tick,
	.detail = live_detail,
	.measure = live_measure,
	.close = live_close,
};

/* Where the state of sockets is kept. Until 6.0 the kernel warns of hashes for kprobes that
 * allocate as they go (check_map_prog_compatibility): smaller ones then, made at once. */
static void configure_pointers(struct live *live)
{
	bool by_pointer = hooks_by_pointer(live->chosen);

	live->skel->rodata->by_pointer = by_pointer;
	live->skel->rodata->recvmsg_noblock = live->caps.recvmsg_noblock;
	bpf_map__set_autocreate(live->skel->maps.pointers, by_pointer);
	bpf_map__set_autocreate(live->skel->maps.calls, by_pointer);
	bpf_map__set_autocreate(live->skel->maps.socks, !by_pointer);
	bpf_map__set_autocreate(live->skel->maps.stashes, !by_pointer);
	if (!by_pointer || live->caps.version >= LINUX_6_1)
		return;
	bpf_map__set_map_flags(live->skel->maps.pointers, 0);
	bpf_map__set_map_flags(live->skel->maps.extras, 0);
	bpf_map__set_max_entries(live->skel->maps.pointers, OLD_SOCKETS);
	bpf_map__set_max_entries(live->skel->maps.extras, OLD_SOCKETS);
}

/* @lossy: as if the kernel skipped each call that sends. */
static bool is_wanted(const struct live *live, const struct bpf_program *prog, bool lossy)
{
	const char *name = bpf_program__name(prog);

	if (lossy && strstr(name, "send") && bpf_program__type(prog) == BPF_PROG_TYPE_TRACING)
		return false;
	return hooks_wants(live->chosen, name) || looks_wanted(&live->caps, live->chosen, name);
}

static void configure(struct live *live, const struct live_options *options)
{
	uint32_t ring_bytes = options->ring_bytes ? options->ring_bytes : SW_RING_BYTES;
	bool lossy = options->way && !strcmp(options->way, "lossy");
	struct bpf_program *prog;

	live->sweeps.hurried = options->way && !strcmp(options->way, "hurried");
	live->suspicious = lossy || (options->way && !strcmp(options->way, "suspicious"));
	bpf_object__for_each_program(prog, live->skel->obj)
		bpf_program__set_autoload(prog, is_wanted(live, prog, lossy));
	live->skel->rodata->tp_further = live->caps.tp_preempted;
	live->skel->rodata->fn_further = live->caps.fn_preempted;
	configure_pointers(live);
	bpf_map__set_max_entries(live->skel->maps.ring, ring_bytes);
	if (options->accounts)
		bpf_map__set_max_entries(live->skel->maps.extras, options->accounts);
	live->skel->data->live.half_ring = ring_bytes / 2;
	live->skel->data->live.release = settings_releases(live->chosen);
	live->skel->data->live.metered = settings_metered(live->chosen);
	live->skel->data->live.connect_errno = live->chosen[HOOK_CONNECT_ERRNO] >= 0;
	live->ring_capacity = ring_bytes / (sizeof(struct sw_record) + BPF_RINGBUF_HDR_SZ);
}

static int attach(struct live *live, char why[LIVE_WHY])
{
	const char *place = "";
	int err = attach_all(&live->attached, live->skel->obj, live->caps.cgroup_fd, &live->progs,
			     &place);

	if (err)
		snprintf(why, LIVE_WHY, "cannot attach %s: %s", place, strerror(-err));
	else
		live->skel->data->live.further_looks = 1;
	live->details = (struct details){
		.sock = live->attached.detail,
		.holders = live->attached.holders,
		.wanted = &live->skel->bss->detail_cookie,
		.buffer = live->iter_buffer,
	};
	return err;
}

static int refuse(struct live *live, char why[LIVE_WHY], const char *what, int err)
{
	size_t len = strcspn(libbpf_message, "\n");

	if (err == -EMFILE || err == -ENFILE) {
		snprintf(why, LIVE_WHY,
			 "too many open files: each program and map needs a descriptor "
			 "(raise ulimit -n to 256)");
		return err;
	}
	snprintf(why, LIVE_WHY, "%s: %s (kernel %s, lockdown %s%s%.*s)", what, strerror(-err),
		 live->caps.release,
		 live->caps.limits.lockdown[0] ? live->caps.limits.lockdown : "unknown",
		 len ? "; " : "", (int)len, libbpf_message);
	return err;
}

static int load(struct live *live, const struct live_options *options, char why[LIVE_WHY])
{
	int err;

	live->skel = sockwatch__open();
	if (!live->skel)
		return refuse(live, why, "cannot open the BPF object", -errno);
	configure(live, options);
	end_phase(live, "open");
	err = sockwatch__load(live->skel);
	if (err)
		return refuse(live, why, "the kernel refused the BPF programs", err);
	live->ring = ring_buffer__new(bpf_map__fd(live->skel->maps.ring), on_record, live, NULL);
	if (!live->ring)
		return refuse(live, why, "cannot map the ring buffer", -errno);
	end_phase(live, "load");
	err = attach(live, why);
	end_phase(live, "attach");
	return err;
}

static int probe(struct live *live, const struct live_options *options, char why[LIVE_WHY])
{
	kcaps_probe(&live->caps);
	if (options->way && !kcaps_limit(&live->caps, options->way)) {
		snprintf(why, LIVE_WHY, "--hooks: no way `%s`", options->way);
		return -EINVAL;
	}
	if (needs_refusal(&live->caps, why, LIVE_WHY))
		return -EPERM;
	hooks_choose(&live->caps, live->chosen);
	if (!hooks_exact(live->chosen, HOOK_BYTES)) {
		kcaps_ask_kprobes(&live->caps);
		if (options->way)
			kcaps_limit(&live->caps, options->way);
		hooks_choose(&live->caps, live->chosen);
	}
	end_phase(live, "probe");
	return hooks_refusal(&live->caps, live->chosen, why, LIVE_WHY) ? -EPERM : 0;
}

int live_open(struct source **ret, const struct live_options *options, char why[LIVE_WHY])
{
	struct live *live = calloc(1, sizeof(*live));
	int err;

	snprintf(why, LIVE_WHY, "out of memory");
	if (!live)
		return -ENOMEM;
	live->source.ops = &live_ops;
	live->caps.cgroup_fd = -1;
	live->phases = options->phases;
	progs_init(&live->progs);
	live->iter_buffer = malloc(ITER_BYTES);
	live->decode = decode_new(0);
	libbpf_message[0] = '\0';
	libbpf_set_print(keep_message);
	err = live->iter_buffer && live->decode ? probe(live, options, why) : -ENOMEM;
	if (!err)
		err = load(live, options, why);
	if (err) {
		live_close(&live->source);
		return err;
	}
	*ret = &live->source;
	return 0;
}

bool live_is_shortage(int err)
{
	return err == -ENOMEM || err == -EMFILE || err == -ENFILE;
}

bool live_sees(const struct source *src, int purpose)
{
	return ((const struct live *)src)->chosen[purpose] >= 0;
}

const char *live_library_version(void)
{
	return libbpf_version_string();
}
