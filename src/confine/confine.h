/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The rights that we take from ourselves before the first look at a process: whoever owns a target
 * writes what we parse, and a hole in a parser must not be a way to root. */
#ifndef PYLEAK_CONFINE_CONFINE_H
#define PYLEAK_CONFINE_CONFINE_H

#include "base/base.h"

#define CLI_NO_SANDBOX_HELP "keep all rights and install no system call filter, for debugging"

/* The work of a process, and so which system calls it may make. */
enum filter_kind {
	FILTER_READS,	/* census, why, merge, doctor: no probes, no BPF */
	FILTER_WATCHES, /* watch, sweep */
	FILTER_SERVES,
	FILTER_PLACES, /* not the tool itself: the guardian of probes, probe/guard.h */
	FILTER_KEEPS,  /* nor this: keeper.h */
	FILTER_ASKS,   /* nor this: sym_servers_start() */
	FILTER_TRIES,  /* nor this: storage_asker_start() */
	FILTER_PAINTS, /* nor this: screen/terminal.h */
};

struct confine_opts {
	bool is_off; /* --no-sandbox */
	enum filter_kind kind;
	bool only_files; /* no look at any process */
	bool paints;	 /* has a screen: may set its terminal */
};

/* No new privileges, no capability but those of the work, no system call that it does not need; for
 * good, for all threads that start from now on. Hooks and listening sockets come before. */
int confine(const struct confine_opts *o);
/* The process that holds the probes. */
int confine_guardian(void);
/* The process that writes files (outputs.h). */
int confine_keeper(void);
/* The process that talks to debuginfod servers. */
int confine_asker(void);
/* The process that asks storage whether it answers. */
int confine_storage_asker(void);
/* The process that puts the terminal right. */
int confine_painter(void);

/* landlock.c: nothing but reading files from now on; false where the kernel cannot. */
bool landlock_files_only(void);
/* filter.c: what is not on the list ends the process, with a line on standard error. */
int filter_install(enum filter_kind kind);
/* The same for who may set its terminal. */
int filter_install_painting(enum filter_kind kind);

#endif
