/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The table of fields, and the list of them that is shipped. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sink/format.h"
#include "util/buf.h"

static const char path[] = "user/share/log-fields.md";

static const char preface[] =
	"# Fields of sockwatch's logs\n"
	"\n"
	"What a record of `sockwatch log` can hold. JSON leaves out what is not known or does\n"
	"not apply; CSV leaves it empty. Numbers are whole, up to 2^64 - 1: a reader that keeps\n"
	"them as doubles rounds beyond 2^53. A field keeps its meaning for as long as\n"
	"`sockwatch.schema` is the same; fields may be added, columns of CSV only behind the\n"
	"others.\n"
	"\n";

static void the_list_is_that_of_the_table(void **state)
{
	static char text[1 << 16];
	struct buf b = {0};
	FILE *f;

	(void)state;
	buf_puts(&b, preface);
	field_list(&b);
	if (getenv("UPDATE")) {
		f = fopen(path, "we");
		assert_non_null(f);
		assert_true(fputs(b.data, f) >= 0);
		fclose(f);
	}
	f = fopen(path, "re");
	assert_non_null(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	if (strcmp(text, b.data) != 0)
		fail_msg("%s is not what the table of fields says (make check-unit UPDATE=1)",
			 path);
	buf_done(&b);
}

static void every_field_is_described(void **state)
{
	(void)state;
	assert_true(field_count < FIELD_MAX);
	for (size_t i = 0; i < field_count; i++) {
		const struct field *f = &fields[i];

		assert_true(f->name || f->ecs);
		assert_non_null(f->type);
		assert_true(f->records != 0);
		assert_true(strlen(f->help) > 4 || f->get);
		assert_true(f->help[strlen(f->help) - 1] != '.');
		assert_null(strchr(f->help, '|'));
		assert_true(!f->title || (f->get && f->width >= (int)strlen(f->title)));
	}
}

/* Within one schema and kind of record a name stands once. */
static void names_are_unique(void **state)
{
	(void)state;
	for (int schema = 0; schema < 2; schema++)
		for (size_t i = 0; i < field_count; i++)
			for (size_t k = 0; k < i; k++) {
				const char *a = field_name(&fields[i], (enum schema)schema);
				const char *b = field_name(&fields[k], (enum schema)schema);

				if (a && b && fields[i].records & fields[k].records)
					assert_string_not_equal(a, b);
			}
}

/* Who reads a log relies on the columns that there are: new ones come behind. */
static void columns_of_csv_stay_where_they_are(void **state)
{
	static const char connection[] =
		"@timestamp,sockwatch.record,process.pid,process.name,user.id,user.name,"
		"network.transport,network.type,network.local.address,network.local.port,"
		"network.peer.address,network.peer.port,sockwatch.role,sockwatch.state,"
		"sockwatch.netns,sockwatch.cookie,sockwatch.connections_opened,sockwatch.tx_bytes,"
		"sockwatch.rx_bytes,sockwatch.tx_bytes_total,sockwatch.rx_bytes_total,"
		"sockwatch.unattributed,sockwatch.cgroup_id,sockwatch.error,"
		"sockwatch.cgroup_path,client.address,client.port,server.address,server.port,"
		"sockwatch.process.start_ns,sockwatch.age_ns,sockwatch.boottime_ns,"
		"sockwatch.losses,sockwatch.folded,sockwatch.dropped,sockwatch.note,sockwatch.seq";
	struct sheet sheet = {.by = RECORD_CONNECTION};
	struct buf b = {0};

	(void)state;
	sheet_init(&sheet);
	format_csv.head(&b, &sheet);
	assert_memory_equal(b.data, connection, strlen(connection));
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_list_is_that_of_the_table),
		cmocka_unit_test(every_field_is_described),
		cmocka_unit_test(names_are_unique),
		cmocka_unit_test(columns_of_csv_stay_where_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
