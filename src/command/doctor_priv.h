/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The findings of `doctor`: a row for each question, gathered first and printed after. */
#ifndef PYLEAK_COMMAND_DOCTOR_PRIV_H
#define PYLEAK_COMMAND_DOCTOR_PRIV_H

#include "base/base.h"
#include "probe/probe.h"

#define DOCTOR_DANGERS 128

enum doctor_state {
	DOCTOR_OK,
	DOCTOR_NOTE, /* a watch works, but tells less or costs more */
	DOCTOR_NO,   /* a watch is not possible like this */
};

struct doctor_row {
	enum doctor_state state;
	const char *what; /* the question; a constant, not freed */
	char *found, *remedy;
};

struct doctor {
	VEC(struct doctor_row) row;
	size_t told; /* rows that are printed */
	bool want_json, no_color;
	bool out_of_memory;
	int write_err; /* of standard output, as a negative errno; nothing is printed after it */
};

/* Adds a row; a remedy goes to the last row, once. .out_of_memory tells that a text is missing. */
void doctor_add(struct doctor *d, enum doctor_state state, const char *what, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void doctor_remedy(struct doctor *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Prints the rows so far, but for JSON: what follows may take long, or be ended by Ctrl-C. */
void doctor_tell(struct doctor *d);

/* doctor_host.c: adds rows on the kernel, our rights, and the ways to probe. */
void doctor_host(struct doctor *d);
/* Names the dangers that a kernel of this name (uname -r) has beside those of every kernel, where
 * probes go by @m, as the table of docs/KERNEL-HAZARDS.md does, in DOCTOR_DANGERS bytes. True: from
 * some of them the tool cannot keep clear. */
bool doctor_dangers(const char *release, enum probe_mechanism m, char *text, size_t size);
/* doctor_target.c: adds rows on a process, without its arguments and environment. */
void doctor_target(struct doctor *d, int pid);

#endif
