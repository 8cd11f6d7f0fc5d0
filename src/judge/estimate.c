/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From survivors to rates.
 *
 * For a size class c of pymalloc: its live blocks grow by g(c) per second, read from outside. The
 * survivors of a stack own blocks in it: their bodies, and their satellites. Let w be the number of
 * survivors per second of the run that a sample stands for; D(c) = sum of w over all blocks in c of
 * all survivors. Then g(c) / D(c) is what one survivor stands for, and a stack's rate is its w
 * times that, with c the class of the body. */
#include <math.h>

#include "base/coverage.h"
#include "base/map64.h"
#include "base/thresholds.h"
#include "judge/estimate_priv.h"

struct builder {
	VEC(struct estimate_site) site;
	struct map64 index;	 /* stack -> place + 1 */
	struct map64 burst;	 /* stack ^ burst seen */
	struct map64 moment;	 /* stack ^ moment -> survivors born in it */
	struct map64 moments;	 /* moment -> survivors of all stacks born in it */
	double all, all_squares; /* survivors; sum of squares of how many each moment has */
	struct map64 type;	 /* stack ^ type and class -> place + 1 in the site's types */
	VEC(struct estimate_birth) births;
	VEC(struct estimate_held) held;
	const struct estimate_classes *c;
};

static struct estimate_site *site_of(struct builder *b, uint64_t stack)
{
	uint64_t *place = map64_put(&b->index, stack);
	struct estimate_site *s;

	if (!place)
		return NULL;
	if (*place)
		return &b->site.v[*place - 1];
	s = vec_push(&b->site);
	if (!s)
		return NULL;
	*place = b->site.n;
	s->stack = stack;
	s->youngest_s = INFINITY;
	s->weak = true;
	s->waits_for_gc = true;
	return s;
}

static struct estimate_type *type_of(struct builder *b, struct estimate_site *s,
				     const struct survivor *v)
{
	unsigned cls = sample_class(v);
	uint64_t *place = map64_put(&b->type, sample_key(s->stack, v->type << 6 | cls));
	struct estimate_type *grown;

	if (!place)
		return NULL;
	if (*place && *place <= s->n_types && s->types[*place - 1].type == v->type &&
	    s->types[*place - 1].cls == cls)
		return &s->types[*place - 1];
	grown = reallocarray(s->types, s->n_types + 1, sizeof(*grown));
	if (!grown)
		return NULL;
	s->types = grown;
	memset(&grown[s->n_types], 0, sizeof(*grown));
	grown[s->n_types].type = v->type;
	grown[s->n_types].cls = cls;
	*place = s->n_types + 1;
	return &grown[s->n_types++];
}

/* Counts one more survivor in a moment. Returns by how much the sum of squares grows. */
static double one_more(struct map64 *moments, uint64_t key)
{
	uint64_t *n = map64_put(moments, key);

	return n ? 2 * (double)(*n)++ + 1 : 1;
}

/* Notes how survivors are spread over moments: of one stack, those born together are no independent
 * samples, unless all stacks had many then (a long moment, or the window). */
static void note_moment(struct builder *b, struct estimate_site *s, const struct survivor *v)
{
	uint64_t moment = sample_moment(v);

	s->squares += one_more(&b->moment, sample_key(v->stack, moment));
	b->all_squares += one_more(&b->moments, moment);
	b->all++;
}

static void note_birth(struct builder *b, struct estimate_site *s, const struct survivor *v,
		       const struct estimate_opts *o)
{
	double whole_s = fmin((double)(o->now_ns - o->start_ns) / 1e9, LEAK_QUARTERS_S);
	double run_s = fmax(class_window_s(b->c, sample_class(v), o), whole_s) - survivor_age_s[1],
	       age = sample_age_s(v, o);
	double born_s = run_s + survivor_age_s[1] - age;
	double part = run_s > 0 ? 4 * born_s / run_s : 0;
	unsigned q = part >= 3 ? 3 : part > 0 ? (unsigned)part : 0;
	uint64_t *seen = map64_put(&b->burst, sample_key(v->stack, v->burst));

	if (seen && !(*seen)++)
		s->bursts++;
	note_moment(b, s, v);
	s->quarters |= 1u << q;
	if (age > s->oldest_s)
		s->oldest_s = age;
	if (age < s->youngest_s)
		s->youngest_s = age;
	if (!sample_weak(v, o) && !v->doubtful)
		s->weak = false;
	if (o->collections > v->collections + s->collections)
		s->collections = o->collections - v->collections;
	if (!v->gc || o->collections > v->collections || age >= GC_WAIT_S)
		s->waits_for_gc = false;
}

static void note_before(struct estimate_site *s, const struct estimate_classes *c,
			const struct survivor *v, const struct estimate_opts *o)
{
	double since_s = c->curve[sample_class(v)].since_s, age = sample_age_s(v, o);

	if (since_s >= LATE_PART * (double)(o->now_ns - o->start_ns) / 1e9)
		return;
	if (age < since_s) {
		s->since += v->stands_for;
	} else if (age < 2 * since_s) {
		s->before += v->stands_for;
		s->before_samples++;
	}
}

/* Adds a survivor to what its site holds, whether or not it counts for the rate. */
static void add_seen(struct builder *b, const struct survivor *v, const struct estimate_opts *o)
{
	struct estimate_site *s = site_of(b, v->stack);
	double count = v->stands_for * b->c->held[sample_class(v)];
	struct estimate_type *t;

	if (!s)
		return;
	s->stopped = v->stopped;
	note_before(s, b->c, v, o);
	s->held_count += count;
	s->held_bytes += count * (double)v->told;
	s->seen++;
	t = type_of(b, s, v);
	if (t)
		t->held_count += count;
	if (t && !s->samples)
		t->weight += v->stands_for;
	if (!s->samples)
		s->oldest_s = fmax(s->oldest_s, sample_age_s(v, o));
}

static int add_sample(struct builder *b, const struct survivor *v, const struct estimate_classes *c,
		      const struct estimate_opts *o)
{
	struct estimate_site *s = site_of(b, v->stack);
	struct estimate_type *t = s ? type_of(b, s, v) : NULL;
	unsigned cls = sample_class(v);
	double rate = sample_per_s(v, c, o) * c->factor[cls];
	const struct coverage *watched = sample_watched(v, o);

	if (!t)
		return fail(-ENOMEM, "out of memory");
	s->samples++;
	s->window_s = fmax(s->window_s, class_window_s(c, cls, o));
	s->weight += v->stands_for;
	s->mean_age_s += (double)v->weight * sample_age_s(v, o);
	s->least_s = fmax(survivor_age_s[c->rung[cls] - 1], o->older_s);
	s->lived += (double)v->weight;
	if (watched && !s->watched_age_s)
		s->watched_age_s = coverage_age_s(
			watched, c->since_ns[cls] > o->start_ns ? c->since_ns[cls] : o->start_ns,
			o->now_ns, s->least_s);
	t->weight += v->stands_for;
	t->count_per_s += rate;
	t->bytes_per_s += rate * (double)v->told;
	for (unsigned p = 0; p < v->parts; p++)
		if (v->part[p].cls < 0)
			s->malloc_bytes += v->stands_for * (double)part_takes(&v->part[p], o);
	s->count_per_s += rate;
	s->bytes_per_s += rate * (double)v->told;
	note_birth(b, s, v, o);
	return 0;
}

/* Lists a birth with its number among those of its type, also if it is too young to tell a leak
 * from a cache: judge/stays.c sets survivors against births. */
static void add_birth(struct builder *b, const struct survivor *v, const struct estimate_opts *o)
{
	struct estimate_birth *to = v->nth && sample_wanted(v, o) ? vec_push(&b->births) : NULL;

	if (to)
		*to = (struct estimate_birth){v->stack, v->type, v->nth, (double)v->weight,
					      sample_weak(v, o)};
}

static double mortality_of(const struct estimate_site *s, const struct estimate_opts *o)
{
	const uint64_t *died = o->deaths ? map64_get(o->deaths, s->stack) : NULL;

	if (!o->deaths)
		return NAN;
	return died ? (double)*died / ((double)*died + s->lived) : 0;
}

/* Variance of a site's number of samples: from how they are spread over the moments, less what the
 * spread of all survivors explains; at least that of independent ones. */
static double variance_of(const struct builder *b, const struct estimate_site *s)
{
	double n = (double)s->samples;

	return fmax(s->squares - n * n * b->all_squares / (b->all * b->all), n);
}

/* The size class that gives the site most of its growth; without growth, that of most bodies. */
static unsigned main_class(const struct estimate_site *s)
{
	double bytes[EVIDENCE_CLASSES + 1] = {0}, weight[EVIDENCE_CLASSES + 1] = {0};
	unsigned most = 0;

	for (size_t i = 0; i < s->n_types; i++) {
		bytes[s->types[i].cls] += s->types[i].bytes_per_s;
		weight[s->types[i].cls] += s->types[i].weight;
	}
	for (unsigned k = 1; k <= EVIDENCE_CLASSES; k++)
		if (bytes[k] > bytes[most] || (!(bytes[most] > 0) && weight[k] > weight[most]))
			most = k;
	return most;
}

static double bytes_of(const struct estimate_site *s, uint64_t type)
{
	double sum = 0;

	for (size_t i = 0; i < s->n_types; i++)
		if (s->types[i].type == type)
			sum += s->types[i].bytes_per_s;
	return sum;
}

static uint64_t main_type(const struct estimate_site *s)
{
	uint64_t most = s->types[0].type;

	for (size_t i = 1; i < s->n_types; i++)
		if (bytes_of(s, s->types[i].type) > bytes_of(s, most))
			most = s->types[i].type;
	return most;
}

/* Drops a site, but for what it holds. */
static void drop(struct builder *b, struct estimate_site *s)
{
	struct estimate_held *to = s->held_count > 0 ? vec_push(&b->held) : NULL;

	if (to)
		*to = (struct estimate_held){s->stack, s->held_count, s->held_bytes};
	free(s->types);
}

/* Keeps sites that have survivors which count, or have stopped, and finishes their means. */
static void finish(struct builder *b, const struct estimate_opts *o, struct estimate *out)
{
	size_t kept = 0;

	for (size_t i = 0; i < b->site.n; i++) {
		struct estimate_site *s = &b->site.v[i];

		if (!s->samples && !s->stopped) {
			drop(b, s);
			continue;
		}
		s->cls = main_class(s);
		s->type = s->n_types ? main_type(s) : 0;
		if (s->samples) {
			s->malloc_bytes /= s->weight;
			s->mean_age_s /= s->lived;
			s->mortality = mortality_of(s, o);
			s->variance = variance_of(b, s);
		}
		b->site.v[kept++] = *s;
	}
	out->sites = b->site.v;
	out->n = kept;
	out->births = b->births.v;
	out->n_births = b->births.n;
	out->held = b->held.v;
	out->n_held = b->held.n;
}

static void add_lasting(struct estimate *out)
{
	for (size_t i = 0; i < out->n; i++) {
		const struct estimate_site *s = &out->sites[i];

		if (s->samples && s->mortality < SITE_MORTAL) {
			out->lasting_since[s->cls] += s->since;
			out->lasting_before[s->cls] += s->before;
		}
	}
}

int estimate_sites(const struct survivor *samples, size_t n, const struct trend_points *classes,
		   const struct estimate_opts *o, struct estimate *out)
{
	auto_free struct survivor *v = malloc((n ? n : 1) * sizeof(*v));
	struct estimate_classes c = {.curve = out->curve};
	struct builder b = {.c = &c};
	int err = 0;

	memset(out, 0, sizeof(*out));
	if (!v)
		return fail(-ENOMEM, "out of memory");
	if (n)
		memcpy(v, samples, n * sizeof(*v));
	classes_judge(classes, o, &c);
	samples_weigh(v, n, o);
	samples_drop_replaced(v, n, &c, o);
	samples_drop_impostors(v, n, o);
	samples_mark_stopped(v, n, o);
	classes_choose_rungs(v, n, o, &c);
	samples_mark_doubtful(v, n, &c, o);
	classes_find_factors(v, n, classes, o, &c);
	classes_find_held(v, n, o, &c);
	samples_part_blocks(v, n, &c, o);
	for (size_t i = 0; i < n && !err; i++)
		if (sample_counts(&v[i], &c, o))
			err = add_sample(&b, &v[i], &c, o);
	for (size_t i = 0; i < n; i++) {
		if (sample_holds(&v[i], &c, o))
			add_seen(&b, &v[i], o);
		add_birth(&b, &v[i], o);
	}
	finish(&b, o, out);
	add_lasting(out);
	map64_free(&b.index);
	map64_free(&b.burst);
	map64_free(&b.moment);
	map64_free(&b.moments);
	map64_free(&b.type);
	if (err)
		estimate_free(out);
	return err;
}

void estimate_free(struct estimate *e)
{
	for (size_t i = 0; i < e->n; i++)
		free(e->sites[i].types);
	free(e->sites);
	free(e->births);
	free(e->held);
	e->sites = NULL;
	e->births = NULL;
	e->held = NULL;
	e->n = e->n_births = e->n_held = 0;
}
