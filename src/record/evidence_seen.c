/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "record/evidence_seen.h"

#include <math.h>

/* A text that is never missing. */
static void string(struct wire *w, const char **s)
{
	wire_string(w, s);
	if (w->reads && !*s)
		*s = "";
}

static void memory(struct wire *w, struct report_memory *m)
{
	wire_u64(w, &m->pss);
	wire_u64(w, &m->anon);
	wire_u64(w, &m->swap);
	wire_u64(w, &m->huge);
	wire_u64(w, &m->private_bytes);
	wire_u64(w, &m->shared);
	wire_double(w, &m->minor_faults_per_s);
	wire_double(w, &m->major_faults_per_s);
	wire_int(w, &m->cgroup.version);
	wire_string(w, &m->cgroup.path);
	wire_u64(w, &m->cgroup.current);
	wire_u64(w, &m->cgroup.file);
	wire_u64(w, &m->cgroup.limit);
	wire_u64(w, &m->cgroup.high);
	wire_u64(w, &m->cgroup.oom_kills);
	wire_string(w, &m->limit_source);
	wire_string(w, &m->limit_name);
	wire_u64(w, &m->limit_bytes);
	wire_double(w, &m->left_low);
	wire_double(w, &m->left_high);
	wire_bool(w, &m->limit_refuses);
	wire_double(w, &m->eta_s);
	wire_double(w, &m->eta_low_s);
	wire_double(w, &m->eta_high_s);
}

static void totals(struct wire *w, struct report_fds *f)
{
	wire_string(w, &f->means);
	wire_u64(w, &f->open);
	wire_u64(w, &f->at_attach);
	wire_u64(w, &f->no_line);
	wire_u64(w, &f->limit);
	wire_double(w, &f->growth_per_s);
	wire_double(w, &f->eta_s);
	wire_u64(w, &f->children);
}

static void series(struct wire *w, struct report_series *s)
{
	wire_double(w, &s->t_s);
	wire_u64(w, &s->rss_bytes);
	wire_u64(w, &s->heap_bytes);
	wire_u64(w, &s->fds);
	wire_u64(w, &s->threads);
	wire_u64(w, &s->anon_bytes);
	wire_u64(w, &s->swap_bytes);
	wire_u64(w, &s->cgroup_bytes);
}

static void class_row(struct wire *w, struct report_class_row *c)
{
	string(w, &c->name);
	wire_u64(w, &c->count);
	wire_u64(w, &c->tracked);
	wire_u64(w, &c->bytes);
	wire_double(w, &c->growth_count_per_s);
	wire_double(w, &c->growth_bytes_per_s);
	wire_double(w, &c->gain);
	wire_double(w, &c->late);
}

static void gc(struct wire *w, struct report_gc *g)
{
	wire_bool(w, &g->enabled);
	wire_numbers(w, g->threshold, REPORT_GENERATIONS);
	wire_numbers(w, g->collections, REPORT_GENERATIONS);
	wire_u64(w, &g->uncollectable);
	wire_u64(w, &g->tracked);
	wire_numbers(w, g->generation, REPORT_GENERATIONS);
	wire_u64(w, &g->frozen);
	wire_u64(w, &g->garbage);
	wire_objects(w, g->garbage_types, g->n_garbage_types, 20, class_row);
}

static void pools(struct wire *w, struct report_pools *p)
{
	wire_u64(w, &p->arenas);
	wire_u64(w, &p->arena_bytes);
	wire_u64(w, &p->live_bytes);
	wire_u64(w, &p->free_bytes);
	wire_u64(w, &p->empty_bytes);
	wire_u64(w, &p->releasable_bytes);
}

static void parts(struct wire *w, struct report_parts *p)
{
	wire_numbers(w, p->bytes, PART_MAX);
	wire_doubles(w, p->growth, PART_MAX);
	wire_u64(w, &p->trimmable);
}

static void lost(struct wire *w, struct report_lost *l)
{
	wire_string(w, &l->key);
	wire_string(w, &l->text);
	wire_u64(w, &l->n);
	if (!l->key || !l->text)
		w->wrong = "a loss has no name";
}

void evidence_seen(struct wire *w, struct report_process *p)
{
	if (w->reads)
		report_process_init(p);
	wire_int(w, &p->pid);
	wire_int(w, &p->ns_pid);
	wire_int(w, &p->ppid);
	wire_double(w, &p->age_s);
	wire_string(w, &p->comm);
	wire_array(w, p->cmdline, p->n_cmdline, 1, string);
	wire_string(w, &p->container.id);
	wire_string(w, &p->container.name);
	wire_string(w, &p->container.runtime);
	wire_string(w, &p->container.pod);
	wire_string(w, &p->container.namespace);
	wire_string(w, &p->python_version);
	wire_string(w, &p->allocator);
	wire_bool(w, &p->free_threaded);
	wire_string(w, &p->mode);
	wire_bool(w, &p->exited);
	wire_u64(w, &p->rss_bytes);
	wire_object(w, &p->memory, memory);
	wire_object(w, &p->fds, totals);
	wire_objects(w, p->series, p->n_series, 15, series);
	wire_string(w, &p->mechanism);
	wire_known(w, &p->on_s, WIRE_MOST_S);
	wire_double(w, &p->coverage);
	wire_double(w, &p->slowdown_pct);
	wire_objects(w, p->classes, p->n_classes, 20, class_row);
	wire_maybe(w, p->gc, gc);
	wire_maybe(w, p->pools, pools);
	wire_maybe(w, p->parts, parts);
	wire_objects(w, p->lost, p->n_lost, 3, lost);
	wire_array(w, p->notes, p->n_notes, 1, string);
	wire_string(w, &p->build);
	wire_string(w, &p->tested_as);
	wire_double(w, &p->core_pct);
	wire_double(w, &p->stall_ms);
	wire_double(w, &p->stalls_per_s);
	wire_double(w, &p->counted_from_s);
	wire_double(w, &p->counted_to_s);
	wire_string(w, &p->goes_on);
	/* in older recordings the share of a core stands in slowdown_pct */
	if (w->reads && isnan(p->core_pct)) {
		p->core_pct = p->slowdown_pct;
		p->slowdown_pct = NAN;
	}
	if (w->reads && (!p->comm || !p->mode || !p->mechanism))
		w->wrong = w->wrong ? w->wrong : "a process has no name";
}
