/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A finding has the sites of one cause: one container keeps them, or one line of the program called
 * for them. Findings follow from the sites and their part_of, and are not read from a file. */
#ifndef PYLEAK_REPORT_FINDINGS_H
#define PYLEAK_REPORT_FINDINGS_H

#include "report/report.h"

struct report_finding {
	const struct report_frame *frame; /* the user's own line (report_own_frame) */
	REPORT_FINDING(FIELD_MEMBER, )
	struct report_hint hint;
	struct report_held held_by;
	const char **sites; /* ids: the first site's, then the others as sorted */
	size_t n_sites;
};

struct report_findings {
	struct report_finding *v;
	size_t n;
	const char **ids; /* ids of all sites */
};

/* Sum over sites of one cause. */
struct report_cause {
	size_t places;
	double bytes_per_s;
};

/* Sums the sites whose cause has @first as its first site, with those that are not listed. */
struct report_cause report_cause_of(const struct report_process *p,
				    const struct report_site *first);
/* Sites listed in a report, by loss: others are too small, and are the first of no cause. */
#define REPORT_MOST_SITES 200

/* Ends the list after @most sites; a cause's first site tells of its sites that are cut. Returns
 * the growth of all that are cut. */
struct report_cause report_end_list(struct report_process *p, size_t most);

/* Makes a finding of each cause whose first site is not steady, in the order of sites. Texts and
 * frames are the process's. -ENOMEM; report_findings_free() either way. */
int report_findings(const struct report_process *p, struct report_findings *out);
void report_findings_free(struct report_findings *f);

#endif
