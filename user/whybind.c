/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "whybind.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "identity/service.h"
#include "opts.h"
#include "place.h"
#include "util/buf.h"
#include "who.h"
#include "who/answer.h"
#include "who/bind_text.h"
#include "who/json.h"
#include "who/scene.h"
#include "who/target.h"
#include "who/text.h"

static bool may_bind_low_ports(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};

	return !syscall(SYS_capget, &head, data) && data[0].effective >> CAP_NET_BIND_SERVICE & 1;
}

static int parse(struct bind_ask *ask, bool *has_address, const struct who_opts *who)
{
	char why[TARGET_WHY];
	struct target t;

	if (target_parse(&t, who->bind, service_port, why))
		return who_complain(EXIT_USAGE, "--bind: %s", why);
	if (t.transport == TRANSPORT_COUNT)
		t.transport = TRANSPORT_TCP;
	if (t.kind != TARGET_PORT || (t.transport != TRANSPORT_TCP && t.transport != TRANSPORT_UDP))
		return who_complain(EXIT_USAGE, "--bind takes ADDR:PORT of tcp or udp, not `%s`",
				    who->bind);
	*ask = (struct bind_ask){
		.addr = t.addr,
		.transport = t.transport,
		.v6 = !t.has_address || !addr_is_v4(&t.addr),
		.v6only = who->v6only,
		.reuseaddr = who->reuseaddr,
		.reuseport = who->reuseport,
		.uid = geteuid(),
		.privileged = may_bind_low_ports(),
	};
	*has_address = t.has_address;
	return EXIT_OK;
}

/* Without an address all of both families are meant, or of IPv4 where there is no IPv6. */
static int look(struct bind_ask *ask, bool has_address, const char *netns, struct bind_place *place)
{
	static const uint8_t any_v4[16] = {[10] = 0xff, [11] = 0xff};
	char why[256];
	int err = place_read(place, netns, ask, why, sizeof(why));

	if (!err && place->error && !has_address) {
		memcpy(ask->addr.ip, any_v4, sizeof(any_v4));
		ask->v6 = false;
		err = place_read(place, netns, ask, why, sizeof(why));
	}
	if (err)
		return who_complain(err == -EPERM || err == -EACCES ? EXIT_PERMISSION : EXIT_RUN,
				    "%s", why);
	ask->netns = place->netns;
	ask->v6only |= place->v6only;
	return EXIT_OK;
}

static int say(const struct opts *opts, const struct bind_ask *ask, const struct bind_place *place,
	       const struct census *c)
{
	struct who_text_options text = {.width = who_width(), .verbose = opts->verbose, .most = 5};
	struct bind_verdict verdict;
	struct scene scene = {0};
	struct answer a = {0};
	struct buf out = {0};
	int err = bind_judge(&verdict, ask, place, c), status;

	if (!err)
		err = scene_init(&scene, c, "/proc");
	if (!err && opts->format)
		bind_json(&out, ask, place, &verdict);
	else if (!err)
		bind_text(&out, &scene, ask, place, &verdict, text.width);
	answer_of(&a, c, verdict.conflicts, verdict.count);
	if (!err && opts->format)
		who_json(&out, &scene, &a);
	else if (!err)
		who_text(&out, &scene, &a, &text);
	status = verdict.error ? EXIT_RUN : EXIT_OK;
	if (!err)
		err = buf_write(&out, STDOUT_FILENO);
	if (err)
		status = who_complain(EXIT_RUN, "cannot write to stdout: %s", strerror(-err));
	buf_done(&out);
	answer_done(&a);
	scene_done(&scene);
	return status;
}

int whybind_run(const struct opts *opts)
{
	struct census_ask census_ask = {.all = true};
	struct bind_place place = {0};
	struct census census = {0};
	struct bind_ask ask;
	bool has_address = false;
	int status = parse(&ask, &has_address, &opts->who);

	if (status == EXIT_OK)
		status = look(&ask, has_address, opts->who.netns, &place);
	if (status != EXIT_OK)
		return status;
	census_ask_port(&census_ask, ask.addr.port);
	status = who_take(opts, &census_ask, &census);
	if (status == EXIT_OK)
		status = say(opts, &ask, &place, &census);
	census_done(&census);
	return status;
}
