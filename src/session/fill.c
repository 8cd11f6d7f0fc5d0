/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is in a report as it was seen: identity, memory, cost, losses; and the report, once it was
 * judged. */
#include "judge/judge.h"
#include "memory/identity.h"
#include "memory/reads.h"
#include "session/census_worker.h"
#include "session/fds.h"
#include "session/frames.h"
#include "session/holders.h"
#include "session/observe.h"
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
		{"torn_reads", "a pool header changed while it was read", s->readings.torn},
		/* As many as the judge finds. */
		{"native_stack_missing", "a site's native stack was not to be had", 0},
		{"native_stack_cut", "a site's native stack ends in code that was unloaded", 0},
		{"samples_thinned", "survivors left out to bound memory; the others count more",
		 l->thinned},
		{"stood_still", "the tool stood still, and its probes were out meanwhile",
		 s->kern.stood_still},
		{"held_by_unknown", report_strdup(r, why), refused},
	};
	struct report_lost *v =
		report_alloc(r, (PL_LOST_MAX + ARRAY_SIZE(user) + READS_ROWS) * sizeof(*v));

	if (!v)
		return;
	for (size_t i = 0; i < PL_LOST_MAX; i++) {
		v[i] = kernel[i];
		v[i].n = s->kern.stats ? s->kern.stats->lost[i] : 0;
	}
	v[PL_LOST_BIRTHS_FULL].n += s->windows.overruns;
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
	p->rss_bytes = s->readings.mem.rss_bytes ? s->readings.mem.rss_bytes : REPORT_UNKNOWN;
	memwatch_fill(s->memwatch, r, &p->memory);
	parts_fill(s->parts, r, p); /* without memory for it the parts are not known */
	p->series = report_alloc(r, (s->readings.n_series + 1) * sizeof(*p->series));
	if (p->series) {
		memcpy(p->series, s->readings.series, s->readings.n_series * sizeof(*p->series));
		p->n_series = s->readings.n_series;
	}
}

static void fill_probe(struct session *s, struct report_process *p, double run_s)
{
	uint64_t on = s->windows.on_ns;

	if (s->windows.mode == BIRTHS_ALWAYS)
		on += s->now_ns - s->windows.always_since;
	p->mechanism = s->sites->n_sets ? probe_mechanism_name(s->kern.mechanism) : "none";
	p->on_s = (double)on / 1e9;
	p->coverage = run_s > 0 ? p->on_s / run_s : 0;
	if (p->coverage > 1)
		p->coverage = 1;
	p->slowdown_pct = 100 * ledger_slowdown(&s->ledger, s->now_ns);
}

int session_see(struct session *s, double run_s, struct report *r, struct report_process *p)
{
	report_process_init(p);
	fill_identity(s, r, p);
	fill_memory(s, r, p);
	fill_probe(s, p, run_s);
	fill_lost(s, r, p);
	return census_worker_fill(s->worker, r, p);
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
	return s->kern.mechanism;
}

static int tell_and_judge(struct session *s, const struct evidence *e, struct report *r,
			  struct report_process *p)
{
	if (s->o.on_evidence)
		s->o.on_evidence(s->o.on_evidence_ctx, e);
	return judge(e, r, p);
}

/* What holds the survivors is waited for, and told with what was seen before that: nothing else
 * moves on meanwhile. */
static int judge_once_more(struct session *s, struct report *scratch, struct evidence *e,
			   struct report *r, struct report_process *p)
{
	int err;

	if (!holders_ask_last(s, p))
		return 0;
	holders_look(s);
	err = holders_observe(s, scratch, e);
	return err ? err : tell_and_judge(s, e, r, p);
}

static int observe_and_judge(struct session *s, bool is_last, struct report *r,
			     struct report_process *p)
{
	struct report *scratch;
	struct evidence *e;
	int err = report_new(&scratch);

	if (err)
		return err;
	e = report_alloc(scratch, sizeof(*e));
	err = e ? session_observe(s, r, scratch, e) : fail(-ENOMEM, "out of memory");
	if (!err)
		err = tell_and_judge(s, e, r, p);
	if (!err && is_last)
		err = judge_once_more(s, scratch, e, r, p);
	report_free(scratch);
	return err;
}

static int judge_at(struct session *s, uint64_t now_ns, bool is_last, struct report *r,
		    struct report_process *p)
{
	memset(p, 0, sizeof(*p));
	session_drain(s);
	s->now_ns = s->ended ? s->end_ns : now_ns;
	return observe_and_judge(s, is_last, r, p);
}

int session_judge(struct session *s, uint64_t now_ns, struct report *r, struct report_process *p)
{
	return judge_at(s, now_ns, false, r, p);
}

int session_fill(struct session *s, uint64_t now_ns, struct report *r, struct report_process *p)
{
	int err;

	holders_look(s);
	err = judge_at(s, now_ns, r->final, r, p);
	for (size_t i = 0; !err && i < p->n_sites && i < s->o.top; i++)
		if (s->o.sources)
			frames_add_lines(s->proc, r, &p->sites[i]);
	return err;
}
