/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Sockets to be watched, over loopback, until stdin ends:
 *
 *   load pairs SOCKETS ACTIVE RATE   TCP connections between two processes, both ends counted as
 *                                    sockets; ACTIVE of the connections exchange 64 bytes each way
 *                                    RATE times a second each, the others nothing
 *   load short RATE                  connections of about 1 ms: connect, 64 bytes each way, close;
 *                                    RATE a second
 *
 * Prints a line with its port when all is open, at the end another with what was done, in JSON.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	MESSAGE = 64,
	PER_ADDRESS = 4000, /* connections to one address: ports that are free are hard to find */
	BURSTS = 100,       /* a second: what is due is done at once */
	MAX_BURST = 1000,
	EVENTS = 256,
};

static char message[MESSAGE];

static void raise_descriptors(rlim_t wanted)
{
	struct rlimit r;

	getrlimit(RLIMIT_NOFILE, &r);
	if (r.rlim_cur >= wanted)
		return;
	r.rlim_cur = wanted;
	if (r.rlim_max < wanted)
		r.rlim_max = wanted;
	if (setrlimit(RLIMIT_NOFILE, &r))
		err(1, "cannot have %llu descriptors", (unsigned long long)wanted);
}

static int open_listener(struct sockaddr_in *address)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t len = sizeof(*address);

	*address = (struct sockaddr_in){.sin_family = AF_INET};
	if (fd < 0 || bind(fd, (struct sockaddr *)address, len) || listen(fd, 4096) ||
	    getsockname(fd, (struct sockaddr *)address, &len))
		err(1, "listen");
	return fd;
}

static int open_connection(const struct sockaddr_in *listener, int i)
{
	struct sockaddr_in to = *listener;
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)(i / PER_ADDRESS));
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)))
		err(1, "connection %d", i);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

/* The other process: take what comes, send it back, close what is closed. */
static void serve(int listener)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[EVENTS];
	int poller = epoll_create1(0), on = 1;

	epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
	for (;;) {
		int n = epoll_wait(poller, events, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;

			if (fd == listener) {
				event.data.fd = accept(listener, NULL, NULL);
				if (event.data.fd < 0)
					err(1, "accept");
				setsockopt(event.data.fd, IPPROTO_TCP, TCP_NODELAY, &on,
					   sizeof(on));
				epoll_ctl(poller, EPOLL_CTL_ADD, event.data.fd, &event);
			} else {
				char got[MESSAGE];
				ssize_t len = recv(fd, got, sizeof(got), 0);

				if (len <= 0 || send(fd, got, (size_t)len, MSG_NOSIGNAL) != len)
					close(fd);
			}
		}
	}
}

static pid_t start_server(int listener)
{
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(STDIN_FILENO);
	serve(listener);
	_exit(1);
}

/* The next 1/BURSTS of a second; false when nobody wants more. */
static bool next_burst(struct timespec *next)
{
	struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};

	next->tv_nsec += 1000000000 / BURSTS;
	if (next->tv_nsec >= 1000000000) {
		next->tv_nsec -= 1000000000;
		next->tv_sec++;
	}
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, next, NULL);
	return poll(&in, 1, 0) == 0;
}

static void send_message(int fd)
{
	if (send(fd, message, MESSAGE, 0) != MESSAGE)
		err(1, "send");
}

static void receive_message(int fd)
{
	if (recv(fd, message, MESSAGE, MSG_WAITALL) != MESSAGE)
		err(1, "recv");
}

static void tell_ready(const struct sockaddr_in *listener)
{
	printf("%d\n", ntohs(listener->sin_port));
	fflush(stdout);
}

static void run_pairs(int sockets, int active, double rate)
{
	int count = sockets / 2, turn = 0, *fds = calloc((size_t)count, sizeof(*fds));
	double due = 0, each = active * rate / BURSTS;
	unsigned long long exchanges = 0;
	struct sockaddr_in address;
	struct timespec next;
	int listener;

	raise_descriptors((rlim_t)count + 100);
	listener = open_listener(&address);
	start_server(listener);
	for (int i = 0; i < count; i++)
		fds[i] = open_connection(&address, i);
	for (int i = 0; i < count; i++) { /* each is taken from the backlog, and known by its bytes
					   */
		send_message(fds[i]);
		receive_message(fds[i]);
	}
	tell_ready(&address);
	clock_gettime(CLOCK_MONOTONIC, &next);
	while (next_burst(&next)) {
		int n;

		due += each;
		n = due > MAX_BURST ? MAX_BURST : (int)due;
		due -= n;
		for (int i = 0; i < n; i++)
			send_message(fds[(turn + i) % active]);
		for (int i = 0; i < n; i++)
			receive_message(fds[(turn + i) % active]);
		turn = active ? (turn + n) % active : 0;
		exchanges += (unsigned long long)n;
	}
	printf("{\"exchanges\": %llu}\n", exchanges);
	free(fds);
}

/* No TIME_WAIT: the ports would be used up in seconds. */
static void close_at_once(int fd)
{
	struct linger now = {.l_onoff = 1};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
}

static void run_short(double rate)
{
	double due = 0, each = rate / BURSTS;
	unsigned long long connections = 0;
	struct sockaddr_in address;
	int listener, fds[MAX_BURST];
	struct timespec next;

	raise_descriptors(MAX_BURST + 100);
	listener = open_listener(&address);
	start_server(listener);
	tell_ready(&address);
	clock_gettime(CLOCK_MONOTONIC, &next);
	while (next_burst(&next)) {
		int n;

		due += each;
		n = due > MAX_BURST ? MAX_BURST : (int)due;
		due -= n;
		for (int i = 0; i < n; i++) {
			fds[i] = open_connection(&address, (int)(connections % PER_ADDRESS));
			send_message(fds[i]);
			connections++;
		}
		for (int i = 0; i < n; i++) {
			receive_message(fds[i]);
			close_at_once(fds[i]);
		}
	}
	printf("{\"connections\": %llu}\n", connections);
}

int main(int argc, char **argv)
{
	if (argc == 5 && !strcmp(argv[1], "pairs"))
		run_pairs(atoi(argv[2]), atoi(argv[3]), atof(argv[4]));
	else if (argc == 3 && !strcmp(argv[1], "short"))
		run_short(atof(argv[2]));
	else
		errx(2, "load pairs SOCKETS ACTIVE RATE | load short RATE");
	return 0;
}
