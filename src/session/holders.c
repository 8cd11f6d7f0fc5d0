/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Asking the heap what keeps survivors alive. One question at a time, on a thread of its own with
 * its own view of the process: reading the heap takes seconds where it is big, and windows do not
 * wait. */
#include "session/holders.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "heap/why.h"
#include "report/hint.h"
#include "session/session_priv.h"

#define MAX_SITES   10
#define MAX_ADDR    256
#define PAUSE_NS    30000000000ull /* between two questions */
#define FRESH_NS    10000000000ull /* an answer of this age does for the final report */
#define MAX_NS	    10000000000ull /* for one question */
#define COST_FACTOR 50		   /* 2 % of the time at most */
#define MAX_BLOCKS  (8u << 20)	   /* about 150 MiB for the time of the question */
#define WATCH_S	    0.5
#define ROOTED	    0.5 /* share of the survivors on one path from a living root */
#define FEWEST	    3	/* survivors that still live: less is chance */

struct question {
	char id[17];
	uint64_t addr[MAX_ADDR];
	size_t n;
};

/* What was found out, kept for the reports that follow. */
struct found {
	char id[17];
	struct report *r; /* holds the strings */
	struct report_holder holder;
};

struct holders {
	int pid;
	pthread_t thread;
	bool running; /* a thread is there to be joined */
	atomic_bool done;
	uint64_t begun_ns, ended_ns, next_ns;

	struct question q[MAX_SITES];
	size_t n_q;
	struct why_answer *answer; /* of the thread, until it is taken */
	struct why_stats stats;
	int err;

	VEC(struct found) found;
};

static int ask(struct holders *h)
{
	const struct why_opts o = {
		.max_paths = 1, .watch_s = WATCH_S, .max_ns = MAX_NS, .max_blocks = MAX_BLOCKS};
	struct why_query q[MAX_SITES] = {0};
	struct py_runtime *rt = NULL;
	struct proc *p = NULL;
	struct heap *heap = NULL;
	int err = proc_open(h->pid, &p);

	for (size_t i = 0; i < h->n_q; i++)
		q[i] = (struct why_query){NULL, h->q[i].addr, h->q[i].n};
	if (!err)
		err = py_open(p, &rt);
	if (!err)
		err = heap_open(rt, &heap);
	if (!err)
		err = heap_why(heap, q, h->n_q, &o, &h->answer, &h->stats);
	if (err)
		log_info("what holds them could not be read: %s", fail_text());
	heap_close(heap);
	py_close(rt);
	proc_close(p);
	return err;
}

static void *work(void *arg)
{
	struct holders *h = arg;

	/* The session hurries because its windows must close in time; this does not. But no slower
	 * than the process: whoever reads it holds a lock of its memory map meanwhile. */
	setpriority(PRIO_PROCESS, (id_t)gettid(), 0);
	h->err = ask(h);
	atomic_store(&h->done, true);
	return NULL;
}

static const char *const edge_word[] = {
	[WHY_ROOT] = "root",  [WHY_ATTRIBUTE] = "attribute", [WHY_KEY] = "value",
	[WHY_AS_KEY] = "key", [WHY_ITEM] = "item",	     [WHY_VARIABLE] = "variable",
	[WHY_CELL] = "cell",  [WHY_DEFAULT] = "default",     [WHY_FIELD] = "field",
};

static struct found *room_for(struct holders *h, const char *id)
{
	struct found *f;

	for (size_t i = 0; i < h->found.n; i++)
		if (!strcmp(h->found.v[i].id, id)) {
			f = &h->found.v[i];
			report_free(f->r);
			f->r = NULL;
			return f;
		}
	f = vec_push(&h->found);
	if (f)
		memcpy(f->id, id, sizeof(f->id));
	return f;
}

static void keep(struct holders *h, const char *id, const struct why_path *p)
{
	struct found *f = room_for(h, id);
	struct report_holder *to;

	if (!f || report_new(&f->r)) {
		if (f)
			f->r = NULL;
		return;
	}
	to = &f->holder;
	*to = (struct report_holder){
		.root = why_root_name(p->root),
		.path = report_strdup(f->r, p->text),
		.share = p->share,
		.step = report_alloc(f->r, (p->n + 1) * sizeof(*to->step)),
		.gc_known = h->stats.gc_known,
		.gc_enabled = h->stats.gc_enabled,
		.uncollectable = p->uncollectable,
		.frozen = p->frozen,
	};
	for (size_t i = 0; to->step && i < p->n; i++)
		to->step[to->n++] = (struct report_holder_step){
			.edge = edge_word[p->step[i].edge],
			.name = p->step[i].label ? report_strdup(f->r, p->step[i].label) : NULL,
			.type = p->step[i].type ? report_strdup(f->r, p->step[i].type) : NULL,
			.entries = p->step[i].entries,
			.growth_per_s = p->step[i].growth,
		};
}

/* The thread has ended: its answers become what is known. */
static void settle(struct holders *h)
{
	pthread_join(h->thread, NULL);
	h->running = false;
	h->ended_ns = clock_ns();
	h->next_ns = h->ended_ns + PAUSE_NS;
	if (h->next_ns < h->ended_ns + COST_FACTOR * (h->ended_ns - h->begun_ns))
		h->next_ns = h->ended_ns + COST_FACTOR * (h->ended_ns - h->begun_ns);
	for (size_t i = 0; !h->err && i < h->n_q; i++) {
		const struct why_answer *a = &h->answer[i];

		if (a->n && a->sampled >= a->gone + FEWEST)
			keep(h, h->q[i].id, &a->path[0]);
	}
	why_free(h->answer, h->n_q);
	h->answer = NULL;
}

/* Survivors by the site they belong to: the stacks of a few sites, found by their ids. */
static size_t question_of(struct session *s, struct report *r, struct holders *h, uint64_t stack,
			  struct map64 *known)
{
	uint64_t *at = map64_put(known, stack | 1);
	struct report_frame *frames;
	struct stack *st;
	char id[17];
	size_t n;

	if (!at)
		return SIZE_MAX;
	if (*at)
		return (size_t)*at - 2;
	*at = 1; /* none */
	st = stacks_find(s->stacks, stack);
	n = st ? session_name_frames(r, st, &frames) : 0;
	if (!n)
		return SIZE_MAX;
	report_site_id(frames, n, id);
	for (size_t i = 0; i < h->n_q; i++)
		if (!strcmp(h->q[i].id, id))
			*at = i + 2;
	return (size_t)*at - 2;
}

static bool is_worth(const struct report_site *site)
{
	return site->kind == KIND_OBJECT && site->verdict <= CLASS_GROWING;
}

static void collect(struct session *s, struct holders *h, const struct report_process *p)
{
	struct map64 known = {0};
	const struct sample *v;
	struct report *scratch;
	size_t n;

	h->n_q = 0;
	for (size_t i = 0; i < p->n_sites && h->n_q < MAX_SITES; i++)
		if (is_worth(&p->sites[i])) {
			struct question *q = &h->q[h->n_q++];

			memcpy(q->id, p->sites[i].id, sizeof(q->id));
			q->n = 0;
		}
	if (!h->n_q || report_new(&scratch))
		return;
	v = ladder_samples(s->ladder, &n);
	/* The oldest first: they are the likeliest to stay. */
	for (size_t i = 0; i < n; i++) {
		size_t k;

		if (!v[i].rung || !v[i].addr || s->now_ns - v[i].born_ns < 1000000000ull)
			continue;
		k = question_of(s, scratch, h, v[i].stack, &known);
		if (k < h->n_q && h->q[k].n < MAX_ADDR)
			h->q[k].addr[h->q[k].n++] = v[i].addr;
	}
	map64_free(&known);
	report_free(scratch);
	n = 0;
	for (size_t i = 0; i < h->n_q; i++)
		if (h->q[i].n >= FEWEST)
			h->q[n++] = h->q[i];
	h->n_q = n;
}

static void begin(struct session *s, struct holders *h, const struct report_process *p)
{
	sigset_t all, old;

	collect(s, h, p);
	if (!h->n_q)
		return;
	h->pid = s->proc->pid;
	h->begun_ns = clock_ns();
	atomic_store(&h->done, false);
	/* Signals are for the thread that waits for them. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	h->running = !pthread_create(&h->thread, NULL, work, h);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void holders_fill(struct session *s, struct report *r, struct report_process *p, bool final)
{
	struct holders *h = s->holders;
	uint64_t now = clock_ns();

	if (!h) {
		h = s->holders = calloc(1, sizeof(*h));
		if (!h)
			return;
		h->next_ns = now; /* the first leak is looked at when it is seen */
	}
	if (h->running && (final || atomic_load(&h->done)))
		settle(h);
	if (!s->ended && !h->running &&
	    (final ? !h->ended_ns || now - h->ended_ns > FRESH_NS : now >= h->next_ns)) {
		begin(s, h, p);
		if (final && h->running)
			settle(h);
	}
	for (size_t i = 0; i < p->n_sites; i++)
		for (size_t k = 0; is_worth(&p->sites[i]) && k < h->found.n; k++)
			if (h->found.v[k].r && !strcmp(h->found.v[k].id, p->sites[i].id))
				report_hold(r, &h->found.v[k].holder, &p->sites[i]);
}

/* A stack's words may be leftovers, and what hangs from nothing or from a cycle may be garbage. */
static bool keeps_alive(const struct report_holder *h)
{
	static const char *const alive[] = {"module", "frame",	"atexit",     "signal",
					    "thread", "static", "interpreter"};

	for (size_t i = 0; h->root && h->share >= ROOTED && i < ARRAY_SIZE(alive); i++)
		if (!strcmp(h->root, alive[i]))
			return true;
	return false;
}

bool holders_rooted(const struct session *s, const char *site_id)
{
	const struct holders *h = s->holders;

	for (size_t i = 0; h && i < h->found.n; i++)
		if (h->found.v[i].r && !strcmp(h->found.v[i].id, site_id))
			return keeps_alive(&h->found.v[i].holder);
	return false;
}

void holders_free(struct holders *h)
{
	if (!h)
		return;
	if (h->running)
		settle(h);
	for (size_t i = 0; i < h->found.n; i++)
		report_free(h->found.v[i].r);
	vec_free(&h->found);
	free(h);
}
