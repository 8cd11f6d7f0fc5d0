/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The parts of the resident memory, read now and then on a thread of its own: following every chunk
 * of malloc takes too long for the loop that opens and closes windows. */
#ifndef PYLEAK_MEMORY_PARTS_H
#define PYLEAK_MEMORY_PARTS_H

#include "verdict/retention.h"
#include "py/py.h"

struct parts_log;

/* Begins to read; takes at most 1 % of a core. NULL when it cannot: the parts are then not known.
 */
struct parts_log *parts_start(const struct proc *p);
void parts_stop(struct parts_log *l);
/* The last reading and its growth over the last @span_s, that of the memory as a whole; p->parts
 * stays NULL when there is none. @grew: what is malloc's, and nobody's, by the last reading against
 * the first; left alone when there are no two. */
int parts_fill(struct parts_log *l, double span_s, struct report *r, struct report_process *p,
	       struct retention_growth *grew);

/* One reading, at once. p->parts stays NULL where it cannot be known (a core file). */
int parts_once(const struct py_runtime *rt, struct report *r, struct report_process *p);

#endif
