/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Any text as a filter: nothing crashes or leaks, errors are sound, and `not` is the opposite. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/filter.h"
#include "model/model.h"
#include "util/buf.h"

#define ID "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

enum { ROWS = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct row rows[ROWS];
static struct model *model;

/* Rows that differ in all that can be asked for. */
static void make_rows(void)
{
	for (uint8_t i = 0; i < ROWS; i++) {
		struct row *r = &rows[i];

		r->table = TABLE_CONNECTIONS;
		r->proc = (struct proc){.pid = i, .uid = i, .start_ns = i, .name = "nginx"};
		r->proc.name[i] = '\0';
		r->proc.unattributed = i ? 0 : UNATTRIBUTED_KERNEL;
		r->flow = (struct flow){
			.cookie = 1U + i,
			.netns = i,
			.cgroup_id = i,
			.transport = i,
			.family = (uint8_t)(i & 6),
			.role = i % ROLE_COUNT,
			.state = i,
			.local = {.ip = {[10] = 0xff, 0xff, 10, 0, 0, i}, .port = 80},
			.peer = {.ip = {0x20, [15] = i}, .port = (uint16_t)(i * 443)},
		};
		r->count.rx_rate = r->count.tx_total = (uint64_t)i << 8 * i;
		r->count.failed = i & 1;
	}
}

static void name_groups(void)
{
	static const char *const paths[] = {"/", "/a.slice/a.service", "/docker/" ID,
					    "/machine-a.scope", "//a//"};

	for (uint64_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		struct event ev = {.kind = EVENT_CGROUP, .cgroup = {1 + i, paths[i]}};

		model_apply(model, &ev);
	}
}

static uint16_t service(const char *name)
{
	return !strcmp(name, "http") ? 80 : 0;
}

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_error(const struct filter_error *e, size_t length)
{
	must(e->column >= 1 && e->offset <= length && e->column <= length + 1);
	must(e->message[0] && memchr(e->message, '\0', sizeof(e->message)));
	for (const char *s = e->message; *s; s++)
		must((unsigned char)*s >= ' ' && *s != 0x7f);
}

static void check_opposite(const struct filter *f)
{
	struct filter_error error;
	struct filter *opposite;
	struct buf text = {0};

	buf_printf(&text, "not (%s)", filter_text(f));
	opposite = filter_new(text.data, service, &error);
	for (int i = 0; opposite && i < ROWS; i++)
		must(filter_match(f, &rows[i], model) != filter_match(opposite, &rows[i], model));
	filter_free(opposite);
	buf_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct filter_error error;
	struct filter *f;
	char *text = strndup((const char *)data, size);

	if (!model) {
		model = model_new(NULL);
		make_rows();
		name_groups();
	}
	f = filter_new(text, service, &error);
	if (f) {
		must(!strcmp(filter_text(f), text));
		check_opposite(f);
	} else {
		check_error(&error, strlen(text));
	}
	filter_free(f);
	free(text);
	return 0;
}
