/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counts processes of merged reports once: what such a report has of one cannot be taken out. */
#include <math.h>
#include <xxhash.h>

#include "report/merge_priv.h"

static uint64_t identity(const char *host, int pid)
{
	uint64_t h = XXH64(host, strlen(host), (uint64_t)pid);

	return h ? h : 1;
}

/* The processes of merged reports that count, each with the place of its report + 1. */
struct once {
	struct map64 seen;
	const struct merge_part *kept;
};

/* Does a merged report that counts have this process of @part? *@newer: @part is of a later time.
 */
static bool has(const struct once *o, const struct merge_part *part, const char *host, int pid,
		bool *newer)
{
	const uint64_t *at = map64_get(&o->seen, identity(host, pid));
	double ended_at = at ? o->kept[*at - 1].ended_at : NAN;

	*newer |= isfinite(ended_at) && part->ended_at > ended_at;
	return at;
}

/* Adds the members of @part, which would be kept at @place, unless all are there (*@counted). */
static int add_members(struct once *o, const struct merge_part *part, size_t place, bool *counted,
		       bool *newer)
{
	const struct report_process *p = part->process;
	const struct report_member *m = p->members, *twice = NULL;
	size_t known = 0;

	for (size_t i = 0; i < p->n_members; i++)
		if (has(o, part, m[i].hostname, m[i].pid, newer)) {
			twice = &m[i];
			known++;
		}
	*counted = known == p->n_members;
	if (known && !*counted)
		return fail(-EINVAL,
			    "pid %d on %.64s is in two merged reports, and others are in one of "
			    "them alone: merge the reports that they were made of",
			    twice->pid, twice->hostname);
	for (size_t i = 0; i < p->n_members && !known; i++) {
		uint64_t *at = map64_put(&o->seen, identity(m[i].hostname, m[i].pid));

		if (!at)
			return fail(-ENOMEM, "out of memory");
		*at = place + 1;
	}
	return 0;
}

int merge_once(struct merge_parts *parts)
{
	static const char *const why[2][2] = {
		{"also in a merged report, which counts",
		 "also in a merged report, which counts, though it is older"},
		{"a merged report is left out: another one has all its processes",
		 "a newer merged report is left out: an older one has all its processes"},
	};
	struct once once = {.kept = parts->v};
	size_t kept = 0;
	int err = 0;

	for (size_t i = 0; i < parts->n && !err; i++) {
		const struct merge_part *part = &parts->v[i];
		const struct report_process *p = part->process;
		bool counted = false, newer = false;

		if (p->n_members)
			err = add_members(&once, part, kept, &counted, &newer);
		else
			counted = has(&once, part, part->host, p->pid, &newer);
		if (counted)
			report_note_add(&parts->notes, p, part->host, why[p->n_members > 0][newer]);
		else
			parts->v[kept++] = *part;
	}
	parts->n = kept;
	map64_free(&once.seen);
	return err;
}
