/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The report's numbers: estimates of all stacks, joined by site, named, judged. */
#include <math.h>

#include "base/map64.h"
#include "report/verdict.h"
#include "session/session_priv.h"

#define MAX_SITES 200 /* in a report; the rest is too small to look at */

struct joined_type {
	const char *name;
	double count, bytes;
};

/* Stacks of one site: same functions, files and lines, other addresses. */
struct joined {
	struct report_site site;
	struct verdict_evidence evidence;
	VEC(struct joined_type) types;
};

struct joiner {
	struct session *s;
	struct report *r;
	VEC(struct joined) v;
	struct map64 index; /* id -> place + 1 */
};

static size_t name_frames(struct joiner *j, const struct stack *st, struct report_frame **out)
{
	struct report_frame *f = report_alloc(j->r, st->n * sizeof(*f));
	size_t n = f ? st->n : 0;

	for (size_t i = 0; i < n; i++) {
		const struct py_code *c = st->frame[i].code;

		f[i] = (struct report_frame){
			.function = c ? report_strdup(j->r, py_code_function(c)) : "?",
			.file = c ? report_strdup(j->r, py_code_file(c)) : "?",
			.line = st->frame[i].line,
		};
	}
	*out = f;
	return n;
}

static struct joined *join_stack(struct joiner *j, const struct stack *st)
{
	struct report_frame *frames;
	size_t n = name_frames(j, st, &frames);
	uint64_t *place;
	struct joined *to;
	char id[17];

	if (!n)
		return NULL;
	report_site_id(frames, n, id);
	place = map64_put(&j->index, strtoull(id, NULL, 16) | 1);
	if (!place)
		return NULL;
	if (*place)
		return &j->v.v[*place - 1];
	to = vec_push(&j->v);
	if (!to)
		return NULL;
	*place = j->v.n;
	memcpy(to->site.id, id, sizeof(id));
	to->site.stack = frames;
	to->site.n_frames = n;
	to->site.truncated = st->flags & PL_STACK_TRUNCATED;
	to->site.kind = KIND_OBJECT;
	to->site.estimated = true;
	to->evidence.weak = true;
	to->evidence.waits_for_gc = true;
	return to;
}

static void join_type(struct joined *to, const char *name, double count, double bytes)
{
	struct joined_type *t;

	for (size_t i = 0; i < to->types.n; i++)
		if (!strcmp(to->types.v[i].name, name)) {
			to->types.v[i].count += count;
			to->types.v[i].bytes += bytes;
			return;
		}
	t = vec_push(&to->types);
	if (t)
		*t = (struct joined_type){name, count, bytes};
}

static void join_estimate(struct joiner *j, const struct estimate_site *e, double run_s)
{
	struct stack *st = stacks_find(j->s->stacks, e->stack);
	struct joined *to = st && e->count_per_s > 0 ? join_stack(j, st) : NULL;
	struct verdict_evidence *v;

	if (!to)
		return;
	for (size_t i = 0; i < e->n_types; i++)
		join_type(to, names_type(j->s->names, e->types[i].type), e->types[i].count_per_s,
			  e->types[i].bytes_per_s);
	to->site.samples += e->samples;
	to->site.growth_count_per_s += e->count_per_s;
	to->site.growth_bytes_per_s += e->bytes_per_s;
	to->site.outstanding_count += e->count_per_s * run_s;
	to->site.outstanding_bytes += e->bytes_per_s * run_s;
	v = &to->evidence;
	if (e->oldest_s > v->oldest_s)
		v->oldest_s = e->oldest_s;
	if (e->quarters > v->quarters)
		v->quarters = e->quarters;
	v->bursts += e->bursts;
	v->weak &= e->weak;
	v->waits_for_gc &= e->waits_for_gc;
}

static int by_count(const void *a, const void *b)
{
	const struct joined_type *x = a, *y = b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return strcmp(x->name, y->name);
}

/* Shares are of the objects, so that growth_count_per_s x share is a type's own rate. */
static void finish_types(struct joiner *j, struct joined *to)
{
	double all = 0;

	if (!to->types.n)
		return;
	qsort(to->types.v, to->types.n, sizeof(*to->types.v), by_count);
	for (size_t i = 0; i < to->types.n; i++)
		all += to->types.v[i].count;
	to->site.types = report_alloc(j->r, to->types.n * sizeof(*to->site.types));
	if (!to->site.types || all <= 0)
		return;
	to->site.n_types = to->types.n;
	for (size_t i = 0; i < to->types.n; i++)
		to->site.types[i] = (struct report_type){report_strdup(j->r, to->types.v[i].name),
							 to->types.v[i].count / all};
}

static void finish_site(struct joiner *j, struct joined *to, double run_s)
{
	struct report_site *site = &to->site;

	finish_types(j, to);
	site->oldest_s = to->evidence.oldest_s;
	to->evidence.run_s = run_s;
	to->evidence.samples = site->samples;
	to->evidence.growth_bytes_per_s = site->growth_bytes_per_s;
	verdict_site(&to->evidence, site);
}

static void add_sources(struct session *s, struct report *r, struct report_site *site)
{
	for (size_t i = 0; i < site->n_frames && i < 3; i++)
		site->stack[i].source =
			session_source(s, r, site->stack[i].file, site->stack[i].line);
}

static int fill_sites(struct session *s, struct report *r, struct report_process *p, double run_s)
{
	struct joiner j = {.s = s, .r = r};
	struct estimate_opts o = {
		.start_ns = s->start_ns,
		.now_ns = s->now_ns,
		.older_s = s->o.older_s,
		.min_size = s->o.min_size,
		.max_size = s->o.max_size,
		.coverage = p->coverage,
	};
	struct estimate e = {0};
	size_t n;
	const struct sample *v = ladder_samples(s->ladder, &n);
	int err;

	if (py_full_collections(s->rt, &o.collections))
		o.collections = 0;
	err = estimate_sites(v, n, heap_has_pools(s->heap) ? s->classes : NULL, &o, &e);
	if (err)
		return err;
	for (size_t i = 0; i < e.n; i++)
		join_estimate(&j, &e.sites[i], run_s);
	p->sites = report_alloc(r, (j.v.n ? j.v.n : 1) * sizeof(*p->sites));
	for (size_t i = 0; i < j.v.n; i++) {
		finish_site(&j, &j.v.v[i], run_s);
		if (p->sites && j.v.v[i].site.verdict != CLASS_STEADY)
			p->sites[p->n_sites++] = j.v.v[i].site;
		vec_free(&j.v.v[i].types);
	}
	report_sort(p);
	if (p->n_sites > MAX_SITES)
		p->n_sites = MAX_SITES;
	for (size_t i = 0; i < p->n_sites && i < s->o.top; i++)
		add_sources(s, r, &p->sites[i]);
	vec_free(&j.v);
	map64_free(&j.index);
	estimate_free(&e);
	return p->sites ? 0 : fail(-ENOMEM, "out of memory");
}

static void fill_lost(struct session *s, struct report *r, struct report_process *p)
{
#define X(id, key, text) {key, text, 0},
	static const struct report_lost kernel[] = {PL_LOST(X)};
#undef X
	const struct ladder_stats *l = ladder_stats(s->ladder);
	const struct report_lost user[] = {
		{"stack_unknown", "a birth's stack was not known to the reader", l->no_stack},
		{"code_unreadable", "a code object was gone before its name was read",
		 stacks_unread_codes(s->stacks)},
		{"code_reused", "a survivor's stack could not be trusted any more", l->code_reused},
		{"torn_reads", "a pool header changed while it was read", s->torn},
		{"samples_thinned", "survivors left out to bound memory; the others count more",
		 l->thinned},
	};
	struct report_lost *v = report_alloc(r, (PL_LOST_MAX + ARRAY_SIZE(user)) * sizeof(*v));

	if (!v)
		return;
	for (size_t i = 0; i < PL_LOST_MAX; i++) {
		v[i] = kernel[i];
		v[i].n = s->stats ? s->stats->lost[i] : 0;
	}
	v[PL_LOST_BIRTHS_FULL].n += s->overruns;
	memcpy(v + PL_LOST_MAX, user, sizeof(user));
	p->lost = v;
	p->n_lost = PL_LOST_MAX + ARRAY_SIZE(user);
}

static void fill_identity(struct session *s, struct report *r, struct report_process *p)
{
	const struct proc *t = s->proc;
	size_t n = 0;

	p->pid = t->pid;
	p->ns_pid = t->ns_pid;
	p->ppid = t->ppid;
	p->comm = report_strdup(r, t->comm);
	while (t->cmdline && t->cmdline[n])
		n++;
	p->cmdline = report_alloc(r, (n + 1) * sizeof(*p->cmdline));
	for (size_t i = 0; p->cmdline && i < n; i++)
		p->cmdline[p->n_cmdline++] = report_strdup(r, t->cmdline[i]);
	p->python_version = report_strdup(r, s->rt->version);
	p->allocator = py_allocator_name(s->rt->allocator);
	p->free_threaded = s->rt->free_threaded;
	p->mode = "auto";
	p->exited = s->ended;
	p->notes = report_alloc(r, (s->n_notes + 1) * sizeof(*p->notes));
	for (size_t i = 0; p->notes && i < s->n_notes; i++)
		p->notes[p->n_notes++] = report_strdup(r, s->note[i]);
}

static void fill_memory(struct session *s, struct report *r, struct report_process *p)
{
	struct trend_fit fit;

	p->rss_bytes = s->mem.rss_bytes ? s->mem.rss_bytes : REPORT_UNKNOWN;
	trend_set_fit(s->memory, TREND_RSS, &fit);
	p->rss_growth_bytes_per_s = fit.n >= 3 ? fit.slope : NAN;
	p->series = report_alloc(r, (s->n_series + 1) * sizeof(*p->series));
	if (p->series) {
		memcpy(p->series, s->series, s->n_series * sizeof(*p->series));
		p->n_series = s->n_series;
	}
}

static void fill_probe(struct session *s, struct report_process *p, double run_s)
{
	uint64_t on = s->on_ns;

	if (s->mode == BIRTHS_ALWAYS)
		on += s->now_ns - s->always_since;
	p->mechanism = s->n_sets ? probe_mechanism_name(s->mechanism) : "none";
	p->on_s = (double)on / 1e9;
	p->coverage = run_s > 0 ? p->on_s / run_s : 0;
	if (p->coverage > 1)
		p->coverage = 1;
	p->slowdown_pct = 100 * budget_slowdown(&s->budget, s->now_ns);
}

/* How much of what grows the sites account for: of RSS, or of the live blocks while RSS rests. */
static double explained(const struct session *s, const struct report_process *p)
{
	double grows = p->rss_growth_bytes_per_s, sites = 0;
	struct trend_fit live;

	trend_set_fit(s->memory, TREND_LIVE, &live);
	if (live.growing && !(grows > live.slope))
		grows = live.slope;
	for (size_t i = 0; i < p->n_sites; i++)
		sites += p->sites[i].growth_bytes_per_s;
	if (!(grows > 512))
		return NAN;
	return sites < grows ? sites / grows : 1;
}

int session_fill(struct session *s, struct report *r, struct report_process *p, bool final)
{
	double run_s;
	int err;

	memset(p, 0, sizeof(*p));
	session_drain(s);
	s->now_ns = s->ended ? s->end_ns : clock_ns();
	run_s = (double)(s->now_ns - s->start_ns) / 1e9;
	r->started_at = s->started_at;
	r->duration_s = run_s;
	r->ended_at = s->started_at + run_s;
	r->final = final;
	fill_identity(s, r, p);
	fill_memory(s, r, p);
	fill_probe(s, p, run_s);
	fill_lost(s, r, p);
	err = fill_sites(s, r, p, run_s);
	if (err)
		return err;
	p->explained = explained(s, p);
	verdict_process(r, p);
	return 0;
}
