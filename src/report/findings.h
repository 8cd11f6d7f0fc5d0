/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One cause, one finding: sites that one container keeps, or that one line of the program called
 * for. They follow from the sites and their part_of, and are read from nowhere. */
#ifndef PYLEAK_REPORT_FINDINGS_H
#define PYLEAK_REPORT_FINDINGS_H

#include "report/report.h"

struct report_finding {
	const struct report_frame *frame; /* the user's own line (report_own_frame) */
	REPORT_FINDING(FIELD_MEMBER, )
	struct report_hint hint;
	struct report_held held_by;
	const char **sites; /* ids; the first site's comes first, the others as they are sorted */
	size_t n_sites;
};

struct report_findings {
	struct report_finding *v;
	size_t n;
	const char **ids; /* of all of them */
};

/* Places that grow for the same reason. */
struct report_cause {
	size_t places;
	double bytes_per_s;
};

/* Those with the cause that @first comes first of, with what is not listed. */
struct report_cause report_cause_of(const struct report_process *p,
				    const struct report_site *first);
/* Sites in a report, by what is lost by them: the rest is too small to look at, and comes first of
 * no cause. */
#define REPORT_MOST_SITES 200

/* The list ends with the first @most sites; those that come first of a cause tell of the others.
 * Returns what of them grows. */
struct report_cause report_end_list(struct report_process *p, size_t most);

/* One of each cause whose first site is not steady, in the order of the sites. Texts and frames are
 * the process's. -ENOMEM; report_findings_free() either way. */
int report_findings(const struct report_process *p, struct report_findings *out);
void report_findings_free(struct report_findings *f);

#endif
