/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which process is meant by who names it by something else than its pid. */
#ifndef PYLEAK_CLI_FIND_H
#define PYLEAK_CLI_FIND_H

#include "cli/opts.h"

/* Part of the commands' option structures. */
struct cli_find {
	const char *name, *container, *pod;
};

/* clang-format off */
/* Rows of their option tables; @at: offset of the struct cli_find. */
#define CLI_FIND_ROWS(at) \
	{0, OPT_STRING, "name", "REGEX", (at) + offsetof(struct cli_find, name), \
	 "in place of -p: the Python whose command line matches", 0, 0, NULL}, \
	{0, OPT_STRING, "container", "NAME", (at) + offsetof(struct cli_find, container), \
	 "the Python in this container: its name, or the beginning of its id", 0, 0, NULL}, \
	{0, OPT_STRING, "pod", "NS/NAME", (at) + offsetof(struct cli_find, pod), \
	 "the Python in this pod: namespace and name, name alone, or uid", 0, 0, NULL}
/* clang-format on */

/* The command line, for what may be typed in its place. */
struct cli_again {
	const struct opt *table;
	int argc;
	char **argv;
	const char *command; /* "census", "" */
	size_t max;	     /* processes at once */
	bool children;	     /* who descends from another match is found by that one */
};

/* The name of a Python program: "app.py". */
bool cli_find_is_script(const char *word);
/* Is a process to be found by what it is called? */
bool cli_find_is_wanted(const struct cli_find *f, const struct opt_pids *pids);
/* -EINVAL with the sentence for numbers and names at once. */
int cli_find_check(const struct cli_find *f, const struct opt_pids *pids);
/* Puts the one Python that fits into @pids, and its start into *start_ticks (0 where pids were
 * given as numbers). -ENOENT when none fits; where several do, they have been listed with what to
 * type. After the rights are given up. */
int cli_find(const struct cli_find *f, struct opt_pids *pids, const struct cli_again *again,
	     uint64_t *start_ticks);
/* Adds what the pid is, and which Pythons may have been meant, to the sentence of @err, where that
 * is about a pid without a Python. Returns @err. */
int cli_find_meant(int err, int pid);

#endif
