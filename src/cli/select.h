/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Options that select processes of the host, for sweep and serve. For the main thread. */
#ifndef PYLEAK_CLI_SELECT_H
#define PYLEAK_CLI_SELECT_H

#include "cli/opts.h"
#include "sweep/sweep.h"

/* A part of the commands' option structures, as `select`; NULL or 0 = not given. */
struct cli_select {
	const char *name, *user, *cgroup, *container, *pod;
	double min_age_s, overhead_pct;
	uint64_t min_rss;
	regex_t regex; /* of name */
};

#define CLI_SELECT_DEFAULTS       \
	{                         \
		.overhead_pct = 3 \
	}

/* clang-format off */
#define CLI_SELECT_ROW(type, field) (offsetof(type, select) + offsetof(struct cli_select, field))
/* Rows of the commands' option tables. */
#define CLI_SELECT_ROWS(type) \
	{0, OPT_STRING, "name", "REGEX", CLI_SELECT_ROW(type, name), \
	 "only whose command line matches", 0, 0, NULL}, \
	{0, OPT_STRING, "user", "USER", CLI_SELECT_ROW(type, user), \
	 "only of this user, by name or number", 0, 0, NULL}, \
	{0, OPT_STRING, "container", "NAME", CLI_SELECT_ROW(type, container), \
	 "only in this container: its name, or the beginning of its id", 0, 0, NULL}, \
	{0, OPT_STRING, "pod", "NS/NAME", CLI_SELECT_ROW(type, pod), \
	 "only in this pod: namespace and name, name alone, or uid", 0, 0, NULL}, \
	{0, OPT_STRING, "cgroup", "PART", CLI_SELECT_ROW(type, cgroup), \
	 "only whose cgroup's path has this in it, as the name of a unit", 0, 0, NULL}, \
	{0, OPT_NUMBER, "min-age", "SEC", CLI_SELECT_ROW(type, min_age_s), \
	 "only what has run for so long", 0, 31536000, NULL}, \
	{0, OPT_SIZE, "min-rss", "BYTES", CLI_SELECT_ROW(type, min_rss), \
	 "only what is so large; k, M and G", 0, 0, NULL}, \
	{0, OPT_NUMBER, "overhead", "PCT", CLI_SELECT_ROW(type, overhead_pct), \
	 "what probes may cost a suspect, in percent of its CPU time (default 3), or up to 0.8 % of a core", 0.1, 50, NULL}
/* clang-format on */

/* Makes @out, which points into @c. -EINVAL with the sentence. */
int cli_select_parse(struct cli_select *c, struct sweep_opts *out);
void cli_select_free(struct cli_select *c);
/* Raises the limit of descriptors, because each process costs two or three. */
void cli_select_raise_limit(void);

#endif
