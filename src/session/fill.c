/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The report of one process: identity, memory, cost, losses. Its sites are in join.c. */
#include <math.h>

#include "report/verdict.h"
#include "session/fds.h"
#include "session/holders.h"
#include "session/identity.h"
#include "session/census_worker.h"
#include "session/reads.h"
#include "session/session_priv.h"

static void fill_lost(struct session *s, struct report *r, struct report_process *p)
{
#define X(id, key, text) {key, text, 0},
	static const struct report_lost kernel[] = {PL_LOST(X)};
#undef X
	const struct ladder_stats *l = ladder_stats(s->ladder);
	const char *why;
	uint64_t refused = holders_refused(s, &why);
	const struct report_lost user[] = {
		{"sites_full", "the table of native sites was full",
		 s->native ? native_left_out(s->native) : 0},
		{"stack_unknown", "a birth's stack was not known to the reader", l->no_stack},
		{"code_unreadable", "a code object was gone before its name was read",
		 stacks_unread_codes(s->stacks)},
		{"stacks_left_out", "a stack would have taken too much memory, or time to read",
		 stacks_left_out(s->stacks)},
		{"mappings_unnamed", "the name of a mapped file would have taken too much memory",
		 s->proc->maps_unnamed},
		{"types_unnamed", "the name of a type would have taken too much memory, or time",
		 names_left_out(s->names) + py_unnamed(s->rt)},
		{"code_reused", "a survivor's stack could not be trusted any more", l->code_reused},
		{"torn_reads", "a pool header changed while it was read", s->torn},
		{"native_stack_missing", "a site's native stack was not to be had",
		 s->no_native_stack},
		{"native_stack_cut", "a site's native stack ends in code that was unloaded",
		 s->cut_native_stacks},
		{"samples_thinned", "survivors left out to bound memory; the others count more",
		 l->thinned},
		{"stood_still", "the tool stood still, and its probes were out meanwhile",
		 s->stood_still},
		{"held_by_unknown", report_strdup(r, why), refused},
	};
	struct report_lost *v =
		report_alloc(r, (PL_LOST_MAX + ARRAY_SIZE(user) + READS_ROWS) * sizeof(*v));

	if (!v)
		return;
	for (size_t i = 0; i < PL_LOST_MAX; i++) {
		v[i] = kernel[i];
		v[i].n = s->stats ? s->stats->lost[i] : 0;
	}
	v[PL_LOST_BIRTHS_FULL].n += s->overruns;
	memcpy(v + PL_LOST_MAX, user, sizeof(user));
	p->lost = v;
	reads_lost(s->proc, r, v + PL_LOST_MAX + ARRAY_SIZE(user));
	p->n_lost = PL_LOST_MAX + ARRAY_SIZE(user) + READS_ROWS;
}

static void fill_identity(struct session *s, struct report *r, struct report_process *p)
{
	identity_fill(s->proc, s->rt, r, p);
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
	trend_set_judge(s->memory, TREND_RSS, &p->rss_curve);
	trend_set_judge(s->memory, TREND_LIVE, &p->live_curve);
	memwatch_fill(s->memwatch, r, &p->memory);
	parts_fill(s->parts, r, p); /* without memory for it the parts are not known */
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
	run_s -= (double)s->paused_ns / 1e9;
	if (s->native && run_s > 0)
		p->slowdown_pct += 100 * native_spent_ns(s->native) / 1e9 / run_s;
	if (run_s > 0)
		p->slowdown_pct += 100 * session_fds_spent_ns(s) / 1e9 / run_s;
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
		if (isfinite(p->sites[i].growth_bytes_per_s))
			sites += p->sites[i].growth_bytes_per_s;
	if (!(grows > VERDICT_NOISE_BYTES_PER_S))
		return NAN;
	return sites < grows ? sites / grows : 1;
}

void session_metrics(const struct session *s, struct metrics *out)
{
	memwatch_metrics(s->memwatch, out);
}

const char *session_comm(const struct session *s)
{
	return s->proc->comm;
}

int session_pid(const struct session *s)
{
	return s->proc->pid;
}

int session_mechanism(const struct session *s)
{
	return s->mechanism;
}

int session_fill(struct session *s, uint64_t now_ns, struct report *r, struct report_process *p)
{
	double run_s;
	int err;

	memset(p, 0, sizeof(*p));
	session_drain(s);
	s->now_ns = s->ended ? s->end_ns : now_ns;
	s->filled_ns = s->now_ns;
	run_s = (double)(s->now_ns - s->start_ns) / 1e9;
	fill_identity(s, r, p);
	fill_memory(s, r, p);
	fill_probe(s, p, run_s);
	err = session_fill_sites(s, r, p, run_s);
	fill_lost(s, r, p);
	if (!err)
		err = census_worker_fill(s->worker, r, p);
	if (err)
		return err;
	p->explained = explained(s, p);
	verdict_process(r, p);
	memwatch_judge(s->memwatch, s->proc, r, p);
	memwatch_predict(s->memwatch, p);
	return 0;
}
