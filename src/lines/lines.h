/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds the places of lines (report/place.h) from source files, as the target itself could read
 * them. If a file may have changed since the program was started, what runs may be older: then, and
 * where there is no file, the place is the offset within the function. Each line is looked up once,
 * so that its place never changes. Not thread-safe. */
#ifndef PYLEAK_LINES_H
#define PYLEAK_LINES_H

#include "base/map64.h"
#include "proc/proc.h"
#include "py/py.h"

struct lines {
	struct map64 place;  /* hash of function, file and line -> place */
	uint64_t read_bytes; /* bytes of source so far, which are limited */
	double started_at;   /* lines_started_at() */
};

/* When the program that the process runs was started, as wall_clock() counts. Reads /proc, so the
 * process is asked while it lives: one that has ended has no parent to be followed to. */
double lines_started_at(const struct proc *p);
/* Are the lines that run those of the file? */
enum lines_of {
	LINES_OF_IT,
	LINES_OF_ANOTHER, /* written or made since the program was started */
	/* Only its inode has changed: another was put there with its times (cp -p, rsync -t), or it
	 * has other rights, another name or a hard link. */
	LINES_MAYBE_OF_IT,
};
enum lines_of lines_are_of(double started_at, int fd);

void lines_free(struct lines *l);
/* The place of @line of @c; 0: @c is NULL. */
uint32_t lines_place(struct lines *l, const struct proc *p, const struct py_code *c, int line);

#endif
