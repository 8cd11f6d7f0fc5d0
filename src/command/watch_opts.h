/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads the command line of `watch`. */
#ifndef PYLEAK_COMMAND_WATCH_OPTS_H
#define PYLEAK_COMMAND_WATCH_OPTS_H

#include "cli/find.h"
#include "cli/opts.h"
#include "cli/outputs.h"

struct watch_opts {
	struct opt_pids pids;
	struct cli_find find; /* finds processes, instead of .pids */
	struct cli_again again;
	char **command;		       /* CMD to start, instead of .pids; ends with NULL */
	double interval_s, duration_s; /* duration 0 = until stopped */
	double wait_s;
	uint32_t top, older_ms;
	uint64_t min_size, max_size;
	const char *mode; /* NULL = not given: auto */
	double overhead_pct, max_pause_ms;
	struct outputs_files files;
	const char *record, *from;
	double at_s; /* NAN = the last moment */
	struct opt_strings alerts;
	const char *alert_log, *alert_hook, *fail_on, *baseline;
	int verbose;
	bool fds, no_fds, want_native, no_native, children;
	bool no_tui, tui; /* no full-screen view; the view of --from */
	bool is_quiet, no_color, no_sandbox, want_help, want_version;
};

/* Takes the defaults, then the command line. -EINVAL with a sentence for bad usage. */
int watch_opts_parse(int argc, char **argv, struct watch_opts *out);
void watch_opts_help(FILE *f);

#endif
