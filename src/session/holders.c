/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Decides which holders are searched for and when, keeps the answers, and tells reports of them. */
#include <stdio.h>

#include "base/thread.h"
#include "judge/judge.h"
#include "session/blocks.h"
#include "session/holders_priv.h"
#include "session/survivors.h"
#include "why/paths.h"

#define LOOK_NS	    3000000000 /* between two looks at containers */
#define SLACK_NS    100000000
#define LOOK_SHARE  200		   /* a look may take this part of our time */
#define PAUSE_NS    30000000000ull /* between two searches */
#define SOON_NS	    4000000000ull  /* ... if one is about a new site */
#define COST_FACTOR 200 /* searches take 0.5 % of the time at most, half once it leaks; */
#define SOON_FACTOR 50	/* 2 % while a site is new, or has no answer */
#define MIN_AGE_NS  1000000000ull
#define GROWS_PART  0.1 /* share of the objects: a container with less is not where they go */
/* sites at most that are asked again because they only replace what was there */
#define ASKED_AGAIN 8

static const char *const edge_word[] = {
	[WHY_ROOT] = "root",  [WHY_ATTRIBUTE] = "attribute", [WHY_KEY] = "value",
	[WHY_AS_KEY] = "key", [WHY_ITEM] = "item",	     [WHY_VARIABLE] = "variable",
	[WHY_CELL] = "cell",  [WHY_DEFAULT] = "default",     [WHY_FIELD] = "field",
};

static struct found *room_for(struct holders *h, const struct question *q)
{
	struct found *f = holders_found(h, q->id, q->kind);

	if (f)
		return f;
	f = vec_push(&h->found);
	if (f) {
		memcpy(f->fact.id, q->id, sizeof(f->fact.id));
		f->fact.kind = q->kind;
	}
	return f;
}

/* The index of the container's step. If none grows it is where the paths part, not the biggest one:
 * entries of a full store may have more entries than the store. */
static size_t container_of(const struct found *f, const struct why_answer *a)
{
	const struct why_path *p = &a->path[0];
	size_t i = report_holder_container(&f->fact.holder);

	for (size_t k = 0; k < p->n && !(i < p->n && p->step[i].growth > 0); k++)
		if (p->step[k].addr == a->branch && p->step[k].entries != WHY_UNKNOWN)
			return k;
	return i;
}

/* Finds the container of the survivors; what is known of it from another site is taken over. */
static void find_fill(struct holders *h, struct found *f, const struct why_answer *a)
{
	const struct why_path *p = &a->path[0];
	size_t i = container_of(f, a);
	uint64_t before = f->fact.fill.addr;
	double in_c;

	f->fact.holder.in_container = i < p->n ? answer_share_in(a, p->step[i].addr) : 0;
	in_c = f->fact.holder.in_container < HOLDERS_ONE ? holders_share_in_c(h, a) : 0;
	if (in_c >= HOLDERS_ONE) {
		f->fact.holder.in_container = in_c;
		i = p->n; /* it has no length */
	}
	f->fact.is_one = f->fact.holder.in_container >= HOLDERS_ONE;
	fill_found(&f->fact.fill, p, i, f->fact.is_one, h->inquiry.ended_ns);
	for (i = 0; f->fact.fill.addr && i < h->found.n; i++) {
		const struct fill *other = &h->found.v[i].fact.fill;

		if (other->addr == f->fact.fill.addr && other->most == f->fact.fill.most &&
		    other->first_ns < f->fact.fill.first_ns)
			f->fact.fill = *other;
	}
	f->fact.replaces &= f->fact.fill.addr == before;
}

/* Keeps the first path of @a as the answer. */
static void keep(struct holders *h, const struct question *q, struct why_answer *a)
{
	struct why_path *p = &a->path[0];
	struct found *f = room_for(h, q);
	struct report_holder *to;

	if (!f)
		return;
	report_free(f->r);
	if (report_new(&f->r))
		return;
	to = &f->fact.holder;
	*to = (struct report_holder){
		.root = why_root_name(p->root),
		.share = answer_share_of_first(a),
		.step = report_alloc(f->r, (p->n + 1) * sizeof(*to->step)),
		.gc_known = h->inquiry.stats.gc_known,
		.gc_enabled = h->inquiry.stats.gc_enabled,
		.uncollectable = p->uncollectable,
		.frozen = p->frozen,
		.through_c = p->through_c,
	};
	for (size_t i = 0; i < p->n; i++)
		to->is_chain |= p->step[i].repeats;
	for (size_t i = 0; to->step && i < p->n; i++)
		to->step[to->n++] = (struct report_holder_step){
			.edge = edge_word[p->step[i].edge],
			.name = p->step[i].label ? report_strdup(f->r, p->step[i].label) : NULL,
			.type = p->step[i].type ? report_strdup(f->r, p->step[i].type) : NULL,
			.entries = p->step[i].entries,
			.growth_per_s = p->step[i].growth,
			.most = p->step[i].bound_name ? p->step[i].bound : 0,
		};
	find_fill(h, f, a);
	holders_note_replacing(h, f, q, a);
	paths_free(&f->path);
	f->path = *p;
	*p = (struct why_path){0};
}

/* Keeps the answers of an inquiry that has ended, and plans the next one. */
static void settle(struct holders *h)
{
	struct inquiry *in = &h->inquiry;
	uint64_t pause = COST_FACTOR * in->cost_ns, soon = SOON_FACTOR * in->cost_ns;
	bool is_open = h->is_open;

	inquiry_join(in);
	h->refused = in->err ? h->refused + 1 : 0;
	snprintf(h->why_not, sizeof(h->why_not), "what holds the survivors is not known: %s",
		 in->sentence);
	for (size_t i = 0; !in->err && i < in->n_q; i++) {
		struct why_answer *a = &in->answer[i];

		answer_program_first(a);
		/* the oldest objects may be in one container, and the youngest in another */
		if (in->q[i].since_ns)
			answer_growing_first(a, GROWS_PART);
		if (a->n && a->sampled >= HOLDERS_FEWEST)
			keep(h, &in->q[i], a);
		else
			is_open = true;
	}
	if (is_open)
		pause = soon;
	h->ended_ns = in->ended_ns;
	h->next_ns = h->ended_ns + (pause > PAUSE_NS ? pause : PAUSE_NS);
	h->told_next_ns = is_open ? h->next_ns : h->next_ns + pause;
	h->soon_ns = h->ended_ns + (soon > SOON_NS ? soon : SOON_NS);
	inquiry_forget(in);
}

/* Assigns survivors to questions: the stacks of a few sites, found by their ids. */
struct sorting {
	struct holders *h;
	uint64_t now_ns;
	struct inquiry *to;
	enum report_kind kind;
	struct map64 known;
};

static size_t question_of(struct sorting *o, uint64_t stack)
{
	uint64_t *at = map64_put(&o->known, stack);
	struct report_frame frames[PL_MAX_FRAMES];
	struct stack *st;
	char id[17];
	size_t n;

	if (!at)
		return SIZE_MAX;
	if (*at)
		return (size_t)*at - 2;
	*at = 1; /* none */
	st = (o->kind == KIND_OBJECT ? stacks_find : stacks_by_key)(o->h->s->stacks, stack);
	n = st ? frames_name(o->h->s, st, frames) : evidence_nowhere(stack, frames);
	if (!n)
		return SIZE_MAX;
	report_site_id(frames, n, o->kind, id);
	for (size_t i = 0; i < o->to->n_q; i++)
		if (o->to->q[i].kind == o->kind && !strcmp(o->to->q[i].id, id))
			*at = i + 2;
	return (size_t)*at - 2;
}

/* Adds an object to the question about its site; NULL = there is none, or it is too young. */
static struct question *add(struct sorting *o, uint64_t stack, uint64_t addr, uint64_t age_ns)
{
	size_t k = age_ns < MIN_AGE_NS ? SIZE_MAX : question_of(o, stack);
	struct question *q = k < o->to->n_q ? &o->to->q[k] : NULL;

	return q && age_ns >= q->min_age_ns && question_take(q, addr, o->now_ns - age_ns) ? q
											  : NULL;
}

static void note_sample(struct question *q, const struct sample *v)
{
	size_t i = 0;
	double bytes = 0;

	while (i < q->n_stacks && q->stack[i] != v->stack)
		i++;
	if (i == q->n_stacks && i < QUESTION_STACKS)
		q->stack[q->n_stacks++] = v->stack;
	for (unsigned p = 0; p < v->parts; p++)
		bytes += v->part[p].bytes;
	if (q->n_sizes == FIT_POINTS)
		return;
	q->born_s[q->n_sizes] = (double)v->born_ns / 1e9;
	q->bytes[q->n_sizes++] = bytes;
}

static int add_block(void *arg, uint64_t addr, const struct pl_block *b, double weight)
{
	struct sorting *o = arg;

	(void)weight;
	add(o, b->site.stack, addr, o->now_ns > b->born_ns ? o->now_ns - b->born_ns : 0);
	return 0;
}

static void add_survivors(struct sorting *o)
{
	size_t n;
	const struct sample *v = survivors_samples(o->h->s->survivors, &n);

	for (size_t i = 0; i < n; i++) { /* by age */
		struct question *q = NULL;

		if (v[i].rung && v[i].addr)
			q = add(o, v[i].stack, v[i].addr, o->now_ns - v[i].born_ns);
		if (q)
			note_sample(q, &v[i]);
	}
}

static void collect(struct holders *h, uint64_t now_ns, const struct report_process *p)
{
	struct inquiry *in = &h->inquiry;
	struct sorting o = {.h = h, .now_ns = now_ns, .to = in};
	bool blocks = false;
	size_t n = 0;

	in->n_q = 0;
	h->is_open = false;
	/* a holder that is not told must be looked at nevertheless: it may begin to grow */
	for (size_t i = 0; i < h->found.n && in->n_q < ASKED_AGAIN; i++)
		if (h->found.v[i].fact.replaces || h->found.v[i].is_doubted)
			inquiry_question(in, h->found.v[i].fact.id, KIND_OBJECT);
	blocks = holders_ask_sites(h, p);
	if (!in->n_q)
		return;
	holders_ask_young(h);
	o.kind = KIND_OBJECT;
	add_survivors(&o);
	map64_free(&o.known);
	o.known = (struct map64){0};
	o.kind = KIND_HEAP;
	if (blocks)
		blocks_each(h->s->blocks, add_block, &o);
	map64_free(&o.known);
	for (size_t i = 0; i < in->n_q; i++)
		if (in->q[i].n >= HOLDERS_FEWEST)
			in->q[n++] = in->q[i];
		else
			/* asked in vain: others have their turn */
			h->is_open = room_for(h, &in->q[i]);
	in->n_q = n;
}

/* Is a question about a new site? From now on it is not new. */
static bool is_new(struct holders *h)
{
	size_t before = h->found.n;

	for (size_t i = 0; i < h->inquiry.n_q; i++)
		room_for(h, &h->inquiry.q[i]);
	return h->found.n > before;
}

/* Collects questions. If not @due, only new sites and doubted ones are worth a search. */
static bool has_questions(struct holders *h, uint64_t now_ns, const struct report_process *p,
			  bool due)
{
	size_t again = h->again;
	bool is_news;

	collect(h, now_ns, p);
	h->soon_ns = now_ns + SOON_NS;
	is_news = is_new(h);
	is_news |= holders_ask_doubted(h);
	if (h->inquiry.n_q && (is_news || due))
		return true;
	h->again = again; /* they were not asked */
	return false;
}

static bool begin(struct holders *h)
{
	return inquiry_start(&h->inquiry, h->s->proc->pid, h->s->proc->start_ticks);
}

/* Reads the known containers again, and takes the answers of a search that has ended. */
static void look(struct holders *h)
{
	if (h->inquiry.running && !h->left_out && inquiry_is_done(&h->inquiry))
		settle(h);
	for (size_t i = 0; i < h->found.n; i++)
		if (h->found.v[i].r)
			fill_look(&h->found.v[i].fact.fill, &h->found.v[i].steps,
				  h->s->ended ? NULL : h->s->rt, clock_ns());
	holders_find_replacing(h);
}

/* Begins a search for the sites of @p when it is time for one; does not wait. */
static void ask(struct holders *h, uint64_t now_ns, const struct report_process *p)
{
	uint64_t now = clock_ns();
	bool due = now >= (h->s->is_settled ? h->told_next_ns : h->next_ns);

	if (!h->s->ended && !h->inquiry.running && (due || now >= h->soon_ns) &&
	    has_questions(h, now_ns, p, due))
		begin(h);
}

/* Waits for a running search. True: its answers are known now. */
static bool await(struct holders *h, uint64_t until_ns)
{
	uint64_t now = clock_ns();

	if (!h->inquiry.running || !inquiry_await(&h->inquiry, until_ns > now ? until_ns - now : 0))
		return false;
	settle(h);
	return true;
}

/* A search takes longer than HOLDER_WATCH_S, and is not begun if less time is left. */
bool holders_ask_last(struct holders *h, const struct observation *to,
		      const struct report_process *p)
{
	bool is_news = await(h, to->until_ns);

	if (!h->s->ended && !h->inquiry.running && has_questions(h, to->now_ns, p, !h->ended_ns)) {
		if (to->until_ns > clock_ns() + (uint64_t)(HOLDER_WATCH_S * 1e9) && begin(h))
			is_news |= await(h, to->until_ns);
		else
			h->left_out = true;
	}
	h->left_out |= h->inquiry.running;
	if (h->inquiry.running) /* nobody waits for it any more */
		worker_cancel(&h->inquiry.worker);
	if (h->left_out)
		session_note(h->s, "what holds some of the objects was not looked up to its end: "
				   "--wait SEC gives it more time");
	return is_news || h->left_out;
}

static int tell(struct found *f, struct report *scratch, struct holder_fact *to)
{
	int err;

	*to = f->fact;
	to->is_known = f->r;
	if (!f->r)
		return 0;
	err = fill_tell(&f->fact.fill, &f->path);
	for (size_t i = 0; i < to->holder.n; i++) {
		to->holder.step[i].entries = f->path.step[i].entries;
		to->holder.step[i].growth_per_s = f->path.step[i].growth;
	}
	to->holder.path = report_strdup(scratch, f->path.text);
	return err;
}

int holders_observe(struct holders *h, const struct observation *to)
{
	struct evidence *e = to->e;
	struct holder_fact *v;
	uint64_t *replaced;

	look(h);
	v = report_alloc(to->scratch, (h->found.n + 1) * sizeof(*v));
	replaced = report_alloc(to->scratch, (h->replaced.n + 1) * sizeof(*replaced));
	if (!v || !replaced)
		return fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < h->found.n; i++) {
		int err = tell(&h->found.v[i], to->scratch, &v[i]);

		if (err)
			return err;
	}
	e->objects.n_replaced = 0;
	for (size_t i = 0; i < h->replaced.cap; i++)
		if (h->replaced.slot[2 * i])
			replaced[e->objects.n_replaced++] = h->replaced.slot[2 * i];
	e->objects.replaced = replaced;
	e->holder = v;
	e->n_holders = h->found.n;
	e->asks = h->inquiry.running || h->left_out;
	return 0;
}

static int observe(void *self, const struct observation *to)
{
	struct holders *h = self;
	struct report_lost *lost = &to->e->seen.lost[LOST_HELD_BY_UNKNOWN];
	int err = holders_observe(h, to);

	lost->n = h->refused;
	if (h->refused)
		lost->text = report_strdup(to->r, h->why_not);
	return err;
}

/* Searches by the clock, so that reports know the same however often somebody wants one. */
static uint64_t step(void *self, uint64_t now_ns)
{
	struct holders *h = self;
	uint64_t began_ns = thread_cpu_ns(), cost_ns, wait;
	struct observation to = {.now_ns = now_ns};
	struct report_process p;

	if (report_new(&to.r))
		return now_ns + LOOK_NS;
	to.scratch = to.r;
	if (!session_judge(h->s, &to, &p)) {
		h->s->is_settled = p.verdict == CLASS_LEAK;
		ask(h, now_ns, &p);
	} else {
		log_debug("a look at what holds survivors: %s", fail_text());
	}
	report_free(to.r);
	cost_ns = thread_cpu_ns() - began_ns;
	wait = (cost_ns < h->cost_ns ? cost_ns : h->cost_ns) * LOOK_SHARE;
	h->cost_ns = cost_ns;
	return now_ns + (wait > LOOK_NS ? wait : LOOK_NS);
}

static int open_holders(void *self, struct session *s)
{
	struct holders *h = self;

	s->holders = h;
	h->s = s;
	return 0;
}

static bool close_holders(void *self)
{
	struct holders *h = self;

	if (h->inquiry.running) {
		if (!inquiry_stop(&h->inquiry))
			return false;
		inquiry_forget(&h->inquiry);
	}
	for (size_t i = 0; i < h->found.n; i++) {
		report_free(h->found.v[i].r);
		paths_free(&h->found.v[i].path);
	}
	vec_free(&h->found);
	map64_free(&h->replaced);
	return true;
}

const struct source_ops holders_source = {
	.first_ns = LOOK_NS,
	.slack_ns = SLACK_NS,
	.size = sizeof(struct holders),
	.open = open_holders,
	.step = step,
	.observe = observe,
	.close = close_holders,
};
