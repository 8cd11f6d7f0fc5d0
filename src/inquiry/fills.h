/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A container that the survivors of a site hang on: has it a bound, is it still being filled? */
#ifndef PYLEAK_INQUIRY_FILLS_H
#define PYLEAK_INQUIRY_FILLS_H

#include "judge/holder_fact.h"
#include "py/py.h"
#include "why/why.h"

/* Growth in steps, as of a list that each collection fills, stands still between them. */
struct fill_steps {
	uint64_t addr, grew_ns; /* of which container, and when it last grew */
	uint64_t type;		/* of what lies there; 0 = not looked at yet */
	uint64_t longest_ns; /* that it stood still, and then had as much more as came meanwhile */
	bool is_still;	     /* when it was last read, it had not grown */
};

/* The container of step @i of a path. What is known of it stays when it is the same as before.
 * @bounds: may a bound of it say anything? */
void fill_found(struct fill *f, const struct why_path *p, size_t i, bool bounds, uint64_t now_ns);
/* Reads its length again; @rt: NULL when the process is gone. */
void fill_look(struct fill *f, struct fill_steps *steps, const struct py_runtime *rt,
	       uint64_t now_ns);
/* Pure: it has @n entries now; UINT64_MAX: it is gone. */
void fill_read(struct fill *f, struct fill_steps *steps, uint64_t n, uint64_t now_ns);
/* It had @n entries when it was read at f->last_ns. */
void fill_moved(struct fill *f, struct fill_steps *steps, uint64_t n);
/* Its length on @p as it was last read, and how it grew since it was first. */
int fill_tell(const struct fill *f, struct why_path *p);

/* Are the @entries as new as what is in them? @seen were seen to be born: no window sees all. */
bool fill_has_new_entries(size_t entries, size_t seen);
/* Have the @n the same size, by birth? A store whose entries are each replaced by a bigger one does
 * grow. */
bool fill_keeps_size(const double *born_s, const double *bytes, size_t n);

#endif
