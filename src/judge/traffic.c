/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Growth that slows down as the process does less: does all that the process makes slow down with
 * it, since its load ebbs, or does it alone, as what the misses of a cache make? */
#include "base/thresholds.h"
#include "base/traffic.h"
#include "judge/sites_priv.h"

#define LOOKED_NS 4500000000ull /* by then survivors of three seconds have been looked at again */

static uint64_t root_of(const struct evidence_stack *st)
{
	uint64_t root = 0;

	for (size_t i = st && !st->truncated ? st->n : 0; i && !root; i--) {
		const struct evidence_frame *f = &st->frame[i - 1];

		if (!f->function || !f->file)
			return 0;
		root = traffic_root(f->function, f->file);
	}
	return root;
}

static enum traffic_pace pace_of(const struct joiner *j, size_t site, uint64_t root)
{
	const struct evidence_objects *o = &j->e->objects;
	struct traffic_kept k = {.until_ns = j->e->now_ns - LOOKED_NS,
				 .root = root,
				 .ebbed = j->v.v[site - 1].evidence.curve.ebbed};

	for (size_t i = 0; i < o->n; i++) {
		const struct survivor *s = &o->v[i];
		bool stays = s->addr && s->is_beside_all && s->rung >= SURVIVED_RUNGS;
		const uint64_t *at = stays ? map64_get(&j->site_of, s->stack) : NULL;
		size_t m = at && *at == site ? traffic_moment(o->traffic, s->born_ns)
					     : TRAFFIC_MOMENTS;

		if (m >= o->traffic->n_moments)
			continue;
		k.n[m] += (double)s->weight;
		k.squares[m] += (double)s->weight * (double)s->weight;
	}
	return traffic_judge(o->traffic, &k);
}

void join_traffic(struct joiner *j)
{
	for (size_t i = 0; j->e->objects.traffic && i < j->v.n; i++) {
		struct joined *to = &j->v.v[i];
		struct curve *c = &to->evidence.curve;
		uint64_t root = root_of(evidence_stack(j->e, to->via_stack));
		enum traffic_pace pace = c->ebbs && to->site.kind == KIND_OBJECT
						 ? pace_of(j, i + 1, root)
						 : TRAFFIC_UNKNOWN;

		if (pace == TRAFFIC_EVEN && c->shape == CURVE_SLOWING) {
			c->shape = CURVE_RISING;
			c->confidence = WORK_SURE;
			c->since_s = c->span_s;
		} else if (pace == TRAFFIC_BEHIND) {
			c->shape = CURVE_SLOWING;
			c->ebbs = false;
		}
	}
}
