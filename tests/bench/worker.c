/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Calls to be timed, on command: worker [CPU [CPU]]
 *
 * A line `KIND BATCHES PAIRS` on stdin is answered with one line, a JSON array: nanoseconds for
 * each send+recv pair of each batch. Kinds: tcp, udp, udpto (unconnected, sendto and recvfrom), one
 * thread on the first CPU; shared and separate, one thread on each CPU with connected UDP over one
 * pair of sockets or over two. `stream BATCHES MS` sends through one TCP connection from the first
 * CPU to the second: [bytes/s, CPU nanoseconds of both ends for each KiB] for each batch.
 *
 * The sockets stay the same from the start on. The timed threads are real-time ones, so that what
 * else the machine does does not split a batch.
 */
#include <arpa/inet.h>
#include <err.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MESSAGE = 64, MAX_BATCHES = 1000, CHUNK = 64 << 10, WARM_UP = 50 };

struct ends {
	int fd[2];
	struct sockaddr_in address[2];
};

struct job { /* what one thread does */
	const struct ends *ends;
	int cpu, batches, pairs;
	double *ns; /* for each pair, of each batch */
};

static int cpus[2] = {0, 1};
static struct ends tcp, udp[2], udpto, stream;
static pthread_barrier_t both;
static atomic_bool over;

static uint64_t now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void move_to(int cpu)
{
	struct sched_param param = {.sched_priority = 1};
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) || sched_setscheduler(0, SCHED_FIFO, &param))
		err(1, "cannot move to CPU %d", cpu);
}

static int new_socket(int type, struct sockaddr_in *address)
{
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(*address);

	*address = (struct sockaddr_in){.sin_family = AF_INET,
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (fd < 0 || bind(fd, (struct sockaddr *)address, len) ||
	    getsockname(fd, (struct sockaddr *)address, &len))
		err(1, "socket");
	return fd;
}

static void open_udp(struct ends *ends, int is_connected)
{
	for (int i = 0; i < 2; i++)
		ends->fd[i] = new_socket(SOCK_DGRAM, &ends->address[i]);
	for (int i = 0; i < 2 && is_connected; i++)
		if (connect(ends->fd[i], (struct sockaddr *)&ends->address[!i],
			    sizeof(*ends->address)))
			err(1, "connect");
}

static void open_tcp(struct ends *ends)
{
	int listener, on = 1;

	listener = new_socket(SOCK_STREAM, &ends->address[1]);
	ends->fd[0] = new_socket(SOCK_STREAM, &ends->address[0]);
	if (listen(listener, 1) ||
	    connect(ends->fd[0], (struct sockaddr *)&ends->address[1], sizeof(*ends->address)))
		err(1, "connect");
	ends->fd[1] = accept(listener, NULL, NULL);
	if (ends->fd[1] < 0)
		err(1, "accept");
	for (int i = 0; i < 2; i++)
		setsockopt(ends->fd[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	close(listener);
}

/* The message goes to and fro: a pair is one way. */
static void play(const struct ends *ends, int pairs)
{
	char message[MESSAGE] = {0};

	for (int i = 0; i < pairs; i++)
		if (send(ends->fd[i & 1], message, MESSAGE, 0) != MESSAGE ||
		    recv(ends->fd[~i & 1], message, MESSAGE, 0) != MESSAGE)
			err(1, "send and recv");
}

static void play_unconnected(const struct ends *ends, int pairs)
{
	char message[MESSAGE] = {0};

	for (int i = 0; i < pairs; i++) {
		struct sockaddr_in from;
		socklen_t len = sizeof(from);
		int a = i & 1, b = !a;

		if (sendto(ends->fd[a], message, MESSAGE, 0, (void *)&ends->address[b], len) !=
			    MESSAGE ||
		    recvfrom(ends->fd[b], message, MESSAGE, 0, (void *)&from, &len) != MESSAGE)
			err(1, "sendto and recvfrom");
	}
}

static void time_batches(const struct job *job, void (*game)(const struct ends *, int))
{
	game(job->ends, WARM_UP);
	for (int i = 0; i < job->batches; i++) {
		uint64_t began = now_ns(CLOCK_MONOTONIC);

		game(job->ends, job->pairs);
		job->ns[i] = (double)(now_ns(CLOCK_MONOTONIC) - began) / job->pairs;
	}
}

static void *run_beside(void *arg)
{
	const struct job *job = arg;

	move_to(job->cpu);
	for (int i = 0; i < job->batches; i++) {
		struct job one = {job->ends, job->cpu, 1, job->pairs, &job->ns[i]};

		pthread_barrier_wait(&both);
		time_batches(&one, play);
	}
	return NULL;
}

/* Two threads at once; a batch is the mean of both. */
static void time_both(const struct ends *first, const struct ends *second, int batches, int pairs,
		      double *ns)
{
	static double ns_of[2][MAX_BATCHES];
	struct job jobs[2] = {{first, cpus[0], batches, pairs, ns_of[0]},
			      {second, cpus[1], batches, pairs, ns_of[1]}};
	pthread_t threads[2];

	for (int i = 0; i < 2; i++)
		if (pthread_create(&threads[i], NULL, run_beside, &jobs[i]))
			errx(1, "cannot start a thread");
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < batches; i++)
		ns[i] = (ns_of[0][i] + ns_of[1][i]) / 2;
}

static void *receive(void *arg)
{
	static char chunk[CHUNK];
	uint64_t *cpu_ns = arg;

	move_to(cpus[1]);
	while (!over && recv(stream.fd[1], chunk, sizeof(chunk), 0) > 0)
		;
	*cpu_ns = now_ns(CLOCK_THREAD_CPUTIME_ID);
	return NULL;
}

static void time_stream(int ms, double *per_s, double *cpu_per_kib)
{
	uint64_t began, ended, cpu_began = now_ns(CLOCK_THREAD_CPUTIME_ID), cpu_ns = 0;
	static char chunk[CHUNK];
	uint64_t bytes = 0;
	pthread_t reader;

	over = false;
	if (pthread_create(&reader, NULL, receive, &cpu_ns))
		errx(1, "cannot start a thread");
	began = ended = now_ns(CLOCK_MONOTONIC);
	while (ended - began < (uint64_t)ms * 1000000) {
		ssize_t n = send(stream.fd[0], chunk, sizeof(chunk), 0);

		if (n < 0)
			err(1, "send");
		bytes += (uint64_t)n;
		ended = now_ns(CLOCK_MONOTONIC);
	}
	over = true;
	send(stream.fd[0], chunk, 1, MSG_DONTWAIT); /* in case it waits */
	pthread_join(reader, NULL);
	cpu_ns += now_ns(CLOCK_THREAD_CPUTIME_ID) - cpu_began;
	*per_s = (double)bytes * 1e9 / (double)(ended - began);
	*cpu_per_kib = (double)cpu_ns / ((double)bytes / 1024);
}

static void drain_stream(void)
{
	static char chunk[CHUNK];

	while (recv(stream.fd[1], chunk, sizeof(chunk), MSG_DONTWAIT) > 0)
		;
}

static void streams(int batches, int ms)
{
	for (int i = 0; i < batches; i++) {
		double per_s, cpu;

		time_stream(ms, &per_s, &cpu);
		drain_stream();
		printf("%s[%.0f, %.3f]", i ? ", " : "[", per_s, cpu);
	}
	printf("]\n");
}

static void answer(const char *kind, int batches, int pairs)
{
	static double ns[MAX_BATCHES];
	struct job job = {.cpu = cpus[0], .batches = batches, .pairs = pairs, .ns = ns};

	if (!strcmp(kind, "stream")) {
		streams(batches, pairs);
		return;
	}
	job.ends = !strcmp(kind, "tcp") ? &tcp : !strcmp(kind, "udp") ? &udp[0] : &udpto;
	if (!strcmp(kind, "shared") || !strcmp(kind, "separate"))
		time_both(&udp[0], &udp[*kind == 's' && kind[1] == 'e'], batches, pairs, ns);
	else
		time_batches(&job, job.ends == &udpto ? play_unconnected : play);
	for (int i = 0; i < batches; i++)
		printf("%s%.1f", i ? ", " : "[", ns[i]);
	printf("]\n");
}

int main(int argc, char **argv)
{
	char line[100], kind[20];
	int batches, count;

	for (int i = 1; i < argc && i < 3; i++)
		cpus[i - 1] = atoi(argv[i]);
	move_to(cpus[0]);
	open_tcp(&tcp);
	open_tcp(&stream);
	open_udp(&udp[0], 1);
	open_udp(&udp[1], 1);
	open_udp(&udpto, 0);
	pthread_barrier_init(&both, NULL, 2);
	while (fgets(line, sizeof(line), stdin)) {
		if (sscanf(line, "%19s %d %d", kind, &batches, &count) != 3 || batches < 1 ||
		    batches > MAX_BATCHES || count < 1)
			errx(2, "not understood: %s", line);
		answer(kind, batches, count);
		fflush(stdout);
	}
	return 0;
}
