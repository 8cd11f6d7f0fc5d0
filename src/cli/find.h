/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds the process that the user names by something else than its pid. For the main thread. */
#ifndef PYLEAK_CLI_FIND_H
#define PYLEAK_CLI_FIND_H

#include "cli/opts.h"

/* A part of the commands' option structures; NULL = not given. */
struct cli_find {
	const char *name, *container, *pod;
};

/* clang-format off */
/* Rows of the commands' option tables; @at: offset of the struct cli_find. */
#define CLI_FIND_ROWS(at) \
	{0, OPT_STRING, "name", "REGEX", (at) + offsetof(struct cli_find, name), \
	 "in place of -p: the Python whose command line matches", 0, 0, NULL}, \
	{0, OPT_STRING, "container", "NAME", (at) + offsetof(struct cli_find, container), \
	 "the Python in this container: its name, or the beginning of its id", 0, 0, NULL}, \
	{0, OPT_STRING, "pod", "NS/NAME", (at) + offsetof(struct cli_find, pod), \
	 "the Python in this pod: namespace and name, name alone, or uid", 0, 0, NULL}
/* clang-format on */

/* The command line, to print what may be typed in its place. */
struct cli_again {
	const struct opt *table;
	int argc;
	char **argv;
	const char *command; /* "census"; "" for a watch */
	size_t max;	     /* processes that the command takes at once */
	bool children;	     /* children are followed: matches below another match are left out */
};

/* Is @word the name of a Python program, "app.py"? */
bool cli_find_is_script(const char *word);
/* Is a process to be found by name, container or pod? */
bool cli_find_is_wanted(const struct cli_find *f, const struct opt_pids *pids);
/* Checks the options. -EINVAL with the sentence: pids and names were given, or an empty name, or a
 * wrong pattern. */
int cli_find_check(const struct cli_find *f, const struct opt_pids *pids);
/* Finds the only Python that fits: its pid goes into @pids and its start into *@start_ticks (0
 * where pids were given). Call it after the rights are given up. -ENOENT: none fits. -EEXIST:
 * several do; they have been listed with the lines to type. */
int cli_find(const struct cli_find *f, struct opt_pids *pids, const struct cli_again *again,
	     uint64_t *start_ticks);
/* Adds to the sentence of @err, when that is about a pid without a Python, what the pid is and
 * which Pythons may have been meant. Returns @err. */
int cli_find_meant(int err, int pid);

#endif
