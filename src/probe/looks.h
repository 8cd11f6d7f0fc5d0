/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Looks at the thread that changes probes: for how long it has kept nobody waiting, and whether its
 * last breakpoint is out. */
#ifndef PYLEAK_PROBE_LOOKS_H
#define PYLEAK_PROBE_LOOKS_H

#include "probe/turn.h"

struct looks {
	int tid;
	uint64_t cpu_ns;	     /* that the thread had used when the change began ... */
	uint64_t looked_cpu_ns;	     /* ... and when it was looked at last */
	uint64_t looked_ns, idle_ns; /* then, and for how long it kept nobody waiting ... */
	uint64_t stretch_ns;	     /* ... without a break until now */
	uint64_t worked_ns;	     /* the look behind which it has worked last */
	unsigned waits;		     /* in which it was seen, with work in between */
	bool was_idle;		     /* when it was looked at last */
	bool is_warm;		     /* another change had the lock of all forks just before */
};

/* This thread begins a change. @warm_ns: no earlier, another one had the lock of all forks for the
 * last time; 0 = not known. */
void looks_begin(struct looks *l, uint64_t now_ns, uint64_t warm_ns);
/* Does a thread that stands there keep nobody waiting? */
bool looks_idle_at(const char *where);
/* @comes_first: whoever looks has real-time priority. */
void looks_note(struct looks *l, uint64_t now_ns, bool is_idle, bool comes_first);
/* Is the last breakpoint of @t out? @by_warmth: where it would do no harm to be wrong, rarely. */
bool looks_behind_the_last(const struct looks *l, const struct turn *t, const char *where,
			   bool by_warmth);

#endif
