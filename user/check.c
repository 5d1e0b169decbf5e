/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "check.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "capture/live.h"
#include "capture/source.h"
#include "opts.h"
#include "report.h"
#include "util/buf.h"

enum { NARROWEST = 20 };

static int width_of_stdout(void)
{
	struct winsize size = {0};

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_col)
		return REPORT_WIDTH;
	return size.ws_col < NARROWEST ? NARROWEST : size.ws_col;
}

/* What a kernel says that it has is one thing, that it takes our programs another. */
static void try_programs(struct report *r, const char *way)
{
	struct live_options options = {.way = way};
	struct source *source = NULL;

	if (live_open(&source, &options, r->refusal))
		return;
	r->refusal[0] = '\0';
	source->ops->close(source);
}

int check_run(const struct opts *opts)
{
	struct report r = {.library = live_library_version()};
	struct buf b = {0};
	int status, err;

	kcaps_probe(&r.caps);
	kcaps_ask_kprobes(&r.caps);
	if (opts->hooks)
		kcaps_limit(&r.caps, opts->hooks);
	report_judge(&r);
	if (!r.refusal[0])
		try_programs(&r, opts->hooks);
	r.exact &= !r.refusal[0];
	if (opts->format)
		report_json(&r, &b);
	else
		report_text(&r, &b, width_of_stdout());
	status = r.refusal[0] ? EXIT_PERMISSION : r.exact ? EXIT_OK : EXIT_RUN;
	err = buf_write(&b, STDOUT_FILENO);
	if (err) {
		fprintf(stderr, "sockwatch: cannot write to stdout: %s\n", strerror(-err));
		status = EXIT_RUN;
	}
	buf_done(&b);
	kcaps_done(&r.caps);
	return status;
}
