/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Writes the sentence about many processes. */
#include <inttypes.h>
#include <stdio.h>

#include "report/merge.h"
#include "report/merge_priv.h"

static int by_text(const void *pa, const void *pb)
{
	const char *const *a = pa, *const *b = pb;

	return strcmp(*a, *b);
}

int report_count_hosts(const struct report_process *p, size_t *hosts)
{
	auto_free const char **name = calloc(p->n_members + 1, sizeof(*name));

	if (!name)
		return fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < p->n_members; i++)
		name[i] = p->members[i].hostname;
	qsort(name, p->n_members, sizeof(*name), by_text);
	*hosts = p->n_members > 0;
	for (size_t i = 1; i < p->n_members; i++)
		*hosts += strcmp(name[i - 1], name[i]) != 0;
	return 0;
}

/* Says how many processes were not judged: they are not steady. */
static const char *say_unjudged(struct report *r, const struct report_process *p)
{
	char grew[64] = "", rate[32];

	if (!p->unjudged || (report_is_too_early(p) && !p->unjudged_bytes_per_s))
		return "";
	if (p->unjudged_bytes_per_s)
		snprintf(grew, sizeof(grew), ", and grew by up to %s/s meanwhile",
			 fmt_bytes(rate, sizeof(rate), (double)p->unjudged_bytes_per_s));
	return report_printf(r, "; %" PRIu64 " %s not watched for long enough to be judged%s",
			     p->unjudged, p->unjudged == 1 ? "was" : "were", grew);
}

/* Counts the members that the verdict is about; the unjudged are steady in name only. */
static uint64_t count_members(const struct report_process *p)
{
	uint64_t n = 0, all = report_members(p), unjudged = p->unjudged < all ? p->unjudged : all;

	while (n < p->n_members && p->members[n].verdict == p->verdict)
		n++;
	n += p->unnamed_alike;
	if (p->verdict != CLASS_STEADY || !unjudged)
		return n;
	return report_is_too_early(p) ? unjudged : n > unjudged ? n - unjudged : 1;
}

int merge_reason(struct report *r, struct report_process *p, size_t hosts, const char *own)
{
	const char *word, *first = "", *unjudged;
	uint64_t n, all = report_members(p);

	/* most were not judged, and grew */
	if (p->verdict == CLASS_STEADY && p->unjudged_bytes_per_s && 2 * p->unjudged > all)
		report_too_early(p);
	n = p->n_members ? count_members(p) : 0;
	unjudged = say_unjudged(r, p);
	word = report_is_too_early(p) ? "too early" : report_class_name(p->verdict);
	/* of steady ones none is the worst, and one may be not judged */
	if (n && (p->verdict != CLASS_STEADY || report_is_too_early(p) || !p->unjudged))
		first = report_printf(r, "; first pid %d (%s) on %s", p->members->pid,
				      p->members->comm, p->members->hostname);
	if (!n)
		p->reason = "no process was reported";
	else if (own)
		p->reason = own;
	else if (first && unjudged)
		p->reason = report_printf(
			r, "%" PRIu64 " of %" PRIu64 " processes on %zu host%s: %s%s%s", n, all,
			hosts, hosts == 1 ? "" : "s", word, first, unjudged);
	else
		p->reason = NULL;
	return p->reason ? 0 : fail(-ENOMEM, "out of memory");
}
