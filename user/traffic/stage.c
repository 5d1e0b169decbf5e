/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "traffic/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "traffic/traffic.h"

enum { ATTEMPTS = 4 };

/** What the processes of a case share with the stage. */
struct shared {
	volatile bool said;    /* the event that the case must have */
	volatile bool skipped; /* it cannot be run here */
};

/** In the process of the stage and those that it makes. */
struct act {
	struct traffic_report rep; /* first: a writer gets this */
	const struct traffic_case *c;
	struct traffic_opts opts;
	unsigned int run;
	unsigned int limit_s;
	uint32_t unseen; /* of enum traffic_flags */
	struct shared *shared;
	int fd;     /* messages */
	int errors; /* a file: what the case says on stderr */
};

/* ---- messages ---- */

static void copy_text(char *dst, size_t size, const char *src)
{
	snprintf(dst, size, "%s", src ? src : "");
}

/** Whole messages, as a pipe keeps writes up to PIPE_BUF together. Nobody reads: nothing to do. */
static void put(int fd, const struct stage_message *msg)
{
	if (write(fd, msg, sizeof(*msg)) != (ssize_t)sizeof(*msg))
		_exit(1);
}

static void put_text(const struct act *a, enum stage_kind kind, const char *text)
{
	struct stage_message msg = {.kind = kind, .run = a->run};

	copy_text(msg.text, sizeof(msg.text), text);
	put(a->fd, &msg);
}

static void on_flow(const struct traffic_report *rep, const struct traffic_flow *flow)
{
	const struct act *a = (const struct act *)rep;
	struct stage_message msg = {
		.kind = STAGE_FLOW,
		.run = a->run,
		.pid = (uint32_t)getpid(),
		.cookie = flow->cookie,
		.tx = flow->tx,
		.rx = flow->rx,
	};

	copy_text(msg.role, sizeof(msg.role), flow->role);
	put(a->fd, &msg);
}

static void on_skip(const struct traffic_report *rep, const char *reason)
{
	const struct act *a = (const struct act *)rep;

	a->shared->skipped = true;
	put_text(a, STAGE_SKIP, reason);
}

static void on_event(const struct traffic_report *rep, const char *what)
{
	const struct act *a = (const struct act *)rep;

	if (a->c->must && !strcmp(a->c->must, what))
		a->shared->said = true;
}

static const struct traffic_writer writer = {on_flow, on_skip, on_event};

/* ---- one case ---- */

/** Nothing outlives us that we have started: a user who types ^C wants the traffic to end. */
static void die_with_parent(pid_t parent, int sig)
{
	prctl(PR_SET_PDEATHSIG, sig);
	if (getppid() != parent)
		_exit(1);
}

static const int ends[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};
static volatile pid_t playing; /* the first process of the case under way; 0: none */

static void on_end(int sig)
{
	(void)sig;
	if (playing > 0)
		kill(-playing, SIGKILL);
	_exit(1);
}

static void handle_ends(void (*handler)(int sig))
{
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		if (signal(ends[i], handler) == SIG_IGN && ends[i] != SIGTERM)
			signal(ends[i], SIG_IGN); /* nohup means it */
}

/** The first process of a case; it leads a group, so that all can be ended. */
static void play(struct act *a, pid_t parent)
{
	handle_ends(SIG_DFL);
	die_with_parent(parent, SIGKILL);
	setpgid(0, 0);
	if (dup2(a->errors, STDERR_FILENO) < 0)
		_exit(1);
	alarm(a->limit_s);
	_exit(traffic_run(a->c, &a->opts, &a->rep));
}

/** Why a case has failed: the first line that it said, or how it ended. */
static void failure(const struct act *a, int status, char *text, size_t size)
{
	ssize_t n = pread(a->errors, text, size - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (text[0])
		return;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		snprintf(text, size, "not done after %u s", a->limit_s);
	else if (WIFSIGNALED(status))
		snprintf(text, size, "ended by signal %d", WTERMSIG(status));
	else
		snprintf(text, size, "ended with status %d", WEXITSTATUS(status));
}

/** Run a case once. False when it failed, which is told. */
static bool attempt(struct act *a)
{
	char text[STAGE_TEXT];
	pid_t self = getpid(), pid;
	int status = 0;

	if (ftruncate(a->errors, 0) || lseek(a->errors, 0, SEEK_SET) < 0)
		_exit(1);
	pid = fork();
	if (pid == 0)
		play(a, self);
	if (pid < 0) {
		put_text(a, STAGE_FAIL, strerror(errno));
		return false;
	}
	setpgid(pid, pid); /* both do it: it is done whoever runs first */
	playing = pid;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	playing = 0;
	if (status == 0)
		return true;
	kill(-pid, SIGKILL); /* what it may have left behind */
	failure(a, status, text, sizeof(text));
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM && a->limit_s > 1)
		a->limit_s /= 2; /* something is very wrong: the user shall hear of it today */
	put_text(a, STAGE_FAIL, text);
	return false;
}

/** A case with a family, again when the kernel did not do what the case is there for. */
static void run_case(struct act *a)
{
	char text[STAGE_TEXT];
	bool ok = true;
	int i;

	a->opts.count = a->c->quick;
	a->shared->said = a->shared->skipped = false;
	for (i = 0; i < ATTEMPTS && ok && !a->shared->skipped; i++) {
		ok = attempt(a);
		if (!a->c->must || a->shared->said)
			break;
	}
	if (i == ATTEMPTS) {
		snprintf(text, sizeof(text), "it did not come to `%s` in %d attempts", a->c->must,
			 ATTEMPTS);
		put_text(a, STAGE_SKIP, text);
	}
	put_text(a, STAGE_END, "");
}

/* ---- the namespace ---- */

/** Whether it is up; where it is ours, set it up. */
static bool loopback_up(bool ours)
{
	struct ifreq request = {.ifr_name = "lo"};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool ok = fd >= 0 && !ioctl(fd, SIOCGIFFLAGS, &request);

	if (ok && ours) {
		request.ifr_flags |= IFF_UP;
		ok = !ioctl(fd, SIOCSIFFLAGS, &request);
	}
	if (fd >= 0)
		close(fd);
	return ok && request.ifr_flags & IFF_UP;
}

/** Best effort: where it fails, the case that wants it is skipped and says so. */
static void write_setting(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, value, strlen(value)) < 0)
		errno = 0;
	close(fd);
}

static bool has_ipv6(void)
{
	struct sockaddr_in6 addr = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool ok = fd >= 0 && !bind(fd, (const struct sockaddr *)&addr, sizeof(addr));

	if (fd >= 0)
		close(fd);
	return ok;
}

/** Go into a fresh network namespace, or stay, and say so. */
static struct stage_message set_the_stage(const struct act *a)
{
	struct stage_message msg = {.kind = STAGE_READY};
	struct stat st = {0};
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	if (unshare(CLONE_NEWNET) == 0 && loopback_up(true)) {
		msg.has_own_netns = true;
		write_setting("/proc/sys/net/ipv4/tcp_fastopen", "3");
		write_setting("/proc/sys/net/ipv4/ping_group_range", "0 2147483647");
	} else {
		copy_text(msg.text, sizeof(msg.text), strerror(errno));
		if (home >= 0 && setns(home, CLONE_NEWNET))
			errno = 0; /* it is where we are */
	}
	if (home >= 0)
		close(home);
	stat("/proc/self/ns/net", &st);
	msg.netns = (uint32_t)st.st_ino;
	msg.has_loopback = loopback_up(false);
	msg.has_ipv6 = has_ipv6();
	put(a->fd, &msg);
	return msg;
}

/* ---- the process ---- */

bool stage_run_of(unsigned int run, const char **name, int *family)
{
	const struct traffic_case *c = traffic_case_at(run / 2);

	if (!c)
		return false;
	*name = c->name;
	*family = run % 2 ? AF_INET6 : AF_INET;
	return true;
}

static bool is_wanted(const struct traffic_case *c, int family)
{
	if (c->flags & TRAFFIC_STEPS)
		return false;
	return !(c->flags & (family == AF_INET ? TRAFFIC_V6_ONLY : TRAFFIC_V4_ONLY));
}

static void skip(struct act *a, const char *why)
{
	put_text(a, STAGE_SKIP, why);
	put_text(a, STAGE_END, "");
}

static void perform(struct act *a)
{
	struct stage_message done = {.kind = STAGE_DONE};
	struct stage_message ready = set_the_stage(a);
	const char *name;

	for (a->run = 0; ready.has_loopback && stage_run_of(a->run, &name, &a->opts.family);
	     a->run++) {
		a->c = traffic_case_at(a->run / 2);
		if (!is_wanted(a->c, a->opts.family))
			continue;
		if (a->opts.family == AF_INET6 && !ready.has_ipv6)
			skip(a, "no IPv6");
		else if (a->c->flags & a->unseen)
			skip(a, "not seen on this kernel: sockwatch check says what it needs");
		else
			run_case(a);
	}
	put(a->fd, &done);
}

static void be_the_stage(pid_t parent, unsigned int limit_s, int messages, int go)
{
	struct act a = {.rep = {.writer = &writer, .fd = -1}, .fd = messages, .limit_s = limit_s};

	handle_ends(on_end);
	die_with_parent(parent, SIGTERM);
	if (read(go, &a.unseen, sizeof(a.unseen)) != (ssize_t)sizeof(a.unseen))
		_exit(0); /* it is not to begin */
	a.errors = memfd_create("errors", MFD_CLOEXEC);
	a.shared = mmap(NULL, sizeof(*a.shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	if (a.errors < 0 || a.shared == MAP_FAILED)
		_exit(1);
	perform(&a);
	_exit(0);
}

static void close_both(const int fds[2])
{
	close(fds[0]);
	close(fds[1]);
}

int stage_open(struct stage *stage, unsigned int limit_s)
{
	int messages[2], go[2], err;
	pid_t self = getpid();

	*stage = (struct stage){0};
	if (pipe2(messages, O_CLOEXEC))
		return -errno;
	if (pipe2(go, O_CLOEXEC)) {
		err = -errno;
		close_both(messages);
		return err;
	}
	fflush(NULL); /* what is in a buffer is written once */
	stage->pid = fork();
	if (stage->pid < 0) {
		err = -errno;
		close_both(messages);
		close_both(go);
		return err;
	}
	if (stage->pid == 0) {
		close(messages[0]);
		close(go[1]);
		be_the_stage(self, limit_s, messages[1], go[0]);
	}
	close(messages[1]);
	close(go[0]);
	fcntl(messages[0], F_SETFL, O_NONBLOCK);
	stage->fd = messages[0];
	stage->go = go[1];
	return 0;
}

int stage_go(struct stage *stage, uint32_t unseen)
{
	return write(stage->go, &unseen, sizeof(unseen)) == (ssize_t)sizeof(unseen) ? 0 : -errno;
}

int stage_read(struct stage *stage, struct stage_message *msg)
{
	ssize_t n = read(stage->fd, msg, sizeof(*msg));

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n == 0)
		return -EPIPE;
	if (n != (ssize_t)sizeof(*msg))
		return -EBADMSG;
	msg->role[STAGE_ROLE - 1] = '\0';
	msg->text[STAGE_TEXT - 1] = '\0';
	return 1;
}

void stage_close(struct stage *stage)
{
	if (stage->pid <= 0)
		return;
	close(stage->go);
	close(stage->fd);
	kill(stage->pid, SIGTERM);
	while (waitpid(stage->pid, NULL, 0) < 0 && errno == EINTR)
		;
	*stage = (struct stage){0};
}
