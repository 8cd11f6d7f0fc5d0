/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Declarations that the two halves of merging share. */
#ifndef PYLEAK_REPORT_MERGE_PRIV_H
#define PYLEAK_REPORT_MERGE_PRIV_H

#include "base/map64.h"
#include "report/report.h"

/* One process of one of the reports. */
struct merge_part {
	const struct report_process *process;
	const char *host;
	double ended_at;
	size_t report;	  /* which of those that are merged */
	double share;	  /* of its report's time, it was watched for */
	uint64_t program; /* which one it runs; of a merged report: nothing */
};

struct merge_parts {
	struct merge_part *v;
	size_t n, cap;
	bool any_runs;
	bool stops_ended; /* those that have ended grow no more; else all rates are past ones */
};

/* @own: the sentence of the only one; NULL = there are more, or it has none (merge_reason.c). */
int merge_reason(struct report *r, struct report_process *p, size_t hosts, const char *own);

/* Sites that one line called for, in different processes, are of one cause (merge_causes.c). */
int merge_causes(struct report *r, struct report_process *to, const struct merge_parts *parts);

/* How many processes the rate of a merged site is of (merge_programs.c). */
struct merge_program {
	uint64_t n;
	double on_s; /* for so long all of them were probed */
};

struct merge_programs {
	VEC(struct merge_program) all;
	struct map64 index; /* where each is, + 1 */
	struct map64 seen;  /* sites, and programs, names and merged reports that have them */
};

int merge_programs(struct merge_programs *m, struct report_process *to, struct merge_parts *parts);
void merge_programs_free(struct merge_programs *m);
/* @part has @s, which is number @i of the merged ones, @to. */
int merge_programs_meet(struct merge_programs *m, const struct merge_part *part,
			const struct report_site *s, size_t i, struct report_site *to);
/* Merged reports without a site run its program where they have the name of those with it. @to is
 * not sorted yet. */
void merge_programs_absent(const struct merge_programs *m, const struct merge_parts *parts,
			   struct report_process *to);

/* The sites of all parts, joined by id, into @to, sorted. */
int merge_sites(struct report *r, struct report_process *to, struct merge_parts *parts);

#endif
