/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Opens the source that a command reads: a running process, a snapshot or a core file. For the main
 * thread; functions return 0 or a negative errno with the sentence. */
#ifndef PYLEAK_CLI_SOURCE_H
#define PYLEAK_CLI_SOURCE_H

#include "cli/find.h"
#include "cli/opts.h"
#include "cli/outputs.h"
#include "cli/progress.h"
#include "confine/confine.h"
#include "py/py.h"

/* A part of the commands' option structures. */
struct cli_source_opts {
	struct opt_pids pids;
	struct cli_find find; /* in place of pids */
	uint64_t start_ticks; /* of the process that was found; 0 = pids were given */
	const char *from, *core, *sysroot;
	bool no_sandbox, swapped;
};

/* Rows of the commands' option tables; @at: offset of the struct cli_source_opts. */
#define CLI_SOURCE_FILE(at, field, name, arg, help)                                                \
	{                                                                                          \
		0, OPT_STRING, name, arg, (at) + offsetof(struct cli_source_opts, field), help, 0, \
			0, NULL                                                                    \
	}
#define CLI_SOURCE_SWAPPED(at)                                                                   \
	{                                                                                        \
		0, OPT_FLAG, "swapped", NULL, (at) + offsetof(struct cli_source_opts, swapped),  \
			"read also what is swapped out, which brings it back into memory", 0, 0, \
			NULL                                                                     \
	}
#define CLI_SOURCE_FILES(at)                                                          \
	CLI_SOURCE_FILE(at, from, "from", "FILE",                                     \
			"a snapshot instead of a process: what census --save wrote"), \
		CLI_SOURCE_CORE(at)
#define CLI_SOURCE_CORE(at)                                                                 \
	CLI_SOURCE_FILE(at, core, "core", "FILE",                                           \
			"an ELF core file instead of a process (gcore, coredumpctl dump)"), \
		CLI_SOURCE_FILE(at, sysroot, "sysroot", "DIR",                              \
				"with --core: look for the program and its libraries below DIR")

struct cli_source {
	struct proc *proc;
	struct py_runtime *rt;
};

/* -EINVAL with the sentence unless exactly one of -p, --from and --core is given, with at most @max
 * processes. */
int cli_source_check(const struct cli_source_opts *o, size_t max);
/* Writes how a command is told of the same source: "-p 1234", "--from app.snap". */
const char *cli_source_words(const struct cli_source_opts *o, char *buf, size_t size);
/* Prepares to write @paths (as outputs_open()), and gives up the rights that reading does not need.
 * Call it before the first look at a process or a file. */
int cli_source_confine(const struct cli_source_opts *o, struct outputs *outputs,
		       const char *const *paths, size_t n);
/* Finds the process that was named by something else than its pid. Call it after
 * cli_source_confine(). */
int cli_source_find(struct cli_source_opts *o, const struct cli_again *again);
/* Opens the @i'th process, or the file. */
int cli_source_open(const struct cli_source_opts *o, size_t i, struct cli_source *out);
void cli_source_close(struct cli_source *s);
/* Writes a snapshot and shows how far it is; says on @say what was saved, unless it is NULL. */
int cli_source_save(struct cli_source *s, const struct outputs *o, const char *path,
		    struct progress *progress, FILE *say);

#endif
