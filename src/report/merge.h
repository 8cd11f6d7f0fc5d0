/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Merges reports of many processes or hosts: sites with the same id become one site. */
#ifndef PYLEAK_REPORT_MERGE_H
#define PYLEAK_REPORT_MERGE_H

#include "report/report.h"

/* One report with one process that stands for all of those in @in (with none when they have none):
 * rates, sizes and counts are sums of what is known, the verdict is the worst, the limit the one
 * that is met first, RAM by all of a host together. A process that is in several reports (same
 * host, same pid) counts once, as last reported, or as a merged one of them has it; one that has
 * ended grows no more, unless all have, or @past is wanted: then rates are those that they had.
 * What belongs to one process alone (series, command line) is left out; who they were is in
 * `members`, worst first; times and who was not watched are of the reports that count. Takes the
 * reports: they are freed, also when it fails. */
int report_merge(struct report **in, size_t n, bool past, struct report **out);

/* Merges processes of one host and one run into @out, whose strings live in @r and theirs. Each
 * counts, also when a pid was used twice; the cost of watching is weighed by the part of the time
 * that it was watched. One that has ended counts with what it held at its end, and has no memory.
 */
int report_merge_processes(struct report *r, const struct report_process *v, size_t n,
			   struct report_process *out);
/* Counts the hosts of its members; 0 when it has none. -ENOMEM with the sentence. */
int report_count_hosts(const struct report_process *p, size_t *hosts);

#endif
