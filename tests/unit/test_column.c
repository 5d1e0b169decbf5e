/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "model_events.h"

#include "model/column.h"
#include "util/text.h"

static int setup(void **state)
{
	*state = model_new(NULL);
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	model_free(*state);
	return 0;
}

static const char *text_of(enum column_id id, const struct row *row, const struct model *m)
{
	static char text[8][512];
	static int turn;
	char *dst = text[turn++ % 8];
	size_t len = columns[id].text(dst, sizeof(text[0]), row, m);

	assert_int_equal(len, strlen(dst));
	return dst;
}

#define assert_cell(id, row, expected) assert_string_equal(text_of(COLUMN_##id, row, m), expected)

static void column_table_is_sound(void **state)
{
	int i, k;

	(void)state;
	for (i = 0; i < COLUMN_COUNT; i++) {
		const struct column *c = &columns[i];

		assert_int_equal(c->id, i);
		assert_true(*c->key && *c->title && *c->help && c->text && c->compare && c->tables);
		assert_true(text_width(c->title) <= c->width);
		assert_true(c->help[strlen(c->help) - 1] != '.');
		for (k = 0; k < i; k++)
			assert_string_not_equal(c->key, columns[k].key);
	}
}

static void column_finds_keys(void **state)
{
	(void)state;
	assert_ptr_equal(column_find(TABLE_PORTS, "port"), &columns[COLUMN_PORT]);
	assert_ptr_equal(column_find(TABLE_PORTS, "tx"), &columns[COLUMN_TX_RATE]);
	assert_ptr_equal(column_find(TABLE_CONNECTIONS, "rate"), &columns[COLUMN_RATE]);
	assert_null(column_find(TABLE_PROCESSES, "port"));
	assert_null(column_find(TABLE_PROCESSES, "nonsense"));
	assert_null(column_find(TABLE_PROCESSES, ""));
}

/* What is filtered by is what is shown, so its number must be of the same row and field. */
static void numbers_are_those_of_the_cells(void **state)
{
	struct model *m = *state;
	struct row row = {.table = TABLE_CONNECTIONS, .proc = {.pid = 42}, .flow = {.netns = 7}};
	const struct {
		enum column_id id;
		uint64_t number;
		const char *cell;
	} cases[] = {
		{COLUMN_PID, 42, "42"},           {COLUMN_NETNS, 7, "7"},
		{COLUMN_TX_RATE, 2048, "2.00K"},  {COLUMN_RX_RATE, 3072, "3.00K"},
		{COLUMN_RATE, 5120, "5.00K"},     {COLUMN_TX_TOTAL, 4096, "4.00K"},
		{COLUMN_RX_TOTAL, 1024, "1.00K"}, {COLUMN_TOTAL, 5120, "5.00K"},
		{COLUMN_AGE, 4 * SECOND, "4.0s"},
	};
	size_t numbers = 0;

	row.count = (struct counters){.tx_rate = 2048,
				      .rx_rate = 3072,
				      .tx_total = 4096,
				      .rx_total = 1024,
				      .first_ns = SECOND,
				      .last_ns = 5 * SECOND};
	row.ended = true;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(columns[cases[i].id].number(&row, m), cases[i].number);
		assert_string_equal(text_of(cases[i].id, &row, m), cases[i].cell);
	}
	for (int i = 0; i < COLUMN_COUNT; i++)
		numbers += columns[i].number != NULL;
	assert_int_equal(numbers, sizeof(cases) / sizeof(cases[0]));
	row.count.tx_total = row.count.tx_rate = UINT64_MAX; /* no sum is less than its parts */
	assert_int_equal(columns[COLUMN_TOTAL].number(&row, m), UINT64_MAX);
	assert_int_equal(columns[COLUMN_RATE].number(&row, m), UINT64_MAX);
}

static void column_lists_are_complete(void **state)
{
	int table, i;

	(void)state;
	for (table = 0; table < TABLE_COUNT; table++) {
		for (i = 0; i < COLUMN_COUNT; i++) {
			const struct column *const *c = column_list((enum table_kind)table);
			int listed = 0;

			for (; *c; c++)
				listed += (*c)->id == (enum column_id)i;
			if (i == COLUMN_RATE || i == COLUMN_TOTAL)
				assert_int_equal(listed, 0);
			else
				assert_int_equal(listed, columns[i].tables >> table & 1);
		}
	}
}

/* ---- widths ---- */

static void check_widths(enum table_kind table, int cells)
{
	const struct column *const *c = column_list(table);
	int widths[COLUMN_COUNT], sum = 0, shown = 0, grows = 0, i, listed = 0;

	column_widths(table, cells, widths);
	for (; *c; c++) {
		int width = widths[(*c)->id];

		listed += width;
		if (!width)
			continue;
		assert_true(width >= (*c)->width);
		if (!(*c)->grow)
			assert_int_equal(width, (*c)->width);
		grows += (*c)->grow;
		sum += width + (shown++ > 0);
	}
	assert_true(sum <= (cells > 0 ? cells : 0));
	if (grows)
		assert_int_equal(sum, cells);
	for (i = 0; i < COLUMN_COUNT; i++)
		listed -= widths[i];
	assert_int_equal(listed, 0);
}

static void column_widths_fit_any_screen(void **state)
{
	int table, cells;

	(void)state;
	for (table = 0; table < TABLE_COUNT; table++) {
		for (cells = -1; cells <= 300; cells++)
			check_widths((enum table_kind)table, cells);
	}
}

static bool shows(enum table_kind table, int cells, enum column_id id)
{
	int widths[COLUMN_COUNT];

	column_widths(table, cells, widths);
	return widths[id] > 0;
}

static void column_widths_keep_what_matters(void **state)
{
	static const struct {
		enum table_kind table;
		int cells;
		enum column_id ids[10]; /* ended by a 0 behind the first */
	} must[] = {
		{TABLE_PROCESSES,
		 40,
		 {COLUMN_PID, COLUMN_PROCESS, COLUMN_OPEN, COLUMN_TX_RATE, COLUMN_RX_RATE}},
		{TABLE_PROCESSES,
		 80,
		 {COLUMN_PID, COLUMN_PROCESS, COLUMN_USER, COLUMN_OPEN, COLUMN_LISTENING,
		  COLUMN_TX_RATE, COLUMN_RX_RATE, COLUMN_TX_TOTAL, COLUMN_RX_TOTAL}},
		{TABLE_PORTS, 40, {COLUMN_PORT, COLUMN_PROCESSES, COLUMN_TX_RATE, COLUMN_RX_RATE}},
		{TABLE_PORTS,
		 80,
		 {COLUMN_PORT, COLUMN_SERVICE, COLUMN_CLASS, COLUMN_ROLE, COLUMN_OPEN,
		  COLUMN_PROCESSES, COLUMN_TX_RATE, COLUMN_RX_RATE}},
		{TABLE_CONNECTIONS,
		 40,
		 {COLUMN_PROCESS, COLUMN_PEER, COLUMN_TX_RATE, COLUMN_RX_RATE}},
		{TABLE_CONNECTIONS,
		 80,
		 {COLUMN_PROCESS, COLUMN_PID, COLUMN_TRANSPORT, COLUMN_LOCAL, COLUMN_PEER,
		  COLUMN_TX_RATE, COLUMN_RX_RATE}},
	};
	int table, i;

	(void)state;
	for (size_t n = 0; n < sizeof(must) / sizeof(must[0]); n++) {
		for (i = 0; i < 10 && (!i || must[n].ids[i]); i++)
			assert_true(shows(must[n].table, must[n].cells, must[n].ids[i]));
	}
	for (table = 0; table < TABLE_COUNT; table++) {
		const struct column *const *c = column_list((enum table_kind)table);

		for (; *c; c++)
			assert_true(shows((enum table_kind)table, 200, (*c)->id));
	}
}

/* ---- cells ---- */

static void column_prints_processes(void **state)
{
	struct model *m = *state;
	struct event user = {.kind = EVENT_USER,
			     .user = {.uid = 3,
				      .name = "pet\x1b"
					      "er"}};
	struct proc p = a_proc(10);
	const struct row *row;

	strcpy(p.name, "a\x1b[31m\xff");
	moved(m, p, tcp(1, ROLE_SERVER, 80, 40000), 2048, 100);
	model_apply(m, &user);
	tick(m);
	row = process_row(m, 10);
	assert_cell(PID, row, "10");
	assert_cell(PROCESS, row, "a\\x1b[31m\\xff");
	assert_cell(USER, row, "pet\\x1ber");
	assert_cell(OPEN, row, "1");
	assert_cell(TX_RATE, row, "2.00K");
	assert_cell(RX_TOTAL, row, "100");
	moved(m, no_proc(UNATTRIBUTED_BEFORE_START), tcp(2, ROLE_SERVER, 80, 40000), 1, 1);
	row = process_row(m, 0);
	assert_cell(PID, row, "-");
	assert_cell(PROCESS, row, "[before start]");
	assert_cell(USER, row, "-");
	moved(m, a_proc(4), tcp(3, ROLE_SERVER, 80, 40000), 1, 1);
	assert_cell(USER, process_row(m, 4), "4");
}

static void column_prints_ports(void **state)
{
	struct model *m = *state;
	struct event ev = {.kind = EVENT_SERVICE,
			   .service = {.port = 80, .transport = TRANSPORT_TCP, .name = "http"}};
	struct flow icmp = udp(50, ROLE_UNKNOWN, 0, 0);
	struct proc p;
	uint32_t i;

	model_apply(m, &ev);
	for (i = 1; i <= 6; i++) {
		p = a_proc(i);
		strcpy(p.name, i <= 3 ? "nginx" : "redis-server");
		if (i == 4)
			strcpy(p.name, "\n");
		seen(m, p, tcp(i, ROLE_SERVER, 80, (uint16_t)(40000 + i)));
	}
	assert_cell(PORT, port_row(m, 80, ROLE_SERVER), "80/tcp");
	assert_cell(SERVICE, port_row(m, 80, ROLE_SERVER), "http");
	assert_cell(CLASS, port_row(m, 80, ROLE_SERVER), "well-known");
	assert_cell(ROLE, port_row(m, 80, ROLE_SERVER), "server");
	assert_cell(PROCESSES, port_row(m, 80, ROLE_SERVER), "nginx(3) \\x0a[4] +2 more");
	icmp.transport = TRANSPORT_ICMP;
	seen(m, no_proc(UNATTRIBUTED_KERNEL), icmp);
	assert_cell(PORT, port_row(m, 0, ROLE_UNKNOWN), "icmp");
	assert_cell(SERVICE, port_row(m, 0, ROLE_UNKNOWN), "-");
	assert_cell(CLASS, port_row(m, 0, ROLE_UNKNOWN), "-");
	assert_cell(PROCESSES, port_row(m, 0, ROLE_UNKNOWN), "[kernel]");
}

static void column_prints_connections(void **state)
{
	struct model *m = *state;
	const struct row *row;

	seen(m, a_proc(1), tcp(1, ROLE_CLIENT, 40000, 443));
	ticked(m, 62 * SECOND + 1, SECOND);
	row = conn_row(m, 1, 1);
	assert_cell(TRANSPORT, row, "tcp");
	assert_cell(LOCAL, row, "10.0.0.1:40000");
	assert_cell(PEER, row, "10.0.0.2:443");
	assert_cell(ROLE, row, "client");
	assert_cell(STATE, row, "established");
	assert_cell(NETNS, row, "1");
	assert_cell(AGE, row, "1m02s");
	closed(m, a_proc(1), tcp(1, ROLE_CLIENT, 40000, 443));
	tick(m);
	tick(m);
	row = other_row(m, TABLE_CONNECTIONS);
	assert_cell(PROCESS, row, "(ended or evicted)");
	assert_cell(PID, row, "-");
	assert_cell(PEER, row, "-");
	assert_cell(AGE, row, "-");
}

static void column_never_writes_past_the_cell(void **state)
{
	struct model *m = *state;
	struct proc p = a_proc(1);
	struct rows rows;
	char text[64];
	uint32_t i;
	size_t size;

	for (i = 1; i <= 7; i++) {
		p = a_proc(i);
		memset(p.name, '\n', EVENT_NAME - 1);
		p.name[0] = (char)i;
		moved(m, p, tcp(i, ROLE_SERVER, 80, 40000), UINT64_MAX / 8, UINT64_MAX / 8);
		failed(m, p, tcp(100 + i, ROLE_CLIENT, 0, 81), 111);
	}
	tick(m);
	for (int table = 0; table < TABLE_COUNT; table++) {
		const struct column *const *c = column_list((enum table_kind)table);

		rows = rows_of(m, (enum table_kind)table);
		for (; *c; c++) {
			for (size = 1; size < sizeof(text); size++) {
				memset(text, '#', sizeof(text));
				assert_true((*c)->text(text, size, rows.row[0], m) < size);
				assert_true(strlen(text) < size);
				assert_int_equal(text[size], '#');
			}
		}
	}
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(column_table_is_sound),          TEST(column_finds_keys),
		TEST(numbers_are_those_of_the_cells), TEST(column_lists_are_complete),
		TEST(column_widths_fit_any_screen),   TEST(column_widths_keep_what_matters),
		TEST(column_prints_processes),        TEST(column_prints_ports),
		TEST(column_prints_connections),      TEST(column_never_writes_past_the_cell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
