/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The places of lines (report/place.h), from source files as the target itself could read them. A
 * file that has changed since the process was started is not what runs there: then, and where there
 * is none, the place is the offset within the function. Each line is looked up once, so that its
 * place stays what it was. */
#ifndef PYLEAK_LINES_H
#define PYLEAK_LINES_H

#include "base/map64.h"
#include "proc/proc.h"
#include "py/py.h"

struct lines {
	struct map64 place; /* of function, file and line */
	uint64_t read_bytes;
	double started_at; /* lines_started_at(); 0 = not asked yet */
};

/* When the program that the process runs was started, by the clock on the wall. Reads /proc. */
double lines_started_at(const struct proc *p);
/* Is the file older than that? Of one that is not, the lines may be others than those that run. */
bool lines_are_of(double started_at, int fd);

void lines_free(struct lines *l);
uint32_t lines_place(struct lines *l, const struct proc *p, const struct py_code *c, int line);

#endif
