/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Looking at a container with a bound again and again: a length is one small read. */
#include "session/fills.h"

#include <stdio.h>

#include "heap/bound.h"

#define SETTLE_NS 5000000000ull	 /* so long it may stand still and pass for filling */
#define SHOWS_NS  20000000000ull /* after so long a curve shows that it has levelled */

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

void fill_found(struct fill *f, const struct why_path *p, size_t i, uint64_t now_ns)
{
	const struct why_step *s = i < p->n ? &p->step[i] : NULL;

	if (!s || s->bound == WHY_UNKNOWN || s->entries == WHY_UNKNOWN || !s->bound_name) {
		f->addr = 0;
		return;
	}
	if (f->addr == s->addr && f->most == s->bound)
		return;
	*f = (struct fill){
		.addr = s->addr,
		.most = s->bound,
		.enforced = s->bound_enforced,
		.first = s->entries,
		.last = s->entries,
		.first_ns = now_ns,
		.last_ns = now_ns,
	};
	snprintf(f->name, sizeof(f->name), "%s", s->bound_name);
	snprintf(f->what, sizeof(f->what), "%s", what_of(p, i));
}

static double per_s(const struct fill *f)
{
	if (f->last <= f->first || f->last_ns <= f->first_ns)
		return 0;
	return (double)(f->last - f->first) / ((double)(f->last_ns - f->first_ns) / 1e9);
}

bool fill_look(struct fill *f, const struct py_runtime *rt, uint64_t now_ns,
	       struct verdict_bound *out)
{
	uint64_t n = f->addr && rt ? py_length(rt, f->addr) : f->last;

	if (!f->addr)
		return false;
	/* It is gone, or it was no bound. */
	if (n == UINT64_MAX || !heap_bound_holds(f->most, f->enforced, n)) {
		f->addr = 0;
		return false;
	}
	f->last = n;
	f->last_ns = rt ? now_ns : f->last_ns;
	if (n >= f->most && !f->full_ns)
		f->full_ns = now_ns;
	else if (n < f->most)
		f->full_ns = 0;
	*out = (struct verdict_bound){
		.most = f->most, .entries = n, .per_s = per_s(f), .name = f->name, .what = f->what};
	if (f->full_ns)
		return f->first < f->most && now_ns - f->full_ns < SHOWS_NS;
	/* What stands still is not where the growth goes. */
	return n > f->first || f->last_ns - f->first_ns < SETTLE_NS;
}
