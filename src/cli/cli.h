/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How a command ends, and what must hold before it begins. For the main thread; functions return 0
 * or a negative errno with the sentence unless noted. */
#ifndef PYLEAK_CLI_H
#define PYLEAK_CLI_H

#include "base/base.h"

/* Exit codes. Scripts rely on them. */
enum cli_exit {
	CLI_DONE = 0,
	CLI_FAILED = 1,	       /* a line on standard error gives the cause and the remedy */
	CLI_USAGE = 2,	       /* the command line is wrong */
	CLI_LEAK = 3,	       /* --fail-on leak was given, and a leak was found */
	CLI_INTERRUPTED = 130, /* Ctrl-C came before there was anything to report */
};

/* Prints the sentence of the last failure as one line; returns @code. */
int cli_complain(int code);
/* Errors of several tasks that do not depend on each other. Each one is told: the first at the end,
 * by cli_complain(), the others at once. */
struct cli_failures {
	int err;       /* of the first error; 0 = none */
	char why[512]; /* its sentence */
};
/* Notes @err, whose sentence is the last one; 0 is no error. */
void cli_note(struct cli_failures *f, int err);
/* Returns 0, or the first error with its sentence. */
int cli_noted(const struct cli_failures *f);
/* Says that the command was interrupted before there was a report. Returns the exit code. */
int cli_interrupted(void);
/* Is @err, of a write to standard output, that the reader left: a closed pipe, a terminal that hung
 * up? That is no failure, and there is nobody to tell. */
bool cli_reader_left(int err);

/* Checks that the stack may grow, and lets it grow. Every command calls this first. */
int cli_check_stack(void);
/* Checks, before anything is tried, that this user and this kernel allow what is needed. */
int cli_preflight(void);
/* The three checks of cli_preflight(): the kernel's version, capabilities and BTF. */
int cli_check_kernel(void);
int cli_check_caps(void);
int cli_check_btf(void);
/* May we read the memory of other users' processes? It is a file of their user's, and
 * CAP_SYS_PTRACE alone does not open it. */
bool cli_may_read_others(void);

/* Joins the other copies of the tool on this host (host.h), which are found by tracefs alone:
 * mounts it first where it is not mounted. No error where that is refused. For a command that reads
 * processes, before there are threads or children, and while we have all rights. */
int cli_host_join(void);
/* Starts the process that holds the probes, which Ctrl-Z alarms. Call it before there are threads,
 * and while we have all rights. */
struct probe_guard;
int cli_guard_start(bool no_sandbox, struct probe_guard **out);
void cli_guard_stop(struct probe_guard *g); /* NULL is fine */
/* Starts the processes that ask debuginfod servers and storage for us. Call it after
 * cli_guard_start(), whose process asks nobody, and before confine(). */
int cli_helpers_start(bool no_sandbox);
/* Says, once, that the process that asks storage has ended. For a command that goes on without. */
void cli_helpers_tell(void);
void cli_helpers_stop(void);

#endif
