/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counts processes of merged reports once: what such a report has of one cannot be taken out. */
#include <xxhash.h>

#include "report/merge_priv.h"

static uint64_t identity(const char *host, int pid)
{
	uint64_t h = XXH64(host, strlen(host), (uint64_t)pid);

	return h ? h : 1;
}

/* Adds its members to @seen, unless all are there (*@counted). */
static int add_members(struct map64 *seen, const struct report_process *p, bool *counted)
{
	const struct report_member *m = p->members, *twice = NULL;
	size_t known = 0;

	for (size_t i = 0; i < p->n_members; i++)
		if (map64_get(seen, identity(m[i].hostname, m[i].pid))) {
			twice = &m[i];
			known++;
		}
	*counted = known == p->n_members;
	if (known && !*counted)
		return fail(-EINVAL,
			    "pid %d on %.64s is in two merged reports, and others are in one of "
			    "them alone: merge the reports that they were made of",
			    twice->pid, twice->hostname);
	for (size_t i = 0; i < p->n_members; i++) {
		uint64_t *at = map64_put(seen, identity(m[i].hostname, m[i].pid));

		if (!at)
			return fail(-ENOMEM, "out of memory");
		*at = 1;
	}
	return 0;
}

int merge_once(struct merge_parts *parts)
{
	struct map64 seen = {0};
	size_t kept = 0;
	int err = 0;

	for (size_t i = 0; i < parts->n && !err; i++) {
		const struct merge_part *part = &parts->v[i];
		const struct report_process *p = part->process;
		bool counted = false;

		if (p->n_members)
			err = add_members(&seen, p, &counted);
		else
			counted = map64_get(&seen, identity(part->host, p->pid)) != NULL;
		if (counted)
			report_note_add(&parts->notes, p, part->host,
					p->n_members ? "a merged report is left out: another one "
						       "has all its processes"
						     : "also in a merged report, which counts");
		else
			parts->v[kept++] = *part;
	}
	parts->n = kept;
	map64_free(&seen);
	return err;
}
