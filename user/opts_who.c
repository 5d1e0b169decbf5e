/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "opts_who.h"

#include "opts.h"

enum { OPT_BIND = 0x200, OPT_NETNS, OPT_REUSEADDR, OPT_REUSEPORT, OPT_V6ONLY, OPT_WATCH };

static const struct argp_option table[] = {
	{"quiet", 'q', NULL, 0, "who: only the numbers of the processes", 0},
	{"bind", OPT_BIND, "ADDR:PORT", 0,
	 "who: whether bind would succeed, and what is in its way; PROTO/ may stand before it", 0},
	{"netns", OPT_NETNS, "NAME|PID", 0, "who --bind: in that network namespace", 0},
	{"reuseaddr", OPT_REUSEADDR, NULL, 0, "who --bind: with SO_REUSEADDR", 0},
	{"reuseport", OPT_REUSEPORT, NULL, 0, "who --bind: with SO_REUSEPORT", 0},
	{"v6only", OPT_V6ONLY, NULL, 0, "who --bind: with IPV6_V6ONLY", 0},
	{"watch", OPT_WATCH, NULL, 0, "who: follow what happens to these ports, until interrupted",
	 0},
	{0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct who_opts *who = state->input;

	switch (key) {
	case 'q':
		who->quiet = true;
		break;
	case OPT_BIND:
		who->bind = arg;
		break;
	case OPT_WATCH:
		who->watch = true;
		break;
	case OPT_NETNS:
		who->netns = arg;
		break;
	case OPT_REUSEADDR:
		who->reuseaddr = true;
		break;
	case OPT_REUSEPORT:
		who->reuseport = true;
		break;
	case OPT_V6ONLY:
		who->v6only = true;
		break;
	case ARGP_KEY_END:
		if (who->bind && who->word_count)
			argp_error(state, "--bind asks for one address alone");
		if (!who->bind && (who->netns || who->reuseaddr || who->reuseport || who->v6only))
			argp_error(state, "%s goes with --bind",
				   who->netns       ? "--netns"
				   : who->reuseaddr ? "--reuseaddr"
				   : who->reuseport ? "--reuseport"
						    : "--v6only");
		if (who->watch && (who->bind || who->quiet || !who->word_count))
			argp_error(state, "--watch takes ports, and neither --bind nor --quiet");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	who->given = true;
	return 0;
}

const struct argp opts_who_argp = {table, parse_option, NULL, NULL, NULL, NULL, NULL};
