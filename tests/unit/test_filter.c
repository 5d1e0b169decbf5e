/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Expressions and the rows that they choose, by letter; and what is said of those that are wrong.
 */
#include "model_events.h"

#include "fixture.h"
#include "model/column.h"
#include "model/filter.h"

enum { ROWS = 10 };

static struct row rows[ROWS];

/* a nginx serves   b nginx listens   c curl asks   d postgres, closing   e resolver, UDP over IPv6
 * f ping   g packet socket   h the kernel's own   i a connect that failed   j an idle UDP socket */
static void make_rows(void)
{
	struct addr any = {.port = 0}, here = fixture_addr("10.0.0.1", 443);
	const struct {
		uint32_t pid, uid;
		const char *name;
		uint8_t role;
		struct addr local, peer;
	} made[ROWS] = {
		{100, 33, "nginx", ROLE_SERVER, here, fixture_addr("192.168.7.9", 51000)},
		{100, 0, "nginx", ROLE_LISTENER, fixture_addr(NULL, 443), any},
		{200, 1000, "curl", ROLE_CLIENT, fixture_addr("10.0.0.1", 40000),
		 fixture_addr("93.184.216.34", 80)},
		{300, 112, "postgres", ROLE_SERVER, fixture_addr("127.0.0.1", 5432),
		 fixture_addr("127.0.0.1", 40001)},
		{400, 4, "systemd-resolve", ROLE_CLIENT, fixture_addr("2001:db8::1", 5353),
		 fixture_addr("2001:db8::53", 53)},
		{500, 1000, "ping", ROLE_UNKNOWN, fixture_addr("0.0.0.0", 0),
		 fixture_addr("8.8.8.8", 0)},
		{600, 0, "my \"prog*", ROLE_UNKNOWN, any, any},
		{0, 0, "", ROLE_CLIENT, fixture_addr("10.0.0.1", 800),
		 fixture_addr("10.1.0.2", 2049)},
		{200, 1000, "curl", ROLE_CLIENT, fixture_addr("10.0.0.1", 0),
		 fixture_addr("10.9.9.9", 81)},
		{700, 1001, "idle", ROLE_UNKNOWN, fixture_addr(NULL, 8053), any},
	};
	static const uint8_t transports[ROWS] = {TRANSPORT_TCP,    TRANSPORT_TCP, TRANSPORT_TCP,
						 TRANSPORT_TCP,    TRANSPORT_UDP, TRANSPORT_ICMP,
						 TRANSPORT_PACKET, TRANSPORT_TCP, TRANSPORT_TCP,
						 TRANSPORT_UDP};
	static const uint8_t states[ROWS] = {STATE_ESTABLISHED, STATE_LISTEN,      STATE_FIN_WAIT1,
					     STATE_CLOSE_WAIT,  STATE_OPEN,        STATE_OPEN,
					     STATE_OPEN,        STATE_ESTABLISHED, STATE_CLOSE,
					     STATE_OPEN};

	for (int i = 0; i < ROWS; i++) {
		struct row *r = &rows[i];

		*r = (struct row){.table = TABLE_CONNECTIONS};
		r->proc = fixture_proc(made[i].pid, made[i].uid, made[i].name);
		r->flow = fixture_tcp((uint64_t)i + 1, made[i].role, made[i].local, made[i].peer);
		r->transport = r->flow.transport = transports[i];
		r->flow.state = states[i];
		r->flow.netns = i < 8 ? 4026531840 : 4026532000;
		r->flow.cgroup_id = 7000 + (uint64_t)i;
		r->count.first_ns = (uint64_t)(100 - 10 * i) * SECOND;
		r->count.tx_rate = 1000 * (uint64_t)i;
	}
	rows[4].flow.family = rows[9].flow.family = 6;
	rows[6].flow.family = 0;
	rows[7].proc.unattributed = UNATTRIBUTED_KERNEL;
	rows[8].count.failed = 1;
	rows[0].count.rx_rate = 1 << 20;
	rows[2].count.rx_rate = (1 << 20) + 1;
	rows[3].count.tx_total = 1536;
	rows[3].count.rx_total = 512;
}

static void name_user(struct model *m, uint32_t uid, const char *name)
{
	struct event ev = {.kind = EVENT_USER};

	ev.user.uid = uid;
	strcpy(ev.user.name, name);
	model_apply(m, &ev);
}

static int set_up(void **state)
{
	struct model *m = model_new(NULL);

	fixture_host(m);
	name_user(m, 112, "postgres");
	ticked(m, 100 * SECOND, SECOND);
	make_rows();
	*state = m;
	return 0;
}

static int tear_down(void **state)
{
	model_free(*state);
	return 0;
}

static uint16_t service(const char *name)
{
	return !strcmp(name, "https") ? 443 : !strcmp(name, "http-alt") ? 8080 : 0;
}

/* The letters of the rows that match. */
static void assert_chooses(const struct model *m, const char *text, const char *letters)
{
	struct filter_error e;
	struct filter *f = filter_new(text, service, &e);
	char chosen[ROWS + 1] = "";
	int n = 0;

	if (!f)
		fail_msg("`%s`: %s", text, e.message);
	assert_string_equal(filter_text(f), text);
	for (int i = 0; i < ROWS; i++) {
		if (filter_match(f, &rows[i], m))
			chosen[n++] = (char)('a' + i);
	}
	if (strcmp(chosen, letters) != 0)
		fail_msg("`%s` chooses %s, not %s", text, chosen, letters);
	filter_free(f);
}

struct choice {
	const char *text, *letters;
};

static void assert_choices(const struct model *m, const struct choice *c, size_t count)
{
	for (size_t i = 0; i < count; i++)
		assert_chooses(m, c[i].text, c[i].letters);
}

#define CHOICES(...)                                                                   \
	do {                                                                           \
		static const struct choice choices[] = {__VA_ARGS__};                  \
		assert_choices(*state, choices, sizeof(choices) / sizeof(choices[0])); \
	} while (0)

static void protocols_and_families(void **state)
{
	CHOICES({"tcp", "abcdhi"}, {"TCP", "abcdhi"}, {"udp", "ej"}, {"icmp", "f"}, {"packet", "g"},
		{"raw", ""}, {"sctp", ""}, {"mptcp", ""}, {"udplite", ""}, {"ip", "abcdfhi"},
		{"ipv4", "abcdfhi"}, {"ip6", "ej"}, {"not ip and not ip6", "g"},
		{"proto tcp", "abcdhi"}, {"proto != tcp", "efgj"}, {"transport UDP or icmp", "efj"},
		{"ip6 udp", "ej"}, {"ip tcp port 443", "ab"}, {"failed", "i"}, {"tcp failed", "i"});
}

static void ports(void **state)
{
	CHOICES({"port 443", "ab"}, {"port = 443", "ab"}, {"port=443", "ab"}, {"port :443", "ab"},
		{"port https", "ab"}, {"port == :https", "ab"}, {"port eq 443", "ab"},
		{"port http-alt", ""}, {"port 80 or 443", "abc"}, {"port 50-90", "cei"},
		{"portrange 443-444", "ab"}, {"port 8053-8053", "j"}, {"port < 100", "cei"},
		{"port <= 80", "ce"}, {"port > 50000", "a"}, {"port >= 51000", "a"},
		{"port gt 51000", ""}, {"port lt 54", "e"}, {"port != 443", "cdefghij"},
		{"not port 443", "cdefghij"}, {"port ne 443", "cdefghij"}, {"lport 443", "ab"},
		{"sport 443", "ab"}, {"local port 443", "ab"}, {"src port 443", "ab"},
		{"dport 443", ""}, {"rport 80", "c"}, {"dst port 80", "c"},
		{"remote port 80 or 53", "ce"}, {"peer port 80", "c"}, {"sport < 1024", "abh"},
		{"sport = :443", "ab"}, {"port 1-65535", "abcdehij"}, {"service 443", "ab"},
		{"service 80", "c"}, {"service 5432", "d"}, {"service 0", "fgj"},
		{"service https", "ab"}, {"service < 100", "cefgij"});
}

static void addresses(void **state)
{
	CHOICES({"host 10.0.0.1", "achi"}, {"host = 10.0.0.1", "achi"}, {"host 10.0.0.0/8", "achi"},
		{"net 10.0.0.0/8", "achi"}, {"net 10.1.0.0/16", "h"}, {"net 10.1.0.2/9", "achi"},
		{"src 10.0.0.1", "achi"}, {"local 10.0.0.1", "achi"}, {"dst 10.0.0.0/8", "hi"},
		{"remote 10.9.9.9", "i"}, {"peer 10.9.9.9", "i"}, {"src host 10.0.0.1", "achi"},
		{"dst net 10.0.0.0/8", "hi"}, {"src net 127.0.0.0/8", "d"},
		{"host 10.0.0.1 and 10.1.0.2", "h"}, {"host 8.8.8.8 or 127.0.0.1", "df"},
		{"host != 10.0.0.1", "bdefgj"}, {"dst 10.9.9.9:81", "i"}, {"dst 10.9.9.9:80", ""},
		{"dst 10.0.0.0/8:2049", "h"}, {"dst :80", "c"}, {"dst *:80", "c"},
		{"host :80-90", "ci"}, {"dst 93.184.216.34:80-90", "c"}, {"host 2001:db8::53", "e"},
		{"host 2001:DB8::/32", "e"}, {"net 2001:db8::/127", "e"},
		{"host 2001:db8::/128", ""}, {"dst [2001:db8::53]:53", "e"},
		{"dst [2001:db8::53]:54", ""}, {"dst [2001:db8::]/32:53", "e"},
		{"dst [2001:db8::/32]:53", "e"}, {"host ::ffff:10.0.0.1", "achi"},
		{"host [2001:db8::53]", "e"}, {"host 2001:db8::53/121", "e"},
		/* What is bound to any address, and a peer that there is not. */
		{"host 0.0.0.0", "bf"}, {"src 0.0.0.0", "bf"}, {"dst 0.0.0.0", ""}, {"src ::", "j"},
		{"host 0.0.0.0/0", "abcdfhi"}, {"dst 0.0.0.0/0", "acdfhi"}, {"host ::/0", "ej"},
		{"dst ::/0", "e"}, {"host ::/64", "j"}, {"host ::ffff:0:0/96", "abcdfhi"});
}

static void processes_and_users(void **state)
{
	CHOICES({"proc nginx", "ab"}, {"proc = nginx", "ab"}, {"process nginx", "ab"},
		{"name nginx", "ab"}, {"comm nginx", "ab"}, {"proc NGINX", ""}, {"proc ngin", ""},
		{"proc ngin*", "ab"}, {"proc *n?", "abf"}, {"proc ????", "cfij"},
		{"proc *", "abcdefghij"}, {"proc n*x", "ab"}, {"proc *n*i*", "ab"},
		{"proc *i*n*", "abf"}, {"proc c*r*u*l", ""}, {"proc c*l", "ci"},
		{"proc nginx or curl", "abci"}, {"proc != nginx", "cdefghij"},
		{"proc 'my \\\"prog\\*'", "g"}, {"proc \"my \\\"prog*\"", "g"},
		{"proc 'my \"prog\\?'", ""}, {"proc \"my*\"", "g"}, {"proc \"not\"", ""},
		{"proc tcp", ""}, {"proc nginx or 'tcp'", "ab"},
		/* A name of 15 bytes may have been cut by the kernel. */
		{"proc systemd-resolve", "e"}, {"proc systemd-resolved", "e"},
		{"proc systemd-resolves-all", "e"}, {"proc systemd-resolv", ""},
		{"proc systemd-*", "e"}, {"proc *resolved", ""}, {"proc [kernel]", "h"},
		{"proc '[*'", "h"}, {"pid 0", "h"}, {"pid 200", "ci"}, {"pid = 200", "ci"},
		{"pid 200 or 300", "cdi"}, {"pid 200-300", "cdi"}, {"pid >= 400", "efgj"},
		{"pid != 200", "abdefghj"}, {"user root", "bgh"}, {"user 0", "bgh"},
		{"uid 1000", "cfi"}, {"user www-data", "a"}, {"user www-*", "a"},
		{"user 33 or postgres", "ad"}, {"user nobody", ""}, {"user != root", "acdefij"},
		{"user *", "abcdfghi"});
}

static void states_and_roles(void **state)
{
	CHOICES({"state listen", "b"}, {"state listening", "b"}, {"state LISTEN", "b"},
		{"state established", "ah"}, {"state estab", "ah"}, {"state fin-wait-1", "c"},
		{"state fin_wait_1", "c"}, {"state close-wait", "d"}, {"state closed", "i"},
		{"state close", "i"}, {"state open", "efgj"}, {"state syn-recv", ""},
		{"state != open", "abcdhi"}, {"state listen or established", "abh"},
		{"role server", "ad"}, {"role listener", "b"}, {"role client", "cehi"},
		{"role unknown", "fgj"}, {"role server or listener", "abd"},
		{"netns 4026531840", "abcdefgh"}, {"netns != 4026531840", "ij"},
		{"netns 4026532000", "ij"}, {"cgroup 7003", "d"}, {"cgroup 7003 or 7004", "de"});
}

#define ID_A "aaaabbbbccccddddeeeeffff00001111222233334444555566667777aaaa8888"
#define ID_B "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* Those of b and g have no path. */
static void control_groups(void **state)
{
	static const char *const paths[ROWS] = {
		"/system.slice/nginx.service",
		NULL,
		"/system.slice/docker-" ID_A ".scope",
		"/system.slice/system-postgres.slice/postgres@15.service",
		"/kubepods.slice/kubepods-burstable.slice/cri-containerd-" ID_B ".scope",
		"/user.slice/user-1000.slice/user@1000.service/app.slice/ping.scope",
		NULL,
		"/",
		"/docker/" ID_B,
		"/lxc.payload.web1/system.slice/nginx.service",
	};

	for (uint64_t i = 0; i < ROWS; i++) {
		struct event ev = {.kind = EVENT_CGROUP, .cgroup = {7000 + i, paths[i]}};

		if (paths[i])
			model_apply(*state, &ev);
	}
	CHOICES({"cgroup 7003", "d"}, {"cgroup 7001 or 7004", "be"},
		{"cgroup /system.slice", "acd"}, {"cgroup /system.slice/", "acd"},
		{"cgroup /system.slice/nginx.service", "a"}, {"cgroup /system", ""},
		{"cgroup /", "acdefhij"}, {"cgroup */nginx.service", "aj"},
		{"cgroup != /system.slice", "befghij"}, {"cgroup '/docker/*'", "i"},
		{"unit nginx.service", "aj"}, {"unit nginx", "aj"}, {"unit ngin*", "aj"},
		{"unit NGINX", ""}, {"unit system.slice", "acdj"}, {"unit postgres@15", "d"},
		{"unit postgres@*", "d"}, {"unit ping.scope or user@1000", "f"}, {"unit ping", ""},
		{"unit docker", ""}, {"unit *.scope", "cef"}, {"unit lxc.payload.web1", ""},
		{"not unit nginx", "bcdefghi"}, {"container aaaabbbb", "c"}, {"container a", "c"},
		{"container " ID_A, "c"}, {"container " ID_A "0", ""}, {"container 0123", "ei"},
		{"container *cdef", "ei"}, {"container 1234", ""}, {"container web1", "j"},
		{"container web", ""}, {"container web?", "j"}, {"container *", "ceij"},
		{"container nginx", ""});
}

static void numbers_with_units(void **state)
{
	CHOICES({"rx > 1M", "c"}, {"rx >= 1M", "ac"}, {"rx = 1M", "a"}, {"rx = 1Mi/s", "a"},
		{"rx > 1024k", "c"}, {"rx gt 1MB/s", "c"}, {"rx < 1MiB", "bdefghij"},
		{"rx <= 1048576", "abdefghij"}, {"rx > 0.5M", "ac"}, {"rx = 1M-2M", "ac"},
		{"rx >= 1048576.5", "c"}, {"rx > 1048576.5", "c"}, {"rx < 1048576.5", "abdefghij"},
		{"rx <= 1048576.5", "abdefghij"}, {"rx = 1048576.5", ""},
		{"rx != 1048576.5", "abcdefghij"}, {"rx > 1", "ac"}, {"rx > 0", "ac"},
		{"rx < 0", ""}, {"rx >= 0", "abcdefghij"}, {"rx > 18446744073709551615", ""},
		{"rx <= 18446744073709551615", "abcdefghij"}, {"tx > 7k", "ij"},
		{"tx > 7000", "ij"}, {"tx>=7000", "hij"}, {"tx!=0", "bcdefghij"},
		{"txtotal = 1.5K", "d"}, {"rxtotal = 512", "d"}, {"total = 2K", "d"},
		{"total > 0", "d"}, {"rate > 1M", "c"}, {"rate >= 1M", "ac"}, {"age = 0", "a"},
		{"age < 11s", "ab"}, {"age <= 10", "ab"}, {"age > 1m", "hij"}, {"age > 1.5m", ""},
		{"age >= 1.5m", "j"}, {"age = 20s-40s", "cde"}, {"age < 1h", "abcdefghij"},
		{"age > 60000ms", "hij"}, {"age > 1d", ""},
		{"age > 60000000us and age < 80000000000ns", "h"});
}

static void precedence(void **state)
{
	CHOICES({"tcp and port 443 and not proc nginx", ""},
		{"tcp and port 80 and not proc nginx", "c"},
		{"host 10.0.0.0/8 or user postgres", "acdhi"}, {"udp or tcp and port 80", "cej"},
		{"(udp or tcp) and port 80", "c"}, {"port 80 and tcp or udp", "cej"},
		{"port 80 and (tcp or udp)", "c"}, {"not tcp and not udp", "fg"},
		{"not (tcp or udp)", "fg"}, {"not tcp or udp", "efgj"}, {"!tcp&&!udp", "fg"},
		{"! ( tcp || udp )", "fg"}, {"!(tcp|udp)", "fg"}, {"udp & port 53", "e"},
		{"NOT TCP AND NOT UDP", "fg"}, {"not not tcp", "abcdhi"},
		{"not not not tcp", "efgj"}, {"!!tcp", "abcdhi"},
		/* A word of the protocol and what is of it are one; so are values for one word. */
		{"not tcp port 443", "cdefghij"}, {"not tcp and port 443", ""},
		{"udp port 53 or tcp port 80", "ce"}, {"not port 443 or 80", "defghij"},
		{"not (port 443 or 80)", "defghij"}, {"tcp and port 53 or 80", "c"},
		{"tcp port 53 or 80", "c"}, {"tcp and port 53 or port 80", "c"},
		{"port 53 or 80 and tcp", "c"}, {"port 53 or port 80 and tcp", "ce"},
		{"not host 10.0.0.1 and 10.1.0.2", ""}, {"not port 443 and 80", "c"},
		{"port (443 or 80)", "abc"}, {"tcp port (53 or 80)", "c"},
		{"not port (443 or 80)", "defghij"},
		{"host 10.0.0.1 and (10.1.0.2 or 10.9.9.9)", "hi"},
		{"host = (10.1.0.2 or 10.9.9.9)", "hi"}, {"port 53 or proc nginx or curl", "abcei"},
		{"(port 53) or 80", "ce"}, {"((((tcp))))", "abcdhi"}, {"", "abcdefghij"},
		{" \t\n", "abcdefghij"});
}

static void errors_point_at_the_column(void **state)
{
	static const struct {
		const char *text;
		unsigned int column;
		const char *message;
	} wrong[] = {
		{"prot 80", 1, "unknown word \"prot\" at column 1, did you mean \"port\"?"},
		{"tcp prot 80", 5, "unknown word \"prot\" at column 5, did you mean \"port\"?"},
		{"port 80 adn tcp", 9, "unknown word \"adn\" at column 9, did you mean \"and\"?"},
		{"port 80 or prot 81", 12,
		 "unknown word \"prot\" at column 12, did you mean \"port\"?"},
		{"stat listen", 1, "did you mean \"state\"?"},
		{"HOTS 1.2.3.4", 1, "did you mean \"host\"?"},
		{"nginx", 1, "unknown word \"nginx\" at column 1, did you mean \"proc nginx\"?"},
		{"443", 1, "did you mean \"port 443\"?"},
		{"tcp and ::1", 9, "did you mean \"host ::1\"?"},
		{"\"a b\"", 1, "\"a b\" at column 1 needs a word before it"},
		{"port", 1, "\"port\" at column 1 needs a value behind it"},
		{"tcp and port", 9, "\"port\" at column 9 needs a value"},
		{"port and tcp", 1, "\"port\" at column 1 needs a value"},
		{"port =", 1, "needs a value behind it"},
		{"port != (80)", 1, "needs a value behind it"},
		{"src port", 1, "needs a value behind it"},
		{"port 0", 6, "\"0\" at column 6 is no port (1 to 65535"},
		{"port 65536", 6, "is no port"},
		{"port 9-8", 6, "is no port"},
		{"port 1-", 6, "is no port"},
		{"port -1", 6, "is no port"},
		{"port :", 6, "is no port"},
		{"port > 80-90", 8, "is no port"},
		{"port nosuch", 6, "is no port"},
		{"host ex.org", 6, "\"ex.org\" at column 6 is no address"},
		{"host 10.0.0.256", 6, "is no address"},
		{"host 10.0.0", 6, "is no address"},
		{"net 10.0.0.0/33", 5, "is no address"},
		{"net ::/129", 5, "is no address"},
		{"net 10.0.0.0/", 5, "is no address"},
		{"net 10.0.0.0/-1", 5, "is no address"},
		{"host [::1", 6, "is no address"},
		{"host [10.0.0.1]:80", 6, "is no address"},
		{"host [::1]x", 6, "is no address"},
		{"host ::1:80:", 6, "is no address"},
		{"host :", 6, "is no port"},
		{"host *", 6, "is no address"},
		{"dst 10.0.0.1:x", 5, "is no port"},
		{"host > 10.0.0.1", 6,
		 "\">\" at column 6 is not for \"host\", which takes = and !="},
		{"proc < x", 6, "is not for \"proc\""},
		{"role >= server", 6, "is not for \"role\""},
		{"role boss", 6,
		 "\"boss\" at column 6 is no role (client, server, listener, unknown)"},
		{"state foo", 7, "is no state (established,"},
		{"proto foo", 7, "is no protocol (tcp,"},
		{"proc ''", 6, "is no name"},
		{"user ''", 6, "is no name"},
		{"cgroup x", 8, "is no path from the root of the control groups"},
		{"cgroup ''", 8, "is no path"},
		{"unit ''", 6, "is no name"},
		{"container =", 1, "needs a value"},
		{"pid x", 5, "\"x\" at column 5 is no number"},
		{"pid 1.5", 5, "is no number"},
		{"pid 1k", 5, "is no number"},
		{"pid 18446744073709551616", 5, "is no number"},
		{"rx", 1, "\"rx\" at column 1 needs one of < <= > >= = !="},
		{"rx 5", 1, "needs one of"},
		{"rx >", 1, "needs a value"},
		{"rx > 1X", 6, "is no number of bytes a second"},
		{"rx > 1.", 6, "is no number"},
		{"rx > .5", 6, "is no number"},
		{"rx > -1", 6, "is no number"},
		{"rx > 1e3", 6, "is no number"},
		{"rx > 1,5", 6, "is no number"},
		{"rx > 1.0123456789", 6, "is no number"},
		{"rx > 99999999T", 6, "is no number"},
		{"total > 1M/s", 9, "is no number of bytes"},
		{"age > 5x", 7, "is no time"},
		{"rx > 1M-2M", 6, "is no number"},
		{"rx = 2M-1M", 6, "is no number"},
		{"port != 22 or 80", 15, "unknown word \"80\" at column 15"},
		{"rx > 1M or 2M", 12, "unknown word \"2M\" at column 12"},
		{"port 80 443", 9, "\"and\" or \"or\" is missing before \"443\" at column 9"},
		{"tcp udp", 5, "\"and\" or \"or\" is missing before \"udp\" at column 5"},
		{"tcp ip", 5, "is missing before \"ip\""},
		{"port 80 tcp", 9, "is missing before \"tcp\""},
		{"tcp not port 80", 5, "is missing before \"not\""},
		{"tcp (port 80)", 5, "is missing before \"(\""},
		{"tcp and", 8, "a condition is missing before the end at column 8"},
		{"tcp and ", 9, "before the end at column 9"},
		{"not", 4, "before the end at column 4"},
		{"and tcp", 1, "a condition is missing before \"and\" at column 1"},
		{"tcp or or udp", 8, "before \"or\" at column 8"},
		{"()", 2, "before \")\" at column 2"},
		{"(tcp or )", 9, "before \")\""},
		{"= 80", 1, "before \"=\""},
		{"tcp = 80", 5, "\"=\" at column 5 has nothing to compare before it"},
		{"(tcp", 1, "\"(\" at column 1 is not closed"},
		{"tcp or (udp and (ip)", 8, "is not closed"},
		{"tcp)", 4, "\")\" at column 4 closes nothing"},
		{"proc 'abc", 6, "the quote at column 6 is not closed"},
		{"tcp and \"a\\\"", 9, "the quote at column 9 is not closed"},
		/* Columns are characters, whatever their bytes. */
		{"proc \303\251\303\251 and port x", 18, "\"x\" at column 18 is no port"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		size_t more = strchr(wrong[i].text, '\303') ? 2 : 0; /* bytes than characters */
		struct filter_error e;

		if (filter_new(wrong[i].text, service, &e))
			fail_msg("`%s` is taken", wrong[i].text);
		if (!strstr(e.message, wrong[i].message))
			fail_msg("`%s`: `%s` does not say `%s`", wrong[i].text, e.message,
				 wrong[i].message);
		assert_true(e.offset <= strlen(wrong[i].text));
		assert_int_equal(e.column, wrong[i].column);
		assert_int_equal(e.offset, wrong[i].column - 1 + more);
	}
}

static void nothing_hostile_is_in_a_message(void **state)
{
	struct filter_error e;

	(void)state;
	assert_null(filter_new("\033[31mx\a", NULL, &e));
	assert_non_null(strstr(e.message, "\"\\x1b[31mx\\x07\" at column 1"));
	assert_null(filter_new("port \xff\xfe", NULL, &e));
	assert_non_null(strstr(e.message, "\"\\xff\\xfe\" at column 6"));
	assert_null(filter_new("host \xe2\x80\xae", NULL, &e));
	assert_non_null(strstr(e.message, "\"\\u{202e}\" at column 6"));
}

/* ---- bounds ---- */

static char *repeated(const char *first, const char *s, size_t times, const char *last)
{
	char *text = malloc(strlen(first) + strlen(s) * times + strlen(last) + 1), *at = text;

	at = stpcpy(at, first);
	while (times--)
		at = stpcpy(at, s);
	strcpy(at, last);
	return text;
}

static void assert_refused(char *text, unsigned int column, const char *message)
{
	struct filter_error e;

	assert_null(filter_new(text, NULL, &e));
	if (!strstr(e.message, message) || e.column != column)
		fail_msg("`%.20s...`: column %u, %s", text, e.column, e.message);
	free(text);
}

static void assert_taken(char *text)
{
	struct filter_error e;
	struct filter *f = filter_new(text, NULL, &e);

	if (!f)
		fail_msg("`%.20s...`: %s", text, e.message);
	filter_free(f);
	free(text);
}

static void what_is_too_much_is_refused(void **state)
{
	char nested[2 * FILTER_DEPTH + 4], *closed;

	(void)state;
	assert_refused(repeated("tcp", " ", 10000, ""), 1, "longer than 8192 bytes");
	assert_taken(repeated("tcp", " ", FILTER_LENGTH - 3, ""));
	assert_refused(repeated("", "(", 1000, "tcp"), 101, "is deeper than 100 others");
	memset(nested, '(', FILTER_DEPTH);
	memcpy(nested + FILTER_DEPTH, "tcp", 3);
	memset(nested + FILTER_DEPTH + 3, ')', FILTER_DEPTH);
	nested[2 * FILTER_DEPTH + 3] = '\0';
	assert_taken(strdup(nested));
	assert_taken(repeated("tcp", "||tcp", FILTER_TESTS - 1, ""));
	assert_refused(repeated("tcp", "||tcp", FILTER_TESTS, ""), 5 * FILTER_TESTS + 1,
		       "is beyond 1000 conditions");
	assert_taken(repeated("", "!", 8000, "tcp"));
	assert_taken(repeated("proc '", "*?", 4000, "'"));
	/* Every operator that can wait does so in every parenthesis. */
	closed = repeated("tcp", ")", FILTER_DEPTH, "");
	assert_taken(repeated("", "tcp or tcp and not tcp port 1 or 2 and tcp and (", FILTER_DEPTH,
			      closed));
	free(closed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(protocols_and_families, set_up, tear_down),
		cmocka_unit_test_setup_teardown(ports, set_up, tear_down),
		cmocka_unit_test_setup_teardown(addresses, set_up, tear_down),
		cmocka_unit_test_setup_teardown(processes_and_users, set_up, tear_down),
		cmocka_unit_test_setup_teardown(states_and_roles, set_up, tear_down),
		cmocka_unit_test_setup_teardown(control_groups, set_up, tear_down),
		cmocka_unit_test_setup_teardown(numbers_with_units, set_up, tear_down),
		cmocka_unit_test_setup_teardown(precedence, set_up, tear_down),
		cmocka_unit_test(errors_point_at_the_column),
		cmocka_unit_test(nothing_hostile_is_in_a_message),
		cmocka_unit_test(what_is_too_much_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
