/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How a command ends, and what must hold before it begins. */
#ifndef PYLEAK_CLI_H
#define PYLEAK_CLI_H

#include "base/base.h"

/* A promise to scripts. */
enum cli_exit {
	CLI_DONE = 0,
	CLI_FAILED = 1,	       /* one line on standard error says what and what to do */
	CLI_USAGE = 2,	       /* bad command line */
	CLI_LEAK = 3,	       /* --fail-on leak, and one was found */
	CLI_INTERRUPTED = 130, /* Ctrl-C before anything could be reported */
};

/* Print the sentence of the last failure as the one line it is; returns @code. */
int cli_complain(int code);
/* Several things are done each for its own: all that fail are said, the first at last, by
 * cli_complain(). */
struct cli_failures {
	int err; /* the first one's */
	char why[512];
};
void cli_note(struct cli_failures *f, int err);
/* 0, or the first with its sentence. */
int cli_noted(const struct cli_failures *f);
/* Before there was anything to report: says so. */
int cli_interrupted(void);
/* Is the error of a write to standard output that the reader left: a closed pipe, a terminal that
 * hung up? No fault, and nobody to tell. */
bool cli_reader_left(int err);

/* Every command asks this before anything else. Fails with the sentence. */
int cli_check_stack(void);
/* Checks what this user and kernel must allow before anything is tried. Fails with the sentence. */
int cli_preflight(void);
/* Its two halves. */
int cli_check_caps(void);
int cli_check_btf(void);
/* The memory of a process is a file of its user's: CAP_SYS_PTRACE alone does not open it. */
bool cli_may_read_others(void);

/* The process that holds the probes, which Ctrl-Z alarms: before any thread, and while we have all
 * rights. */
struct probe_guard;
int cli_guard_start(bool no_sandbox, struct probe_guard **out);
void cli_guard_stop(struct probe_guard *g); /* NULL is fine */
/* The processes that ask others for us: debuginfod servers, storage. After the guard, which asks
 * nobody, and before confine(). */
int cli_helpers_start(bool no_sandbox);
void cli_helpers_stop(void);

#endif
