/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The findings of `doctor`: one row a question, gathered first and printed after. */
#ifndef PYLEAK_COMMAND_DOCTOR_PRIV_H
#define PYLEAK_COMMAND_DOCTOR_PRIV_H

#include "base/base.h"

enum doctor_state {
	DOCTOR_OK,
	DOCTOR_NOTE, /* works, with less, or costs more */
	DOCTOR_NO,   /* the job cannot be done like this */
};

struct doctor_row {
	enum doctor_state state;
	const char *what; /* a constant */
	char *found, *remedy;
};

struct doctor {
	VEC(struct doctor_row) row;
	bool out_of_memory;
};

/* Add a row; the remedy is added to the last one. Text that cannot be kept is a failure of the
 * whole. */
void doctor_add(struct doctor *d, enum doctor_state state, const char *what, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void doctor_remedy(struct doctor *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* doctor_host.c: the kernel, our rights, the ways to probe. */
void doctor_host(struct doctor *d);
/* doctor_target.c: the process. Tells nothing of its arguments or environment. */
void doctor_target(struct doctor *d, int pid);

#endif
