/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Follows the length of a container: each reading is one small read. */
#include "inquiry/fills.h"

#include <stdio.h>

#include "base/fit.h"
#include "base/thresholds.h"
#include "why/bound.h"
#include "why/paths.h"

#define FIRST_MIDDLE_NS 5000000000
#define RATE_NS		5000000000 /* over less time a rate is chance */

static const char *last_word(const char *type)
{
	const char *dot = type ? strrchr(type, '.') : NULL;

	return dot ? dot + 1 : type ? type : "container";
}

/* The container's type for people: the dict of an lru_cache is called by the cache, as its user has
 * never seen the dict. */
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
		.still_ns = now_ns,
	};
	snprintf(f->name, sizeof(f->name), "%s", most ? s->bound_name : "");
	snprintf(f->what, sizeof(f->what), "%s", what_of(p, i));
}

/* Is this a step: did the container get, after standing still, at least half of what its mean pace
 * would have brought meanwhile? */
static bool is_step(const struct fill *f, uint64_t still_ns, uint64_t n)
{
	double gain = (double)n - (double)f->first, watched = (double)(f->last_ns - f->first_ns);

	return gain > REST_STEPS_PART * (double)f->first &&
	       (double)(n - f->calm) > gain * (double)still_ns / watched / 2;
}

static void keep_middle(struct fill *f)
{
	uint64_t span = f->last_ns - f->first_ns;

	if (span < FIRST_MIDDLE_NS || (f->next_ns && span < 2 * (f->next_ns - f->first_ns)))
		return;
	f->mid = f->next;
	f->mid_ns = f->next_ns;
	f->next = f->last;
	f->next_ns = f->last_ns;
}

/* Adds the last reading to the sums of all; the first one adds only to their number. */
static void add_up(struct fill *f)
{
	double s = (double)(f->last_ns - f->first_ns) / 1e9;
	double more = (double)f->last - (double)f->first;

	f->sums.n += f->sums.n > 0 ? 1 : 2;
	f->sums.s += s;
	f->sums.more += more;
	f->sums.s_s += s * s;
	f->sums.s_more += s * more;
	f->sums.more_more += more * more;
}

/* Starts anew after the container was emptied: how it moved before says nothing of what comes now.
 */
static void cut(struct fill *f, struct fill_steps *steps, uint64_t n)
{
	f->peak = f->calm > f->peak ? f->calm : f->peak;
	f->before_ns = f->last_ns - f->first_ns;
	f->first = f->last = f->calm = n;
	f->cut_ns = f->first_ns = f->calm_ns = f->still_ns = f->last_ns;
	f->mid_ns = f->next_ns = 0;
	f->sums = (struct fill_sums){0};
	*steps = (struct fill_steps){.addr = f->addr, .grew_ns = f->last_ns};
}

void fill_moved(struct fill *f, struct fill_steps *steps, uint64_t n)
{
	if (steps->addr != f->addr)
		*steps = (struct fill_steps){.addr = f->addr, .grew_ns = f->calm_ns};
	if (f->last >= CUT_FEWEST && (double)n < CUT_PART * (double)f->last) {
		cut(f, steps, n);
		return;
	}
	bool was_still = steps->is_still;

	if (n > f->peak)
		f->peak = 0;
	f->last = n;
	if ((double)n > (double)f->calm * (1 + REST_CALM_PART) + 1) {
		uint64_t still_ns = f->last_ns - steps->grew_ns;

		/* standing still from one reading to the next is no pause */
		if (was_still && still_ns > steps->longest_ns && is_step(f, still_ns, n))
			steps->longest_ns = still_ns;
		f->calm = n;
		steps->grew_ns = f->last_ns;
	}
	steps->is_still = f->last_ns > steps->grew_ns;
	/* it rests when it stands still for half as long again as between two steps, and at two
	 * readings */
	f->still_ns = steps->grew_ns + steps->longest_ns + steps->longest_ns / 2;
	if (f->still_ns > f->last_ns)
		f->still_ns = f->last_ns;
	f->calm_ns = was_still ? f->still_ns : f->last_ns;
	keep_middle(f);
	add_up(f);
}

void fill_read(struct fill *f, struct fill_steps *steps, uint64_t n, uint64_t now_ns)
{
	uint64_t was = f->last;

	/* it is gone, or has more entries than its bound allows, which is none then */
	if (n == UINT64_MAX || (f->most && !heap_bound_holds(f->most, f->enforced, n))) {
		f->addr = 0;
		return;
	}
	f->last_ns = now_ns;
	fill_moved(f, steps, n);
	if (!f->most)
		return;
	/* it was over its bound and dropped a batch: it fills again */
	if (was > f->most && n < f->first) {
		f->first = n;
		f->first_ns = now_ns;
		f->sums = (struct fill_sums){0};
	}
	/* over its bound, it is full only when it stops filling */
	if (n < f->most || (n > f->most && n > was))
		f->full_ns = 0;
	else if (!f->full_ns)
		f->full_ns = now_ns;
}

void fill_look(struct fill *f, struct fill_steps *steps, const struct py_runtime *rt,
	       uint64_t now_ns)
{
	uint64_t type, before = steps->addr == f->addr ? steps->type : 0;

	if (!f->addr || !rt)
		return;
	/* it was freed, and something else lies there */
	if (proc_read_u64(rt->proc, f->addr + rt->layout.ob_type, &type) ||
	    (before && type != before)) {
		f->addr = 0;
		*steps = (struct fill_steps){0};
		return;
	}
	fill_read(f, steps, py_length(rt, f->addr), now_ns);
	if (f->addr)
		steps->type = type;
}

/* Entries per second since the first reading; if far fewer came since still_ns, only those; 0 if it
 * stands. */
static double rate_of(const struct fill *f)
{
	double watched_s = (double)(f->last_ns - f->first_ns) / 1e9;
	double still_s = (double)(f->last_ns - f->still_ns) / 1e9;
	double rate = f->last > f->first ? (double)(f->last - f->first) / watched_s : 0;
	double since = f->last > f->calm ? (double)(f->last - f->calm) : 0;

	if (still_s * 1e9 < RATE_NS || rate * still_s < REST_ADDS ||
	    since * GOES_ON_APART >= rate * still_s)
		return rate;
	return since <= REST_GAIN_PART * rate * still_s ? 0 : since / still_s;
}

int fill_tell(const struct fill *f, struct why_path *p)
{
	for (size_t i = 0; f->addr && i < p->n; i++) {
		struct why_step *s = &p->step[i];

		if (s->addr != f->addr || s->entries == WHY_UNKNOWN)
			continue;
		s->entries = f->last;
		s->has_grown |= s->growth > 0;
		if (s->has_grown && f->last_ns - f->first_ns >= RATE_NS)
			s->growth = rate_of(f);
	}
	return paths_text(p);
}

bool fill_has_new_entries(size_t entries, size_t seen)
{
	return entries >= REPLACED_FEWEST && (double)seen >= REPLACED_NEW_PART * (double)entries;
}

bool fill_keeps_size(const double *born_s, const double *bytes, size_t n)
{
	struct fit_line f;

	if (n < REPLACED_SIZES)
		return false;
	fit_theil_sen(born_s, bytes, n, &f);
	return !(f.low > 0 && f.slope * (born_s[n - 1] - born_s[0]) > REPLACED_SIZE_PART * f.level);
}
