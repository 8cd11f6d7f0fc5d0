/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Looking at a container again and again: a length is one small read. */
#include "session/fills.h"

#include <stdio.h>

#include "heap/bound.h"

#define SETTLE_NS 5000000000ull	 /* so long it may stand still and pass for filling */
#define SHOWS_NS  20000000000ull /* after so long a curve shows that it has levelled */
#define REST_S	  3		 /* so long it rests until that is worth a word ... */
#define REPLACE_S 8		 /* ... and until its objects do not count any more */
#define REST_ADDS 4	/* objects must have come meanwhile, and left it as long as it was */
#define CALM_PART 0.005 /* of its entries: what a full store wavers by */
#define GAIN_PART 0.05	/* of the objects that came: with more they may have places of their own */

static const char *last_word(const char *type)
{
	const char *dot = type ? strrchr(type, '.') : NULL;

	return dot ? dot + 1 : type ? type : "container";
}

/* The dict of an lru_cache is nothing that its user has seen. */
static const char *what_of(const struct why_path *p, size_t i)
{
	const struct why_step *s = &p->step[i], *owner = i ? &p->step[i - 1] : NULL;

	if (owner && owner->type && !strcmp(owner->type, "functools._lru_cache_wrapper"))
		return "lru_cache";
	return last_word(s->type);
}

void fill_found(struct fill *f, const struct why_path *p, size_t i, bool bounds, uint64_t now_ns)
{
	const struct why_step *s = i < p->n ? &p->step[i] : NULL;
	uint64_t most = 0;

	if (!s || s->entries == WHY_UNKNOWN) {
		f->addr = 0;
		return;
	}
	if (bounds && s->bound != WHY_UNKNOWN && s->bound_name)
		most = s->bound;
	if (f->addr == s->addr && f->most == most)
		return;
	*f = (struct fill){
		.addr = s->addr,
		.most = most,
		.enforced = s->bound_enforced,
		.first = s->entries,
		.last = s->entries,
		.first_ns = now_ns,
		.last_ns = now_ns,
		.calm = s->entries,
		.calm_ns = now_ns,
	};
	snprintf(f->name, sizeof(f->name), "%s", most ? s->bound_name : "");
	snprintf(f->what, sizeof(f->what), "%s", what_of(p, i));
}

/* From then to the last look. */
static double seconds_since(const struct fill *f, uint64_t then_ns)
{
	return f->last_ns > then_ns ? (double)(f->last_ns - then_ns) / 1e9 : 0;
}

static double per_s(const struct fill *f)
{
	double s = seconds_since(f, f->first_ns);

	return f->last > f->first && s > 0 ? (double)(f->last - f->first) / s : 0;
}

void fill_look(struct fill *f, const struct py_runtime *rt, uint64_t now_ns)
{
	uint64_t n = f->addr && rt ? py_length(rt, f->addr) : f->last;

	if (!f->addr)
		return;
	/* It is gone, or it was no bound. */
	if (n == UINT64_MAX || (f->most && !heap_bound_holds(f->most, f->enforced, n))) {
		f->addr = 0;
		return;
	}
	f->last = n;
	f->last_ns = rt ? now_ns : f->last_ns;
	if ((double)n > (double)f->calm * (1 + CALM_PART) + 1) {
		f->calm = n;
		f->calm_ns = f->last_ns;
	}
	if (n >= f->most && !f->full_ns)
		f->full_ns = now_ns;
	else if (n < f->most)
		f->full_ns = 0;
}

bool fill_is_filling(const struct fill *f, struct verdict_bound *out)
{
	*out = (struct verdict_bound){.most = f->most,
				      .entries = f->last,
				      .per_s = per_s(f),
				      .name = f->name,
				      .what = f->what};
	if (!f->addr || !f->most)
		return false;
	if (f->full_ns)
		return f->first < f->most && f->last_ns - f->full_ns < SHOWS_NS;
	/* What stands still is not where the growth goes. */
	return f->last > f->first || f->last_ns - f->first_ns < SETTLE_NS;
}

static double calm_s(const struct fill *f)
{
	return f->addr ? seconds_since(f, f->calm_ns) : 0;
}

static bool is_met(const struct fill *f, double came)
{
	double gain = f->last > f->calm ? (double)(f->last - f->calm) : 0;

	return gain <= GAIN_PART * came;
}

double fill_rests_s(const struct fill *f, double adds_per_s)
{
	double came = calm_s(f) * adds_per_s;

	return calm_s(f) >= REST_S && came >= REST_ADDS && is_met(f, came) ? calm_s(f) : 0;
}

bool fill_replaces(const struct fill *f, double came)
{
	return calm_s(f) >= REPLACE_S && is_met(f, came);
}
