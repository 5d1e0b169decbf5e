/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Threads of several priorities that get in each other's way on one CPU, in the middle of calls. */
#include "traffic/parts.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>

enum {
	CROWD = 8,
	RANKS = 4,  /* real-time priorities among them, 0 = none */
	BURST = 16, /* calls of a thread with a priority between two of its naps */
	CALL_BYTES = 500,
};

struct member {
	struct traffic_flow flow; /* a datagram socket that is connected to itself */
	pthread_t id;
	pthread_barrier_t *start;
	unsigned int rounds;
	int number;
};

/* Any that the process may not have is left out: fewer calls are disturbed then. */
static void take_rank(int rank)
{
	struct sched_param param = {.sched_priority = rank};

	if (rank)
		pthread_setschedparam(pthread_self(), SCHED_FIFO, &param);
}

/* Of another length for each thread and priority, so that they meet everywhere. */
static void nap(const struct member *m)
{
	struct timespec time = {.tv_nsec = 150000 + 37000 * m->number};

	nanosleep(&time, NULL);
}

static void *take_part(void *arg)
{
	struct member *m = arg;
	int rank = m->number % RANKS;

	pthread_barrier_wait(m->start);
	take_rank(rank);
	for (unsigned int i = 0; i < m->rounds; i++) {
		must(flow_tx(&m->flow, send(m->flow.fd, traffic_bytes, CALL_BYTES, 0)), "send");
		must(flow_rx(&m->flow, recv(m->flow.fd, traffic_scratch, CALL_BYTES, 0)), "recv");
		if (rank && i % BURST == 0)
			nap(m);
	}
	return NULL;
}

static void member_open(struct member *m, const struct traffic_opts *opts)
{
	int fd = net_bound(opts->family, IPPROTO_UDP, 0);

	net_connect(fd, opts->family, local_port(fd));
	flow_open(&m->flow, fd, "server");
}

static int run_crowd(const struct traffic_opts *opts, struct traffic_report *rep)
{
	struct member members[CROWD] = {0};
	pthread_barrier_t start;

	net_on_cpu(0);
	pthread_barrier_init(&start, NULL, CROWD);
	for (int i = 0; i < CROWD; i++) {
		members[i].number = i;
		members[i].start = &start;
		members[i].rounds = opts->count ? opts->count : 2000;
		member_open(&members[i], opts);
	}
	for (int i = 0; i < CROWD; i++)
		if (pthread_create(&members[i].id, NULL, take_part, &members[i]))
			die("pthread_create");
	for (int i = 0; i < CROWD; i++)
		pthread_join(members[i].id, NULL);
	for (int i = 0; i < CROWD; i++) {
		flow_report(rep, &members[i].flow);
		close(members[i].flow.fd);
	}
	pthread_barrier_destroy(&start);
	return 0;
}

const struct traffic_case traffic_crowd_cases[] = {
	{.name = "udp-crowd", .run = run_crowd, .quick = 200},
	{0},
};
