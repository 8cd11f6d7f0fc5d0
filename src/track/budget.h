/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The account that keeps the promised slow-down: it fills with time, a burst may start only when
 * what it is expected to cost has been saved, and what it really cost is taken off. */
#ifndef PYLEAK_BUDGET_H
#define PYLEAK_BUDGET_H

#include "base/base.h"

/* The promise is for the mean; aim below it. */
#define BUDGET_AIM (2.0 / 3.0)

struct budget {
	double share;	    /* of the target's time that may be spent; already below the promise */
	double saved_ns;    /* may go below zero after a dear burst */
	double spent_ns;    /* since the start */
	double expected_ns; /* of the next burst: smoothed */
	uint64_t start_ns, filled_ns;
	double hit_ns; /* cost of one birth to the target */
};

void budget_init(struct budget *b, double overhead, uint64_t now_ns);
/* What a birth costs depends on the depth of the stack it walks, much more so up to 3.10. */
void budget_set_depth(struct budget *b, double frames, bool frames_are_objects);
/* Bring the account up to date. */
void budget_fill(struct budget *b, uint64_t now_ns);
/* When may the next burst start? Not before @now_ns. Includes the random part. */
uint64_t budget_next(struct budget *b, uint64_t now_ns, uint32_t random);
/* A burst is over: @births recorded with @sites probed, @open_ns from the first probe that went in
 * to the last that came out. Returns its cost. */
double budget_spend(struct budget *b, uint64_t now_ns, uint64_t births, uint64_t open_ns,
		    size_t sites);
/* Anything else that costs the target: permanent probes, native pairs. */
void budget_charge(struct budget *b, double ns);
void budget_charge_sites(struct budget *b, size_t sites); /* attached for good */
/* Nothing was watched from @from_ns to @now_ns: that time neither earned nor cost anything. */
void budget_skip(struct budget *b, uint64_t from_ns, uint64_t now_ns);
/* Share of the target's time spent so far, for the report: 0.013 = 1.3 %. */
double budget_slowdown(const struct budget *b, uint64_t now_ns);

#endif
