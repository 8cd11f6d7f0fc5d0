/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Writes and reads evidence as bytes: each member is named once for both, and one that is added
 * comes last in its structure. docs/RECORDING.md lists for users what is in it. */
#include "record/evidence_io.h"

#include <math.h>

#include "base/series.h"
#include "record/evidence_seen.h"

#define MOST	 1e15
#define MOST_SUM 1e40 /* of squares */

static void points(struct wire *w, struct trend_points *p)
{
	size_t n = wire_count(w, p->n, 24);
	double *v = NULL;

	if (w->reads) {
		p->n = 0;
		if (n > SERIES_POINTS) {
			w->wrong = "a series is too long";
			return;
		}
		if (!n || !wire_room(w, (void **)&v, n, 3 * sizeof(*v)))
			return;
		*p = (struct trend_points){n, v, v + n, v + 2 * n};
	}
	for (size_t i = 0; i < n; i++) {
		wire_known(w, &p->t[i], WIRE_MOST_S);
		wire_known(w, &p->v[i], MOST);
		wire_known(w, &p->top[i], MOST);
	}
}

static void curve(struct wire *w, struct curve *c)
{
	wire_int(w, &c->shape);
	wire_u64(w, &c->points);
	wire_known(w, &c->span_s, WIRE_MOST_S);
	wire_known(w, &c->slope, MOST);
	wire_known(w, &c->low, MOST);
	wire_known(w, &c->high, MOST);
	wire_known(w, &c->since_s, WIRE_MOST_S);
	wire_known(w, &c->fastest, MOST);
	wire_known(w, &c->gain, MOST);
	wire_known(w, &c->height, MOST);
	wire_int(w, &c->minima);
	wire_known(w, &c->confidence, 1);
	if ((unsigned)c->shape >= CURVE_SHAPES)
		w->wrong = "no such shape of a curve";
}

/* ---- Memory. ---- */

static void kept(struct wire *w, struct retention_evidence *k)
{
	struct retention_growth *g = &k->grew;

	wire_double(w, &k->watched_s);
	wire_double(w, &g->rss);
	wire_double(w, &g->anon);
	wire_double(w, &g->private_bytes);
	wire_double(w, &g->shared);
	wire_double(w, &g->huge);
	wire_double(w, &g->shmem);
	wire_double(w, &g->live);
	wire_double(w, &g->pools);
	wire_double(w, &g->malloced);
	wire_double(w, &g->uncounted);
	wire_double(w, &g->malloc_slack);
	wire_double(w, &g->cgroup);
	wire_double(w, &g->cgroup_file);
	wire_double(w, &g->io);
	wire_double(w, &k->rss);
	wire_double(w, &k->huge);
	wire_double(w, &k->pools_idle);
	wire_double(w, &k->malloc_slack);
	wire_double(w, &k->trimmable);
	wire_double(w, &k->arenas);
	wire_bool(w, &k->is_forked);
}

static void memory_fact(struct wire *w, struct memory_fact *f)
{
	points(w, &f->rss);
	points(w, &f->live);
	points(w, &f->malloced);
	wire_bool(w, &f->has_mimalloc);
	for (size_t i = 0; i < MEMORY_SLOPES; i++)
		points(w, &f->slope[i]);
	points(w, &f->room);
	wire_u64(w, &f->pools_bytes);
	wire_u64(w, &f->live_bytes);
	wire_object(w, &f->kept, kept);
	points(w, &f->work.waited);
	points(w, &f->work.turns);
	points(w, &f->work.ran);
}

/* ---- Objects. ---- */

static void survivor(struct wire *w, struct survivor *s)
{
	double weight = (double)s->weight;

	wire_u64(w, &s->addr);
	wire_u64(w, &s->type);
	wire_u64(w, &s->stack);
	wire_u64(w, &s->born_ns);
	wire_u64(w, &s->collections);
	wire_u64(w, &s->content);
	wire_u64(w, &s->bytes);
	wire_known(w, &weight, MOST);
	s->weight = (float)weight;
	wire_int(w, &s->burst);
	wire_int(w, &s->rung);
	wire_int(w, &s->parts);
	wire_bool(w, &s->gc);
	wire_bool(w, &s->ambiguous);
	if (s->rung > SURVIVOR_RUNGS || s->parts > EVIDENCE_PARTS) {
		w->wrong = "a survivor has too many looks or parts";
		return;
	}
	for (unsigned i = 0; i < s->parts; i++) {
		wire_u64(w, &s->part[i].addr);
		wire_int(w, &s->part[i].bytes);
		wire_int(w, &s->part[i].cls);
	}
	wire_known(w, &s->often, MOST);
	wire_u64(w, &s->nth);
	wire_bool(w, &s->is_beside_all);
}

static void deaths(struct wire *w, struct evidence_count *c)
{
	wire_u64(w, &c->of);
	wire_u64(w, &c->n);
}

static void coverage_point(struct wire *w, struct coverage_point *p)
{
	wire_known(w, &p->begin_s, WIRE_MOST_S);
	wire_known(w, &p->at_s, WIRE_MOST_S);
	wire_known(w, &p->on_s, WIRE_MOST_S);
}

static void coverage(struct wire *w, struct coverage *c)
{
	size_t n = wire_count(w, c->n, 24);

	if (n > COVERAGE_POINTS) {
		w->wrong = "too many windows";
		return;
	}
	c->n = n;
	for (size_t i = 0; i < n; i++)
		coverage_point(w, &c->v[i]);
	wire_known(w, &c->width_s, WIRE_MOST_S);
}

static void traffic(struct wire *w, struct traffic *t)
{
	size_t rows = wire_count(w, t->n_rows, 3), moments = wire_count(w, t->n_moments, 1);

	if (rows > TRAFFIC_STACKS || moments > TRAFFIC_MOMENTS) {
		w->wrong = "births of too many stacks, or at too many times";
		return;
	}
	t->n_rows = rows;
	t->n_moments = moments;
	wire_numbers(w, t->until_ns, moments);
	for (size_t i = 0; i < rows; i++) {
		wire_u64(w, &t->row[i].stack);
		wire_u64(w, &t->row[i].root);
		for (size_t m = 0; m < moments; m++)
			wire_int(w, &t->row[i].n[m]);
	}
}

/* The series of all size classes as one object, which may be missing. */
struct classes {
	struct trend_points of[EVIDENCE_CLASSES];
};

static void classes(struct wire *w, struct classes *c)
{
	for (size_t i = 0; i < EVIDENCE_CLASSES; i++)
		points(w, &c->of[i]);
}

static void objects(struct wire *w, struct evidence_objects *o)
{
	struct classes *c = (struct classes *)(uintptr_t)o->classes;

	wire_objects(w, o->v, o->n, 18, survivor);
	wire_array(w, o->deaths, o->n_deaths, 2, deaths);
	wire_array(w, o->replaced, o->n_replaced, 1, wire_u64);
	wire_u64(w, &o->collections);
	wire_int(w, &o->bursts);
	wire_maybe(w, o->watched, coverage);
	wire_known(w, &o->coverage, MOST);
	wire_maybe(w, c, classes);
	o->classes = c ? c->of : NULL;
	wire_known(w, &o->counted_s, WIRE_MOST_S);
	wire_known(w, &o->uncounted_s, WIRE_MOST_S);
	wire_maybe(w, o->aimed, coverage);
	wire_maybe(w, o->traffic, traffic);
	wire_known(w, &o->stopped_s, WIRE_MOST_S);
}

/* ---- Native blocks. ---- */

static void point(struct wire *w, struct native_point *p)
{
	wire_known(w, &p->t_s, WIRE_MOST_S);
	wire_known(w, &p->bytes, MOST);
	wire_known(w, &p->count, MOST);
}

static void native_site(struct wire *w, struct native_site *n)
{
	uint64_t stack = n->key.stack, caller = n->key.caller;

	wire_u64(w, &stack);
	wire_u64(w, &caller);
	n->key.stack = stack;
	n->key.caller = caller;
	wire_int(w, &n->key.kind);
	wire_known(w, &n->live_bytes, MOST);
	wire_known(w, &n->live_count, MOST);
	wire_known(w, &n->young_bytes, MOST);
	wire_double(w, &n->waste_bytes);
	wire_u64(w, &n->samples);
	wire_u64(w, &n->oldest_ns);
	wire_known(w, &n->mortality, 1);
	wire_bool(w, &n->estimated);
	wire_int(w, &n->checked);
	wire_int(w, &n->objects);
	wire_u64(w, &n->type);
	wire_array(w, n->points, n->n_points, 24, point);
	if (n->n_points > NATIVE_POINTS)
		w->wrong = "a native series is too long";
	wire_int(w, &n->met);
	wire_known(w, &n->met_s, WIRE_MOST_S);
	wire_u64(w, &n->named);
	wire_known(w, &n->most_bytes_per_s, MOST);
}

static void frame(struct wire *w, struct report_frame *f)
{
	wire_string(w, &f->function);
	wire_string(w, &f->file);
	wire_int(w, &f->line);
	wire_string(w, &f->module);
	wire_u64(w, &f->offset);
	f->native = true;
	if (!f->module)
		w->wrong = "a native frame is in no module";
}

static void native_frame(struct wire *w, struct evidence_native_frame *f)
{
	wire_bool(w, &f->is_eval);
	wire_array(w, f->frame, f->n, 5, frame);
}

static void way(struct wire *w, struct evidence_way *x)
{
	bool known = x->frame != NULL;

	wire_u64(w, &x->stack);
	wire_u64(w, &x->of);
	wire_known(w, &x->share, 1);
	wire_bool(w, &x->is_cut);
	wire_bool(w, &known);
	if (known)
		wire_array(w, x->frame, x->n, 2, native_frame);
	for (size_t i = 0; known && i < x->n; i++)
		wire_string(w, (const char **)(uintptr_t)&x->frame[i].build_id);
}

static void native(struct wire *w, struct evidence_native *n)
{
	wire_bool(w, &n->is_watched);
	wire_bool(w, &n->is_exact);
	wire_objects(w, n->v, n->n, 48, native_site);
	wire_objects(w, n->way, n->n_ways, 12, way);
	wire_bool(w, &n->has_ways);
	for (size_t i = 0; i < PL_UNKNOWN_BINS; i++)
		wire_known(w, &n->unknown_per_s[i], MOST);
	wire_bool(w, &n->has_tracemalloc);
}

/* ---- Holders. ---- */

static void step(struct wire *w, struct report_holder_step *s)
{
	wire_string(w, &s->edge);
	wire_string(w, &s->name);
	wire_string(w, &s->type);
	wire_u64(w, &s->entries);
	wire_known(w, &s->growth_per_s, MOST);
	wire_u64(w, &s->most);
	if (!s->edge)
		w->wrong = "a step has no kind";
}

static void sums(struct wire *w, struct fill_sums *k)
{
	wire_known(w, &k->n, MOST);
	wire_known(w, &k->s, MOST_SUM);
	wire_known(w, &k->more, MOST_SUM);
	wire_known(w, &k->s_s, MOST_SUM);
	wire_known(w, &k->s_more, MOST_SUM);
	wire_known(w, &k->more_more, MOST_SUM);
}

static void fill(struct wire *w, struct fill *f)
{
	wire_u64(w, &f->addr);
	wire_u64(w, &f->most);
	wire_bool(w, &f->enforced);
	wire_chars(w, f->name, sizeof(f->name));
	wire_chars(w, f->what, sizeof(f->what));
	wire_u64(w, &f->first);
	wire_u64(w, &f->first_ns);
	wire_u64(w, &f->last);
	wire_u64(w, &f->last_ns);
	wire_u64(w, &f->full_ns);
	wire_u64(w, &f->calm);
	wire_u64(w, &f->calm_ns);
	wire_u64(w, &f->mid);
	wire_u64(w, &f->mid_ns);
	wire_u64(w, &f->next);
	wire_u64(w, &f->next_ns);
	wire_u64(w, &f->peak);
	wire_u64(w, &f->cut_ns);
	wire_u64(w, &f->before_ns);
	sums(w, &f->sums);
}

static void holder(struct wire *w, struct holder_fact *f)
{
	struct report_holder *h = &f->holder;

	wire_chars(w, f->id, sizeof(f->id));
	wire_int(w, &f->kind);
	wire_bool(w, &f->is_known);
	wire_string(w, &h->root);
	wire_string(w, &h->path);
	wire_known(w, &h->share, 1);
	wire_objects(w, h->step, h->n, 12, step);
	wire_bool(w, &h->gc_known);
	wire_bool(w, &h->gc_enabled);
	wire_bool(w, &h->is_chain);
	wire_bool(w, &h->uncollectable);
	wire_bool(w, &h->frozen);
	wire_object(w, &f->fill, fill);
	wire_bool(w, &f->is_one);
	wire_bool(w, &f->has_new_entries);
	wire_bool(w, &f->replaces);
	wire_known(w, &h->in_container, 1);
	wire_bool(w, &h->through_c);
	wire_int(w, &f->objects);
	wire_int(w, &f->entries);
	wire_int(w, &f->new_entries);
	if (f->is_known && (!h->root || !h->path))
		w->wrong = "a holder has no path";
}

/* ---- Descriptors and threads. ---- */

static void type_share(struct wire *w, struct report_type *t)
{
	wire_string(w, &t->name);
	wire_known(w, &t->share, 1);
	if (!t->name)
		w->wrong = "a type has no name";
}

static void fd(struct wire *w, struct fd_fact *f)
{
	wire_u64(w, &f->stack);
	wire_int(w, &f->kind);
	wire_u64(w, &f->n);
	wire_known(w, &f->rate, MOST);
	wire_known(w, &f->scale, MOST);
	wire_known(w, &f->oldest_s, WIRE_MOST_S);
	wire_int(w, &f->moments);
	wire_int(w, &f->quarters);
	wire_object(w, &f->curve, curve);
	wire_known(w, &f->curve_rate, MOST);
	wire_array(w, f->types, f->n_types, 9, type_share);
	wire_int(w, &f->facts.most);
	wire_u64(w, &f->facts.n);
	wire_u64(w, &f->facts.abandoned);
	wire_u64(w, &f->facts.zombies);
	wire_string(w, &f->facts.what);
	wire_string(w, &f->facts.database);
	if (f->kind != KIND_FD && f->kind != KIND_THREAD)
		w->wrong = "no such kind of thing that is open";
	if ((unsigned)f->facts.most > FD_FACT_CHILD)
		w->wrong = "no such kind of descriptor";
}

/* ---- Stacks, types, and the whole. ---- */

static void stack_frame(struct wire *w, struct evidence_frame *f)
{
	wire_string(w, &f->function);
	wire_string(w, &f->file);
	wire_int(w, &f->line);
	wire_bool(w, &f->entry);
}

static void stack(struct wire *w, struct evidence_stack *s)
{
	wire_u64(w, &s->id);
	wire_bool(w, &s->truncated);
	wire_array(w, s->frame, s->n, 4, stack_frame);
	for (size_t i = 0; i < s->n && !w->wrong; i++)
		wire_int(w, (uint32_t *)(uintptr_t)&s->frame[i].place);
}

static void type(struct wire *w, struct evidence_type *t)
{
	wire_u64(w, &t->type);
	wire_string(w, &t->name);
}

/* Are the times possible? Nothing is born after the moment that tells of it. */
static bool is_in_order(const struct evidence *e)
{
	bool ok = e->start_ns <= e->now_ns && e->now_ns < (uint64_t)(WIRE_MOST_S * 1e9);

	for (size_t i = 0; i < e->objects.n; i++)
		ok &= e->objects.v[i].born_ns <= e->now_ns && e->objects.v[i].weight >= 0;
	return ok;
}

static void evidence(struct wire *w, struct evidence *e)
{
	wire_u64(w, &e->start_ns);
	wire_u64(w, &e->now_ns);
	wire_known(w, &e->older_s, WIRE_MOST_S);
	wire_u64(w, &e->min_size);
	wire_u64(w, &e->max_size);
	wire_string(w, &e->interpreter);
	wire_object(w, &e->seen, evidence_seen);
	wire_object(w, &e->memory, memory_fact);
	wire_object(w, &e->objects, objects);
	wire_object(w, &e->native, native);
	wire_objects(w, e->holder, e->n_holders, 30, holder);
	wire_bool(w, &e->asks);
	wire_objects(w, e->fd, e->n_fds, 100, fd);
	wire_objects(w, e->stack, e->n_stacks, 3, stack);
	wire_array(w, e->type, e->n_types, 2, type);
	if (w->reads && !w->wrong && !e->interpreter)
		w->wrong = "it has no interpreter";
	if (w->reads && !w->wrong && !is_in_order(e))
		w->wrong = "its times are not in order";
}

int evidence_write(const struct evidence *e, unsigned char **out, size_t *n)
{
	struct wire w = {0};
	struct evidence copy = *e;
	int err;

	wire_object(&w, &copy, evidence);
	err = wire_error(&w);
	*out = err ? NULL : w.v;
	*n = err ? 0 : w.n;
	if (err)
		free(w.v);
	return err;
}

int evidence_read(const unsigned char *from, size_t n, struct report *r, struct evidence *out)
{
	struct wire w = {.reads = true,
			 .v = (unsigned char *)(uintptr_t)from,
			 .n = n,
			 .r = r,
			 .had = report_bytes(r)};

	memset(out, 0, sizeof(*out));
	wire_object(&w, out, evidence);
	if (!w.wrong && w.at != n)
		w.wrong = "it goes on behind its end";
	return wire_error(&w);
}
