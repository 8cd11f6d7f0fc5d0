/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Follows a container that the survivors of a site are in: has it a bound, and is it still being
 * filled? */
#ifndef PYLEAK_INQUIRY_FILLS_H
#define PYLEAK_INQUIRY_FILLS_H

#include "evidence/holder_fact.h"
#include "py/py.h"
#include "why/why.h"

/* The steps of a container that stands still in between, like a list that each collection fills. */
struct fill_steps {
	uint64_t addr, grew_ns; /* the container; when it last grew */
	uint64_t type;		/* type of the object at addr; 0 = not read yet */
	uint64_t longest_ns;	/* longest pause before a step that made up for it */
	bool is_still;		/* it had not grown at the last reading */
};

/* Sets the container of step @i of a path. If it is the same as before, what is known of it stays.
 * @bounds: false if its bound says nothing. */
void fill_found(struct fill *f, const struct why_path *p, size_t i, bool bounds, uint64_t now_ns);
/* Reads its length again; @rt: NULL when the process is gone. */
void fill_look(struct fill *f, struct fill_steps *steps, const struct py_runtime *rt,
	       uint64_t now_ns);
/* Notes that it has @n entries now; UINT64_MAX: it is gone. Reads nothing. */
void fill_read(struct fill *f, struct fill_steps *steps, uint64_t n, uint64_t now_ns);
/* Notes that it had @n entries at f->last_ns, without regard to its bound. */
void fill_moved(struct fill *f, struct fill_steps *steps, uint64_t n);
/* Puts its last length, and its growth since the first reading, on the path @p. */
int fill_tell(const struct fill *f, struct why_path *p);

/* Are the container's new entries (@entries) as new as the objects in them? @seen of the objects
 * were seen being born, as no window sees all births. */
bool fill_has_new_entries(size_t entries, size_t seen);
/* Are @n objects of one size, whenever they were born? A store grows if each entry is replaced by a
 * bigger one. */
bool fill_keeps_size(const double *born_s, const double *bytes, size_t n);

#endif
