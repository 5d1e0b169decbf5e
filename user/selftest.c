/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "selftest.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "capture/hooks.h"
#include "capture/host.h"
#include "capture/live.h"
#include "findings.h"
#include "opts.h"
#include "traffic/stage.h"
#include "traffic/tally.h"
#include "traffic/traffic.h"
#include "util/buf.h"

enum {
	CASE_LIMIT_S = 120, /* none takes more than one, but a kernel may be emulated */
	TICK_NS = 100000000,
	INITIAL_PID_NS = 0xeffffffc, /* PROC_PID_INIT_INO of include/linux/proc_ns.h */
};

struct selftest {
	struct source *source;
	struct stage stage;
	struct tally *tally; /* from when the stage is ready */
	struct findings findings;
	bool done;          /* the stage has nothing more to tell */
	bool watched;       /* somebody waits at a terminal: tell how far it is */
	unsigned int ended; /* runs */
	int error;          /* first -errno of what is called back */
};

static void keep_error(struct selftest *s, int err)
{
	if (err && !s->error)
		s->error = err;
}

static void on_event(const struct event *ev, void *arg)
{
	struct selftest *s = arg;
	struct findings *f = &s->findings;

	switch (ev->kind) {
	case EVENT_NOTE:
		if (f->note_count < FINDINGS_NOTES)
			memcpy(f->notes[f->note_count++], ev->note.text, sizeof(ev->note.text));
		return;
	case EVENT_LOST:
		memcpy(f->lost, ev->lost.total, sizeof(f->lost));
		return;
	case EVENT_XFER:
		if (s->tally)
			keep_error(s, tally_count(s->tally, ev));
		return;
	default:
		return;
	}
}

/* The kernel tells pids as the initial pid namespace has them. */
static bool in_pid_namespace(void)
{
	struct stat st;

	return !stat("/proc/self/ns/pid", &st) && st.st_ino != INITIAL_PID_NS;
}

static void on_ready(struct selftest *s, const struct stage_message *msg)
{
	struct tally_options options = {
		.netns = msg->has_own_netns ? msg->netns : 0,
		.any_pid = in_pid_namespace(),
		.may_be_unowned = s->findings.note_count > 0,
	};

	s->findings.has_ipv6 = msg->has_ipv6;
	s->findings.any_pid = options.any_pid;
	if (!msg->has_own_netns)
		snprintf(s->findings.no_netns, sizeof(s->findings.no_netns), "%s", msg->text);
	if (!msg->has_loopback) {
		fprintf(stderr,
			"sockwatch: the loopback interface is down here, and there is no other "
			"network namespace: %s\n",
			msg->text);
		keep_error(s, -ENETDOWN);
		return;
	}
	s->tally = tally_new(&options);
	if (!s->tally)
		keep_error(s, -ENOMEM);
}

static int on_flow(struct selftest *s, const struct stage_message *msg)
{
	struct tally_flow flow = {
		.run = msg->run,
		.pid = msg->pid,
		.cookie = msg->cookie,
		.tx = msg->tx,
		.rx = msg->rx,
	};

	snprintf(flow.role, sizeof(flow.role), "%s", msg->role);
	return tally_expect(s->tally, &flow);
}

static unsigned int run_count(void)
{
	const char *name;
	unsigned int n = 0;
	int family;

	while (stage_run_of(n, &name, &family))
		n++;
	return n;
}

/* On one line, which it takes away again. */
static void show_progress(const struct selftest *s, bool over)
{
	if (!s->watched)
		return;
	if (over)
		fprintf(stderr, "\r%24s\r", "");
	else
		fprintf(stderr, "\rselftest: %u of %u", s->ended, run_count());
}

static void on_message(struct selftest *s, const struct stage_message *msg)
{
	if (msg->kind == STAGE_READY) {
		on_ready(s, msg);
		return;
	}
	if (!s->tally) {
		keep_error(s, -EPROTO);
		return;
	}
	switch (msg->kind) {
	case STAGE_FLOW:
		keep_error(s, on_flow(s, msg));
		return;
	case STAGE_SKIP:
		keep_error(s, tally_skip(s->tally, msg->run, msg->text));
		return;
	case STAGE_FAIL:
		keep_error(s, tally_fail(s->tally, msg->run, msg->text));
		return;
	case STAGE_END:
		s->ended++;
		show_progress(s, false);
		keep_error(s, tally_end(s->tally, msg->run));
		return;
	default:
		s->done = true;
	}
}

static int read_stage(struct selftest *s)
{
	struct stage_message msg;
	int n;

	while ((n = stage_read(&s->stage, &msg)) > 0) {
		on_message(s, &msg);
		if (s->done || s->error)
			return s->error;
	}
	return n;
}

/* What is counted meanwhile is taken as the live view takes it: in batches and with ticks. */
static int watch(struct selftest *s)
{
	const struct source_ops *ops = s->source->ops;
	struct pollfd fds[] = {{.fd = s->stage.fd, .events = POLLIN},
			       {.fd = ops->fd(s->source), .events = POLLIN}};
	uint64_t now_ns = host_boottime_ns(), next_ns = now_ns + TICK_NS;
	int err = 0;

	while (!err && !s->done) {
		int wait_ms = next_ns > now_ns ? (int)((next_ns - now_ns) / 1000000) + 1 : 0;

		if (poll(fds, 2, wait_ms) < 0 && errno != EINTR)
			return -errno;
		err = read_stage(s);
		if (!err) {
			int n = ops->drain(s->source, on_event, s);

			err = n < 0 ? n : s->error;
		}
		now_ns = host_boottime_ns();
		if (!err && now_ns >= next_ns) {
			err = ops->tick(s->source, now_ns, false, on_event, s);
			next_ns = now_ns + TICK_NS;
		}
	}
	return err;
}

static int perform(struct selftest *s)
{
	const struct source_ops *ops = s->source->ops;
	int err = ops->drain(s->source, on_event, s); /* what is open already, and the notes */

	if (err >= 0)
		err = stage_go(&s->stage,
			       live_sees(s->source, HOOK_KTLS_SPLICE) ? 0 : TRAFFIC_KTLS_SPLICE);
	if (!err)
		err = watch(s);
	if (!err)
		err = ops->tick(s->source, host_boottime_ns(), true, on_event, s);
	if (!err)
		err = s->error;
	return err ? err : tally_judge(s->tally, &s->findings.result);
}

static int print(const struct selftest *s, const struct opts *opts)
{
	struct buf b = {0};
	int err;

	if (opts->format)
		findings_json(&s->findings, &b, opts->verbose);
	else
		findings_text(&s->findings, &b, opts->verbose);
	err = buf_write(&b, STDOUT_FILENO);
	buf_done(&b);
	if (err)
		fprintf(stderr, "sockwatch: cannot write to stdout: %s\n", strerror(-err));
	return err || !findings_clean(&s->findings) ? EXIT_RUN : EXIT_OK;
}

/* The stage first: its processes shall hold nothing of the capture. */
int selftest_run(const struct opts *opts)
{
	struct live_options live = {
		.ring_bytes = opts->ring_bytes, .accounts = opts->accounts, .way = opts->hooks};
	struct selftest s = {0};
	char why[LIVE_WHY] = "";
	struct utsname host = {0};
	int err, open_err, status = EXIT_RUN;

	uname(&host);
	snprintf(s.findings.release, sizeof(s.findings.release), "%s", host.release);
	err = stage_open(&s.stage, CASE_LIMIT_S);
	open_err = err ? 0 : live_open(&s.source, &live, why);
	if (open_err) {
		fprintf(stderr, "sockwatch: %s\n", why);
		stage_close(&s.stage);
		return live_is_shortage(open_err) ? EXIT_RUN : EXIT_PERMISSION;
	}
	s.watched = isatty(STDERR_FILENO);
	if (!err)
		err = perform(&s);
	show_progress(&s, true);
	if (err == -ENETDOWN)
		status = EXIT_PERMISSION; /* it has been said */
	else if (err)
		fprintf(stderr, "sockwatch: the selftest did not come to its end: %s\n",
			strerror(-err));
	else
		status = print(&s, opts);
	stage_close(&s.stage);
	if (s.source)
		s.source->ops->close(s.source);
	tally_free(s.tally);
	return status;
}
