/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Random expressions mean what their trees mean, however they are written; nothing crashes. */
#include "model_events.h"

#include "model/filter.h"
#include "util/buf.h"

enum { NODES = 40, ROWS = 32, EXPRESSIONS = 20000, SOUPS = 100000 };

static uint64_t seed = 1; /* the same at every run */

static uint32_t next(uint32_t below)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(seed >> 33) % below;
}

/* ---- conditions, and what they mean in the simplest words ---- */

#define MEANS(name, condition)                \
	static bool name(const struct row *r) \
	{                                     \
		return condition;             \
	}

MEANS(is_tcp, r->flow.transport == TRANSPORT_TCP)
MEANS(is_v6, r->flow.family == 6)
MEANS(local_80, r->flow.local.port == 80)
MEANS(port_80, r->flow.local.port == 80 || r->flow.peer.port == 80)
MEANS(port_low, r->flow.local.port < 82 || (r->flow.peer.port && r->flow.peer.port < 82))
MEANS(port_80_81, port_80(r) || r->flow.local.port == 81 || r->flow.peer.port == 81)
MEANS(v6_tcp_80, is_v6(r) && is_tcp(r) && port_80(r))
MEANS(tcp_80_81, is_tcp(r) && port_80_81(r))
MEANS(to_net, r->flow.peer.ip[12] == 10)
MEANS(proc_1, !strcmp(r->proc.name, "proc1"))
MEANS(proc_1_2, proc_1(r) || !strcmp(r->proc.name, "proc2"))
MEANS(proc_any, !strncmp(r->proc.name, "proc", 4) && strlen(r->proc.name) == 5)
MEANS(not_pid_2, r->proc.pid != 2)
MEANS(pid_2_3, r->proc.pid == 2 || r->proc.pid == 3)
MEANS(rx_2k, r->count.rx_rate > 2048)
MEANS(total_3k, r->count.tx_total + r->count.rx_total <= 3072)
MEANS(listens, r->flow.state == STATE_LISTEN)
MEANS(serves, r->flow.role == ROLE_SERVER)

static const struct {
	const char *text;
	bool (*means)(const struct row *r);
} conditions[] = {
	{"tcp", is_tcp},
	{"ip6", is_v6},
	{"lport 80", local_80},
	{"port 80", port_80},
	{"port < 82", port_low},
	{"port 80 or 81", port_80_81},
	{"port (80 or 81)", port_80_81},
	{"ip6 tcp port 80", v6_tcp_80},
	{"tcp port 80 or 81", tcp_80_81},
	{"dst net 10.0.0.0/8", to_net},
	{"proc proc1", proc_1},
	{"proc 'proc1' or proc2", proc_1_2},
	{"proc proc?", proc_any},
	{"pid != 2", not_pid_2},
	{"pid 2-3", pid_2_3},
	{"rx > 2K", rx_2k},
	{"total <= 3K", total_3k},
	{"state listen", listens},
	{"role = server", serves},
};

enum { CONDITIONS = sizeof(conditions) / sizeof(conditions[0]) };

static struct row rows[ROWS];

static void make_rows(void)
{
	for (int i = 0; i < ROWS; i++) {
		struct row *r = &rows[i];

		*r = (struct row){.table = TABLE_CONNECTIONS, .proc = a_proc(1 + next(12))};
		r->flow = tcp((uint64_t)i + 1, (enum role)next(ROLE_COUNT),
			      (uint16_t)(79 + next(4)), (uint16_t)(79 + next(4)));
		r->flow.transport = (uint8_t)next(2);
		r->flow.family = next(2) ? 4 : 6;
		r->flow.peer = v4((uint8_t)(9 + next(2)), 0, 0, 1, r->flow.peer.port);
		r->count.rx_rate = next(4096);
		r->count.tx_total = next(4096);
		r->count.rx_total = next(2048);
	}
}

/* ---- trees ---- */

struct node {
	enum { CONDITION, NOT, AND, OR } kind;
	int a, b; /* nodes before this one, or the number of a condition */
};

struct tree {
	struct node nodes[NODES];
	int count; /* the last one is the root */
};

static void grow(struct tree *t)
{
	int roots[NODES], root_count = 0, leaves = 1 + (int)next(NODES / 2 - 4);

	t->count = 0;
	while (leaves--) {
		t->nodes[t->count] = (struct node){CONDITION, (int)next(CONDITIONS), 0};
		roots[root_count++] = t->count++;
	}
	while (root_count > 1 || (t->count < NODES && !next(2))) {
		int at = (int)next((uint32_t)root_count);
		struct node n = {NOT, roots[at], 0};

		if (root_count > 1 && (t->count + root_count >= NODES || next(3))) {
			at = (int)next((uint32_t)root_count - 1);
			n = (struct node){next(2) ? AND : OR, roots[at], roots[at + 1]};
			memmove(&roots[at + 1], &roots[at + 2],
				sizeof(int) * (size_t)(root_count - at - 2));
			root_count--;
		}
		t->nodes[t->count] = n;
		roots[at] = t->count++;
	}
}

static bool means(const struct tree *t, int i, const struct row *r)
{
	const struct node *n = &t->nodes[i];

	switch (n->kind) {
	case NOT:
		return !means(t, n->a, r);
	case AND:
		return means(t, n->a, r) && means(t, n->b, r);
	case OR:
		return means(t, n->a, r) || means(t, n->b, r);
	default:
		return conditions[n->a].means(r);
	}
}

static const char *one_of(const char *a, const char *b, const char *c)
{
	const char *const words[] = {a, b, c};

	return words[next(3)];
}

/* With the parentheses that it needs, or with more of them. */
static void print(struct buf *b, const struct tree *t, int i, int outside, bool more)
{
	static const int binds[] = {[CONDITION] = 4, [NOT] = 3, [AND] = 2, [OR] = 1};
	const struct node *n = &t->nodes[i];
	bool paren = binds[n->kind] < outside || (more && next(2));

	buf_puts(b, paren ? one_of("(", "( ", " (") : "");
	switch (n->kind) {
	case NOT:
		buf_puts(b, one_of("not ", "NOT\t", "!"));
		print(b, t, n->a, 3, more);
		break;
	case AND:
	case OR:
		print(b, t, n->a, binds[n->kind], more);
		if (n->kind == AND)
			buf_puts(b, one_of(" and ", "&&", " AND "));
		else
			buf_puts(b, one_of(" or ", "||", " Or "));
		print(b, t, n->b, binds[n->kind], more);
		break;
	default:
		buf_puts(b, conditions[n->a].text);
	}
	buf_puts(b, paren ? one_of(")", " )", ") ") : "");
}

static void check(const struct tree *t, const struct model *m, bool more)
{
	struct filter_error e;
	struct filter *f;
	struct buf text = {0};

	print(&text, t, t->count - 1, 0, more);
	f = filter_new(text.data, NULL, &e);
	if (!f)
		fail_msg("`%s`: %s", text.data, e.message);
	for (int i = 0; i < ROWS; i++) {
		if (filter_match(f, &rows[i], m) != means(t, t->count - 1, &rows[i]))
			fail_msg("`%s` is wrong of row %d", text.data, i);
	}
	filter_free(f);
	buf_done(&text);
}

static void what_is_printed_means_the_tree(void **state)
{
	struct model *m = model_new(NULL);
	struct tree t;

	(void)state;
	for (int i = 0; i < EXPRESSIONS; i++) {
		if (i % 100 == 0)
			make_rows();
		grow(&t);
		check(&t, m, false);
		check(&t, m, true);
	}
	model_free(m);
}

/* ---- soup ---- */

static uint16_t no_service(const char *name)
{
	return name[0] == 'a' ? 1 : 0;
}

/* Words of the language, pieces of values and any bytes, without sense. */
static void cook(struct buf *b)
{
	static const char *const pieces[] = {
		"(",       ")",      "not",        "and",  "or",  "&&",   "||",    "!",
		"=",       "!=",     "<",          ">=",   "'",   "\"",   "\\",    "*",
		"?",       ":",      "[",          "]",    "/",   "-",    "80",    "1.5M",
		"::1",     "ab",     "10.0.0.0/8", "9999", "tcp", "ip6",  "port",  "src",
		"host",    "proc",   "user",       "rx",   "age", "role", "state", "pid",
		"service", "client", "listen",     "\t",   " ",
	};

	for (uint32_t n = next(24); n; n--) {
		if (next(8))
			buf_puts(b, pieces[next(sizeof(pieces) / sizeof(pieces[0]))]);
		else
			buf_putc(b, (char)(1 + next(255)));
		if (next(4))
			buf_putc(b, ' ');
	}
}

static void no_text_crashes(void **state)
{
	struct model *m = model_new(NULL);
	struct buf text = {0};
	int taken = 0;

	(void)state;
	make_rows();
	for (int i = 0; i < SOUPS; i++) {
		struct filter_error e;
		struct filter *f;

		buf_reset(&text);
		buf_puts(&text, "");
		cook(&text);
		f = filter_new(text.data, no_service, &e);
		if (!f) {
			assert_true(e.column >= 1 && e.offset <= text.len);
			assert_true(strlen(e.message) > 10);
			continue;
		}
		taken++;
		for (int k = 0; k < ROWS; k++)
			filter_match(f, &rows[k], m);
		filter_free(f);
	}
	assert_in_range(taken, SOUPS / 100, SOUPS);
	buf_done(&text);
	model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_printed_means_the_tree),
		cmocka_unit_test(no_text_crashes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
