/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Sources of evidence. Each watches one thing, keeps its state to itself, and copies what it has
 * seen into the evidence. Another source asks it by a function of its header, and gets plain data.
 * All run on the thread that steps the session. docs/ARCHITECTURE.md tells how to add one.
 */
#ifndef PYLEAK_SESSION_SOURCE_H
#define PYLEAK_SESSION_SOURCE_H

#include "base/lost.h"
#include "evidence/evidence.h"
#include "pyleak/abi.h"

struct map64;
struct session;

/* Rows of `lost` in a report, those of the user half behind those of the kernel half. A source puts
 * its number into evidence.seen.lost[LOST_...]. */
#define X(id, key, text) LOST_##id,
enum session_lost { LOST_KERNEL_LAST = PL_LOST_MAX - 1, SESSION_LOST(X) LOST_MAX };
#undef X

/* A moment that sources are asked about, and the evidence that they add to. */
struct observation {
	uint64_t now_ns;	/* the moment */
	uint64_t until_ns;	/* a last report waits for answers until then; 0: it is none */
	struct report *r;	/* owns what goes into the report as it is ... */
	struct report *scratch; /* ... and this one all else */
	struct evidence *e;
};

struct source_ops {
	size_t size;	   /* bytes of its state, which is all zero when it is opened */
	uint64_t first_ns; /* from the start to the first step */
	/* A step may come so much later: the source that can wait least wakes up all due ones. */
	uint64_t slack_ns;
	bool is_probing; /* not opened before it is known how probes are placed */
	/* A part that does not work is a note; an error ends the session. */
	int (*open)(void *self, struct session *s);
	/* This and all that follow may be NULL. Called also after an open that failed. False: a
	 * thread of it goes on, so its state must stay. */
	bool (*close)(void *self);
	/* Does all that is due. Returns when it is to be called again; 0 = not before a wake. */
	uint64_t (*step)(void *self, uint64_t now_ns);
	/* Takes all its probes out of the target, or goes on as before. Returns as step(). */
	uint64_t (*pause)(void *self, bool on);
	/* Adds to the evidence. Sources before it in the table have added theirs. */
	int (*observe)(void *self, const struct observation *to);
	/* Reads all that the kernel half has sent. */
	void (*drain)(void *self);
	/* Adds the ids of the stacks that it still needs. */
	void (*keep)(void *self, struct map64 *stacks);
};

/* The table: X(name) for each `name_source`, in the order in which they are opened and observed. */
#define SOURCES(X)   \
	X(pools)     \
	X(memory)    \
	X(survivors) \
	X(births)    \
	X(blocks)    \
	X(fds)       \
	X(forks)     \
	X(types)     \
	X(holders)

#define X(name) extern const struct source_ops name##_source;
SOURCES(X)
#undef X

#define X(name) +1
enum { SOURCES_N = 0 SOURCES(X) };
#undef X

#endif
