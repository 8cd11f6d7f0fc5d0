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

static bool is_asked(const struct joined *t)
{
	return t->evidence.curve.ebbs && t->site.kind == KIND_OBJECT;
}

/* Sums what came to stay, by site and moment; NULL: no site's growth ebbs, or there is no memory.
 */
static struct traffic_kept *count_kept(const struct joiner *j)
{
	const struct evidence_objects *o = &j->e->objects;
	struct traffic_kept *v = NULL;
	size_t first = 0;

	while (first < j->v.n && !is_asked(&j->v.v[first]))
		first++;
	if (o->traffic && first < j->v.n)
		v = calloc(j->v.n, sizeof(*v));
	for (size_t i = 0; v && i < o->n; i++) {
		const struct survivor *s = &o->v[i];
		bool stays = s->addr && s->is_beside_all && s->rung >= SURVIVED_RUNGS;
		const uint64_t *at = stays ? map64_get(&j->site_of, s->stack) : NULL;
		size_t m;

		if (!at || !*at)
			continue;
		m = traffic_moment(o->traffic, s->born_ns);
		if (m >= o->traffic->n_moments)
			continue;
		v[*at - 1].n[m] += (double)s->weight;
		v[*at - 1].squares[m] += (double)s->weight * (double)s->weight;
	}
	return v;
}

void join_traffic(struct joiner *j)
{
	auto_free struct traffic_kept *kept = count_kept(j);

	for (size_t i = 0; kept && i < j->v.n; i++) {
		struct joined *to = &j->v.v[i];
		struct curve *c = &to->evidence.curve;
		enum traffic_pace pace;

		if (!is_asked(to))
			continue;
		kept[i].until_ns = j->e->now_ns - LOOKED_NS;
		kept[i].root = root_of(evidence_stack(j->e, to->via_stack));
		kept[i].ebbed = c->ebbed;
		pace = traffic_judge(j->e->objects.traffic, &kept[i]);
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
