/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Shared by the files that merge. */
#ifndef PYLEAK_REPORT_MERGE_PRIV_H
#define PYLEAK_REPORT_MERGE_PRIV_H

#include "base/map64.h"
#include "report/notes.h"
#include "report/report.h"

/* One process of one of the reports. */
struct merge_part {
	const struct report_process *process;
	const char *host;
	double ended_at;
	size_t report;	  /* number of its report */
	double share;	  /* part of its report's time that it was watched */
	uint64_t program; /* the program it runs; 0 of a merged report */
};

struct merge_parts {
	struct merge_part *v;
	size_t n, cap;
	bool any_runs;
	bool stops_ended; /* ended processes grow no more; else rates are past ones */
	struct report_notes notes;
};

/* Leaves out, with a note, parts that a merged report has, too, which comes first (merge_once.c).
 * -EINVAL with the sentence: two of those share some of their processes. */
int merge_once(struct merge_parts *parts);

/* Writes the sentence (merge_reason.c). @own: the only process's; NULL = there are more, or none.
 */
int merge_reason(struct report *r, struct report_process *p, size_t hosts, const char *own);

/* Joins sites of one cause that different processes have (merge_causes.c). */
int merge_causes(struct report *r, struct report_process *to, const struct merge_parts *parts);

/* Processes that run one program: a merged site's rate is their mean (merge_programs.c). */
struct merge_program {
	uint64_t n;
	double on_s; /* seconds for which they were probed, in sum */
};

struct merge_programs {
	VEC(struct merge_program) all;
	struct map64 index; /* program -> place + 1 */
	struct map64 seen;  /* sites, each with a program, name or merged report that has it */
};

int merge_programs(struct merge_programs *m, struct report_process *to, struct merge_parts *parts);
void merge_programs_free(struct merge_programs *m);
/* Notes that @part has @s, which is @to, number @i of the merged sites. */
int merge_programs_meet(struct merge_programs *m, const struct merge_part *part,
			const struct report_site *s, size_t i, struct report_site *to);
/* Counts merged reports without a site among those that run its program, if they have the name of
 * one with it. @to is not sorted yet. */
void merge_programs_absent(const struct merge_programs *m, const struct merge_parts *parts,
			   struct report_process *to);

/* Joins the sites of all parts by id, into @to, sorted. */
int merge_sites(struct report *r, struct report_process *to, struct merge_parts *parts);

#endif
