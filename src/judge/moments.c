/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Puts together when the survivors of a site were born, from all of its stacks. */
#include "judge/sites_priv.h"

void join_windows(struct joiner *j)
{
	const struct evidence_objects *o = &j->e->objects;
	struct map64 met = {0};

	for (size_t i = 0; i < o->n; i++) {
		const struct survivor *s = &o->v[i];
		bool stays = s->addr && s->rung >= SURVIVED_RUNGS;
		const uint64_t *at = stays ? map64_get(&j->site_of, s->stack) : NULL;
		double age = (double)(j->e->now_ns - s->born_ns) / 1e9;
		struct joined *to;
		uint64_t *seen;

		if (!at || !*at)
			continue;
		to = &j->v.v[*at - 1];
		if (age < to->youngest_s || age > to->evidence.oldest_s)
			continue;
		seen = map64_put(&met, *at << 32 | s->burst);
		if (seen && !(*seen)++)
			to->windows++;
	}
	map64_free(&met);
	for (size_t i = 0; i < j->v.n; i++)
		if (j->v.v[i].evidence.bursts > j->v.v[i].windows)
			j->v.v[i].evidence.bursts = j->v.v[i].windows;
}
