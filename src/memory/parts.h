/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads the parts of resident memory now and then, on a thread of its own: following each chunk of
 * malloc takes too long for the loop that opens and closes windows. */
#ifndef PYLEAK_MEMORY_PARTS_H
#define PYLEAK_MEMORY_PARTS_H

#include "heap/heap.h"
#include "verdict/retention.h"

struct parts_log;

/* Starts reading, for at most 1 % of a core. NULL when it cannot: then the parts are not known. */
struct parts_log *parts_start(const struct proc *p);
void parts_stop(struct parts_log *l);
/* Has a reading made for the final report, if that is quick, and does not wait for it. So processes
 * are read side by side, and before the end where that is known. Once: later calls do nothing. */
void parts_ask_last(struct parts_log *l);
/* Fills in the last reading and its growth over the last @span_s, like that of the whole memory;
 * p->parts stays NULL when there is none. A final report waits for the reading that was asked for,
 * for 0.3 s from @now_ns at most, which is one moment for all processes, and tells the thread to
 * end. @grew: change of malloc's memory, and of memory of no allocator, from the first reading to
 * the last; left alone if there are not two. */
int parts_fill(struct parts_log *l, uint64_t now_ns, double span_s, struct report *r,
	       struct report_process *p, struct retention_growth *grew);

/* Takes one reading at once. p->parts stays NULL where it cannot be known (a core file), or where
 * @watch ends it. */
int parts_once(const struct py_runtime *rt, heap_watch watch, void *ctx, struct report *r,
	       struct report_process *p);

#endif
