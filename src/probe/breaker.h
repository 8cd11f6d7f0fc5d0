/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Stops putting probes in on a host where that takes long: while a change lasts, no process of the
 * host can fork. Pure; times are CLOCK_MONOTONIC in nanoseconds. Not thread-safe.
 */
#ifndef PYLEAK_PROBE_BREAKER_H
#define PYLEAK_PROBE_BREAKER_H

#include "base/base.h"

#define BREAKER_SLOW_NS	  100000000ull	  /* a change that takes longer counts */
#define BREAKER_END	  20		  /* one that takes so many times as long is the last */
#define BREAKER_PAUSE_NS  30000000000ull  /* after the first; doubles */
#define BREAKER_FORGET_NS 600000000000ull /* without a slow one, and nothing is held against it */
#define BREAKER_MOST	  3		  /* the third ends it */

struct breaker {
	uint64_t slow_ns; /* what counts as slow; 0: BREAKER_SLOW_NS */
	unsigned slow;	  /* changes in a row, with less than BREAKER_FORGET_NS between them */
	uint64_t last_ns, until_ns, took_ns;
	bool is_ended;
};

/* From here on a change is slow. */
uint64_t breaker_slow_ns(const struct breaker *b);
/* Is it so slow that it is the last one? */
bool breaker_is_last(const struct breaker *b, uint64_t took_ns);
/* A change has taken @took_ns, its wait for others of this tool's not counted. */
void breaker_note(struct breaker *b, uint64_t now_ns, uint64_t took_ns);
/* May probes go in? -EBUSY: not before until_ns; -ENOTSUP: not any more. With the sentence. */
int breaker_ask(const struct breaker *b, uint64_t now_ns);

#endif
