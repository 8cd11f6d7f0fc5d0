/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "py/versions.h"
#include "session/births_priv.h"
#include "session/survivors.h"

#define FIRST_NS     50000000
#define AGAIN_NS     1000000 /* from the end of a pause to a window */
#define MODULES_NS   3000000000
#define SHORT_NS     500000000 /* shorter than REFUSED_NS, after which windows go on */
#define NUITKA_EVERY 64	       /* windows between looks for Nuitka's code, which may come late */

static void refuse(void *ctx, uint64_t classes, const char *why)
{
	survivors_refuse(((struct session *)ctx)->survivors, classes);
	session_note(ctx, "%s", why);
}

static int open_births(void *self, struct session *s)
{
	struct births *b = self;
	uint64_t now = clock_ns();
	int err;

	s->places = &b->focus.places;
	b->s = s;
	b->ladder = survivors_ladder(s->survivors);
	b->view = (struct unseen_view){s->rt,  s->heap, s->kern.births, s->kern.died, s->kern.stats,
				       refuse, s};
	b->account = &s->ledger.of[LEDGER_BIRTHS];
	b->random = (now ^ ((uint64_t)s->proc->pid << 32) ^ 0x9e3779b97f4a7c15ull) | 1;
	b->mode = s->sites->files.n ? BIRTHS_BURSTS : BIRTHS_OFF;
	b->due.burst = b->mode == BIRTHS_BURSTS ? now : 0;
	b->due.modules = py_extensions_make_objects(s->rt) ? now + MODULES_NS : 0;
	if (b->mode == BIRTHS_BURSTS && unseen_doubt(s->rt, s->heap))
		session_note(s, "%s", unseen_doubt(s->rt, s->heap));
	err = sites_attach(s); /* now, as nobody waits for it yet */
	if (err)
		births_refused(b, err); /* only growth is watched until the next try */
	return 0;
}

static bool close_births(void *self)
{
	struct births *b = self;

	focus_free(&b->focus);
	unseen_free(&b->unseen);
	deaths_free(&b->deaths);
	return true;
}

/* Looks for new modules. Probes that stay in are taken out only if one is found, or may be. */
static void look_at_modules(struct births *b, uint64_t now)
{
	struct session *s = b->s;
	size_t before = s->sites->files.n;
	bool failed, doubted = b->doubts_module;
	int err;

	b->due.modules = now + MODULES_NS;
	if (b->mode == BIRTHS_OFF)
		return;
	err = sites_attach_new(s);
	failed = err && err != -EAGAIN && err != -EBUSY; /* these two are tried again */
	b->doubts_module = failed && !fail_is_short(err);
	if (err ? !proc_alive(s->proc) : s->sites->files.n == before)
		return;
	if (failed) {
		if (doubted && b->doubts_module) {
			births_end(b, fail_text());
			return;
		}
		births_stop_always(b); /* births of a module may be missing until then */
		births_refused(b, -EBUSY);
		b->due.burst = s->paused ? 0 : b->due.burst;
		b->due.modules = now + SHORT_NS;
		return;
	}
	births_stop_always(b);
	b->mode = BIRTHS_BURSTS;
	if (!b->due.burst && !s->paused)
		b->due.burst = now + AGAIN_NS;
}

static uint64_t first_due(const struct births *b)
{
	const uint64_t due[] = {b->due.poll, b->due.modules, b->due.burst};
	uint64_t first = 0;

	for (size_t i = 0; i < ARRAY_SIZE(due); i++)
		if (due[i] && (!first || due[i] < first))
			first = due[i];
	return first;
}

static uint64_t step(void *self, uint64_t now_ns)
{
	struct births *b = self;

	births_charge(b);
	if (b->mode != BIRTHS_OFF && probe_guard_ended(b->s->o.guard))
		births_end(b, probe_guard_ended(b->s->o.guard));
	if (b->mode != BIRTHS_OFF && b->s->kern.one_at_a_time && py_births_run_at_once(b->s->rt))
		births_end(b, "threads make objects at once here, which takes Linux 5.12");
	if (b->mode != BIRTHS_OFF && b->bursts >= b->nuitka_at) {
		b->nuitka_at = b->bursts + NUITKA_EVERY;
		if (py_has_nuitka(b->s->rt))
			births_end(b, PY_NUITKA_WORDS);
	}
	if (b->due.poll && b->due.poll <= now_ns)
		births_poll(b);
	if (b->due.modules && b->due.modules <= now_ns)
		look_at_modules(b, now_ns);
	if (b->due.burst && b->due.burst <= now_ns) {
		if (b->is_far)
			births_plan(b);
		else if (!heap_can_count(b->s->heap) ||
			 aim_is_now(&b->aim, b->s->proc->pid, busy_of_core(&b->s->ledger.busy),
				    now_ns, &b->random, &b->due.burst))
			births_burst(b);
	}
	return first_due(b);
}

static uint64_t pause_births(void *self, bool on)
{
	struct births *b = self;

	if (on) {
		births_stop_always(b);
		b->due.burst = 0;
		b->aim = (struct aim){0};
		account_fill(b->account, clock_ns());
	} else if (b->mode != BIRTHS_OFF) {
		b->due.modules = b->due.modules ? clock_ns() : 0;
		b->due.burst = clock_ns() + AGAIN_NS;
		b->is_far = false;
		b->doubts_module = false;
	}
	return first_due(b);
}

static int observe(void *self, const struct observation *to)
{
	struct births *b = self;
	const struct session *s = b->s;
	struct report_process *p = &to->e->seen;
	struct evidence_objects *o = &to->e->objects;
	double run_s = (double)(to->now_ns - s->time.start_ns) / 1e9;
	uint64_t on = b->on_ns - b->unlooked_ns;

	births_charge(b);
	if (b->mode == BIRTHS_ALWAYS)
		on += to->now_ns - b->always_since;
	p->mechanism = s->sites->n_sets ? probe_mechanism_name(s->kern.mechanism) : "none";
	p->mode = b->mode == BIRTHS_OFF && b->bursts ? "growth" : p->mode;
	p->on_s = (double)on / 1e9;
	p->coverage = p->on_s < run_s ? p->on_s / run_s : run_s > 0;
	p->lost[PL_LOST_BIRTHS_FULL].n += b->overruns;
	p->lost[LOST_WINDOWS_REFUSED].n = b->windows_refused;
	p->lost[LOST_BIRTHS_UNSEEN].n = b->unseen.missed;
	/* windows on some types saw no births of others */
	on -= b->watched.by_type_ns;
	o->coverage = p->on_s > 0 ? p->coverage * (double)on / 1e9 / p->on_s : 0;
	o->bursts = b->bursts;
	o->watched = &b->watched.all;
	o->aimed = &b->watched.aimed;
	stacks_find_roots(s->stacks, &b->traffic);
	o->traffic = &b->traffic;
	return 0;
}

const struct source_ops births_source = {
	.first_ns = FIRST_NS,
	.size = sizeof(struct births),
	.is_probing = true,
	.open = open_births,
	.step = step,
	.pause = pause_births,
	.observe = observe,
	.close = close_births,
};
