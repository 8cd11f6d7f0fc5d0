/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a command looks into: a running process, a snapshot, or a core file. */
#ifndef PYLEAK_CLI_SOURCE_H
#define PYLEAK_CLI_SOURCE_H

#include "cli/opts.h"
#include "heap/heap.h"

/* Part of the commands' option structures. */
struct cli_source_opts {
	struct opt_pids pids;
	const char *from, *core, *sysroot;
};

/* Rows of their option tables; @type: the structure, which has a member `source`. */
#define CLI_SOURCE_ROW(type, field) \
	(offsetof(type, source) + offsetof(struct cli_source_opts, field))
#define CLI_SOURCE_ROWS(type)                                                                  \
	{'p', OPT_PIDS, "pid", "PID", CLI_SOURCE_ROW(type, pids), "process to look into",      \
	 0,   0,	NULL},                                                                 \
		{0,                                                                            \
		 OPT_STRING,                                                                   \
		 "from",                                                                       \
		 "FILE",                                                                       \
		 CLI_SOURCE_ROW(type, from),                                                   \
		 "a snapshot instead of a process (see census --save)",                        \
		 0,                                                                            \
		 0,                                                                            \
		 NULL},                                                                        \
		{0,                                                                            \
		 OPT_STRING,                                                                   \
		 "core",                                                                       \
		 "FILE",                                                                       \
		 CLI_SOURCE_ROW(type, core),                                                   \
		 "an ELF core file instead of a process (gcore, coredumpctl dump)",            \
		 0,                                                                            \
		 0,                                                                            \
		 NULL},                                                                        \
	{                                                                                      \
		0, OPT_STRING, "sysroot", "DIR", CLI_SOURCE_ROW(type, sysroot),                \
			"with --core: look for the program and its libraries below DIR", 0, 0, \
			NULL                                                                   \
	}

struct cli_source {
	struct proc *proc;
	struct py_runtime *rt;
	struct heap *heap;
	bool live;
};

/* -EINVAL with the sentence unless exactly one of -p, --from and --core is given. */
int cli_source_check(const struct cli_source_opts *o);
int cli_source_open(const struct cli_source_opts *o, struct cli_source *out);
void cli_source_close(struct cli_source *s);
/* Writes a snapshot; says what was saved on @say, when it is not NULL. */
int cli_source_save(struct cli_source *s, const char *path, FILE *say);

#endif
