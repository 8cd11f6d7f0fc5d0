/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Judgement on plain evidence: is this site a leak? Deliberately simple and slow to accuse. */
#ifndef PYLEAK_VERDICT_H
#define PYLEAK_VERDICT_H

#include "report/report.h"

struct verdict_evidence {
	double run_s;		   /* watched so far */
	double oldest_s;	   /* age of the oldest survivor */
	double growth_bytes_per_s; /* its share of what grows */
	uint64_t samples;
	unsigned bursts;   /* distinct moments at which survivors were born */
	unsigned quarters; /* quarters of the run in which survivors were born */
	bool weak;	   /* identity rests on content that is not unique */
	bool waits_for_gc; /* may be garbage that no full collection has looked at yet */
	bool one_block;	   /* a single block that gets bigger: somebody's container, not the leak */
};

/* RSS moves by pages all the time: slower growth is none. */
#define VERDICT_NOISE_BYTES_PER_S 512

void verdict_site(const struct verdict_evidence *e, struct report_site *site);
/* From the sites and the growth of memory; writes class, confidence and reason. */
void verdict_process(struct report *r, struct report_process *p);

#endif
