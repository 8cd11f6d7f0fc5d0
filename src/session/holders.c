/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Asking the heap what keeps survivors alive. One question at a time, on a thread of its own with
 * its own view of the process: reading the heap takes seconds where it is big, and windows do not
 * wait. */
#include "session/holders.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/thread.h"
#include "heap/why.h"
#include "proc/limits.h"
#include "report/hint.h"
#include "session/fills.h"
#include "session/session_priv.h"

#define MAX_SITES   16
#define MAX_ADDR    256
#define PAUSE_NS    30000000000ull  /* between two questions */
#define SOON_NS	    5000000000ull   /* ... when one is about a site that was never asked for */
#define FRESH_NS    10000000000ull  /* an answer of this age does for the final report */
#define MAX_NS	    120000000000ull /* for one question */
#define FINAL_NS    8000000000ull   /* that a final report waits for its answer */
#define QUICK_NS    500000000ull    /* of CPU time: what takes no longer is done at once */
#define REST	    2  /* what takes longer rests that many times as long as it works */
#define COST_FACTOR 50 /* 2 % of the time at most */
#define MIN_BLOCKS  (1ull << 20)
#define MAX_BLOCKS  (64ull << 20)
#define BLOCK_COST  24 /* bytes of our memory per block while a question is answered */
#define ROOM_SHARE  4  /* of what this machine, or our cgroup, has left */
#define WATCH_S	    0.5
#define MIN_AGE_NS  1000000000ull
#define ROOTED	    0.5 /* share of the survivors on one path from a living root */
#define BOUND_PART  0.8 /* ... in one container: that one is what grows */
#define MAX_PATHS   4
#define FEWEST	    3 /* survivors that still live: less is chance */

struct question {
	char id[17];
	enum report_kind kind;
	uint64_t min_age_ns;
	uint64_t addr[MAX_ADDR];
	size_t n;
};

/* What was found out, kept for the reports that follow. */
struct found {
	char id[17];
	enum report_kind kind;
	struct report *r; /* holds the strings */
	struct report_holder holder;
	struct fill fill;
};

struct holders {
	int pid;
	uint64_t start_ticks; /* with pid: the identity */
	pthread_t thread;
	bool running; /* a thread is there to be joined */
	atomic_bool done;
	uint64_t begun_ns, ended_ns, next_ns, soon_ns;
	uint64_t cost_ns; /* CPU time of the last question */

	/* For the thread: when it must have ended, and whether somebody waits for it. */
	atomic_uint_least64_t deadline_ns;
	atomic_bool hurry;
	uint64_t paced_ns; /* its CPU time as of the last rest */

	struct question q[MAX_SITES];
	size_t n_q;
	struct why_answer *answer; /* of the thread, until it is taken */
	struct why_stats stats;
	int err;
	char sentence[200]; /* of its failure */

	uint64_t refused; /* questions without an answer since the last that had one */
	char why_not[256];

	VEC(struct found) found;
};

/* Blocks of the heap that our memory has room for. */
static uint64_t max_blocks(void)
{
	struct proc_limit v[PROC_LIMITS];
	uint64_t left = PROC_UNKNOWN, n;
	struct proc_memory m;
	struct proc_cgroup cg;
	struct proc *self;

	if (!proc_open(getpid(), &self)) {
		proc_cgroup(self, &cg);
		n = proc_memory(self, &m) ? 0 : proc_limits(self, &m, &cg, v);
		for (size_t i = 0; i < n; i++)
			left = v[i].left_low < left ? v[i].left_low : left;
		proc_close(self);
	}
	n = left == PROC_UNKNOWN ? 0 : left / ROOM_SHARE / BLOCK_COST;
	return n < MIN_BLOCKS ? MIN_BLOCKS : n > MAX_BLOCKS ? MAX_BLOCKS : n;
}

/* A target with one CPU must not stand still while its heap is read. */
static int watch(const struct heap_progress *at, void *ctx)
{
	struct holders *h = ctx;
	uint64_t now = thread_cpu_ns(), worked = now - h->paced_ns;
	struct timespec t;

	(void)at;
	if (clock_ns() >= atomic_load(&h->deadline_ns))
		return fail(-ETIME, "its heap is too big to be followed in time");
	if (now < QUICK_NS || worked < 1000000 || atomic_load(&h->hurry))
		return 0;
	h->paced_ns = now;
	t.tv_sec = 0;
	t.tv_nsec = (long)(worked * REST);
	if (worked * REST < 1000000000)
		nanosleep(&t, NULL);
	return 0;
}

static bool is_lost(const struct why_answer *a)
{
	return a->n && a->path[0].root == WHY_NOBODY;
}

/* The heap changes while it is read: a pointer may have moved from what is read later to what has
 * been read. So what nothing seems to hold is looked for once more, and has to be missing twice. */
static int doubt(struct holders *h, struct heap *heap, const struct why_query *q,
		 const struct why_opts *o)
{
	struct why_answer *again;
	struct why_stats stats;
	size_t n = 0;
	int err;

	for (size_t i = 0; i < h->n_q; i++)
		n += is_lost(&h->answer[i]);
	if (!n)
		return 0;
	err = heap_why(heap, q, h->n_q, o, &again, &stats);
	if (err)
		return err;
	for (size_t i = 0; i < h->n_q; i++)
		if (is_lost(&h->answer[i]) && !is_lost(&again[i])) {
			const struct why_answer first = h->answer[i];

			log_debug("what holds site %s was found at the second look", h->q[i].id);
			h->answer[i] = again[i];
			again[i] = first;
		}
	why_free(again, h->n_q);
	return 0;
}

static int ask(struct holders *h)
{
	const struct why_opts o = {
		.max_paths = MAX_PATHS, .watch_s = WATCH_S, .max_blocks = max_blocks()};
	struct why_query q[MAX_SITES] = {0};
	struct py_runtime *rt = NULL;
	struct proc *p = NULL;
	struct heap *heap = NULL;
	int err = proc_open(h->pid, &p);

	for (size_t i = 0; i < h->n_q; i++)
		q[i] = (struct why_query){NULL, h->q[i].addr, h->q[i].n};
	if (!err && p->start_ticks != h->start_ticks)
		err = fail(-ESRCH, "process %d has ended", h->pid);
	if (!err)
		err = py_open(p, &rt);
	if (!err)
		err = heap_open(rt, &heap);
	if (!err) {
		heap_watch_by(heap, watch, h);
		err = heap_why(heap, q, h->n_q, &o, &h->answer, &h->stats);
	}
	if (!err)
		err = doubt(h, heap, q, &o);
	snprintf(h->sentence, sizeof(h->sentence), "%s", err ? fail_text() : "");
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
	h->cost_ns = thread_cpu_ns();
	atomic_store(&h->done, true);
	return NULL;
}

static const char *const edge_word[] = {
	[WHY_ROOT] = "root",  [WHY_ATTRIBUTE] = "attribute", [WHY_KEY] = "value",
	[WHY_AS_KEY] = "key", [WHY_ITEM] = "item",	     [WHY_VARIABLE] = "variable",
	[WHY_CELL] = "cell",  [WHY_DEFAULT] = "default",     [WHY_FIELD] = "field",
};

static struct found *find(const struct holders *h, const char *id, enum report_kind kind)
{
	for (size_t i = 0; i < h->found.n; i++)
		if (h->found.v[i].kind == kind && !strcmp(h->found.v[i].id, id))
			return &h->found.v[i];
	return NULL;
}

static struct found *room_for(struct holders *h, const struct question *q)
{
	struct found *f = find(h, q->id, q->kind);

	if (f)
		return f;
	f = vec_push(&h->found);
	if (f) {
		memcpy(f->id, q->id, sizeof(f->id));
		f->kind = q->kind;
	}
	return f;
}

/* How much of the survivors hangs on one container, by whatever path behind it. */
static double share_in(const struct why_answer *a, uint64_t container)
{
	double share = 0;

	for (size_t i = 0; i < a->n; i++)
		for (size_t k = 0; k < a->path[i].n; k++)
			if (a->path[i].step[k].addr == container) {
				share += a->path[i].share;
				break;
			}
	return share;
}

static void find_fill(struct found *f, const struct why_answer *a)
{
	const struct why_path *p = &a->path[0];
	size_t i = report_holder_container(&f->holder);

	if (i >= p->n || share_in(a, p->step[i].addr) < BOUND_PART)
		i = SIZE_MAX;
	fill_found(&f->fill, p, i, clock_ns());
}

static void keep(struct holders *h, const struct question *q, const struct why_answer *a)
{
	const struct why_path *p = &a->path[0];
	struct found *f = room_for(h, q);
	struct report_holder *to;

	if (!f)
		return;
	report_free(f->r);
	f->r = NULL;
	if (report_new(&f->r)) {
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
	find_fill(f, a);
}

/* The thread ends, soon if it has not yet: its answers become what is known. */
static void settle(struct holders *h, uint64_t wait_ns)
{
	uint64_t until = clock_ns() + wait_ns, pause;

	if (until < atomic_load(&h->deadline_ns))
		atomic_store(&h->deadline_ns, until);
	atomic_store(&h->hurry, true);
	pthread_join(h->thread, NULL);
	h->running = false;
	h->ended_ns = clock_ns();
	pause = COST_FACTOR * h->cost_ns;
	h->next_ns = h->ended_ns + (pause > PAUSE_NS ? pause : PAUSE_NS);
	h->soon_ns = h->ended_ns + (pause > SOON_NS ? pause : SOON_NS);
	h->refused = h->err ? h->refused + 1 : 0;
	snprintf(h->why_not, sizeof(h->why_not), "what holds the survivors is not known: %s",
		 h->sentence);
	for (size_t i = 0; !h->err && i < h->n_q; i++) {
		const struct why_answer *a = &h->answer[i];

		if (a->n && a->sampled >= a->gone + FEWEST)
			keep(h, &h->q[i], a);
	}
	why_free(h->answer, h->n_q);
	h->answer = NULL;
}

/* What stays, by the site it belongs to: the stacks of a few sites, found by their ids. */
struct sorting {
	struct session *s;
	struct holders *h;
	struct report *scratch;
	enum report_kind kind;
	struct map64 known;
};

static size_t question_of(struct sorting *o, uint64_t stack)
{
	uint64_t *at = map64_put(&o->known, stack | 1);
	struct report_frame *frames;
	struct stack *st;
	char id[17];
	size_t n;

	if (!at)
		return SIZE_MAX;
	if (*at)
		return (size_t)*at - 2;
	*at = 1; /* none */
	st = stacks_find(o->s->stacks, stack);
	n = st ? session_name_frames(o->scratch, st, &frames) : 0;
	if (!n)
		return SIZE_MAX;
	report_site_id(frames, n, id);
	for (size_t i = 0; i < o->h->n_q; i++)
		if (o->h->q[i].kind == o->kind && !strcmp(o->h->q[i].id, id))
			*at = i + 2;
	return (size_t)*at - 2;
}

static void add(struct sorting *o, uint64_t stack, uint64_t addr, uint64_t age_ns)
{
	size_t k = age_ns < MIN_AGE_NS ? SIZE_MAX : question_of(o, stack);
	struct question *q = k < o->h->n_q ? &o->h->q[k] : NULL;

	if (q && age_ns >= q->min_age_ns && q->n < MAX_ADDR)
		q->addr[q->n++] = addr;
}

static bool is_worth(const struct report_site *site)
{
	return (site->kind == KIND_OBJECT || site->kind == KIND_HEAP) &&
	       site->verdict <= CLASS_GROWING;
}

static int add_block(void *arg, uint64_t addr, const struct pl_block *b)
{
	struct sorting *o = arg;

	add(o, b->site.stack, addr, o->s->now_ns > b->born_ns ? o->s->now_ns - b->born_ns : 0);
	return 0;
}

static void add_survivors(struct sorting *o)
{
	const struct sample *v;
	size_t n;

	v = ladder_samples(o->s->ladder, &n);
	/* The oldest first: they are the likeliest to stay. */
	for (size_t i = 0; i < n; i++)
		if (v[i].rung && v[i].addr)
			add(o, v[i].stack, v[i].addr, o->s->now_ns - v[i].born_ns);
}

static void collect(struct session *s, struct holders *h, const struct report_process *p)
{
	struct sorting o = {.s = s, .h = h};
	bool blocks = false;
	size_t n = 0;

	h->n_q = 0;
	for (size_t i = 0; i < p->n_sites && h->n_q < MAX_SITES; i++)
		if (is_worth(&p->sites[i])) {
			struct question *q = &h->q[h->n_q++];

			memcpy(q->id, p->sites[i].id, sizeof(q->id));
			q->kind = p->sites[i].kind;
			q->n = 0;
			/* Blocks come in no order: half of a line that grows is older than this. */
			q->min_age_ns = q->kind == KIND_HEAP
						? (uint64_t)(p->sites[i].oldest_s / 2 * 1e9)
						: 0;
			blocks |= q->kind == KIND_HEAP;
		}
	if (!h->n_q || report_new(&o.scratch))
		return;
	o.kind = KIND_OBJECT;
	add_survivors(&o);
	map64_free(&o.known);
	o.known = (struct map64){0};
	o.kind = KIND_HEAP;
	if (blocks && s->native)
		native_each_block(s->native, add_block, &o);
	map64_free(&o.known);
	report_free(o.scratch);
	for (size_t i = 0; i < h->n_q; i++)
		if (h->q[i].n >= FEWEST)
			h->q[n++] = h->q[i];
	h->n_q = n;
}

/* Is one of them about a site that was never asked for? From now on it was. */
static bool is_new(struct holders *h)
{
	size_t before = h->found.n;

	for (size_t i = 0; i < h->n_q; i++)
		room_for(h, &h->q[i]);
	return h->found.n > before;
}

/* @due: else only new sites are worth a question. */
static void begin(struct session *s, struct holders *h, const struct report_process *p, bool due)
{
	collect(s, h, p);
	h->soon_ns = s->now_ns + SOON_NS;
	if (!h->n_q || !(is_new(h) || due))
		return;
	h->pid = s->proc->pid;
	h->start_ticks = s->proc->start_ticks;
	h->begun_ns = clock_ns();
	h->paced_ns = 0;
	atomic_store(&h->deadline_ns, h->begun_ns + MAX_NS);
	atomic_store(&h->hurry, false);
	atomic_store(&h->done, false);
	h->running = !thread_start(&h->thread, work, h);
}

/* What is known of its holder, into the report. */
static void tell(struct session *s, struct report *r, const struct report_process *p,
		 struct found *f, struct report_site *site)
{
	struct verdict_bound b;
	bool fills = fill_look(&f->fill, s->ended ? NULL : s->rt, clock_ns(), &b);

	/* A full one is bounded, too: then it is not what grows. */
	f->holder.bounded = f->fill.addr && (!fills || verdict_bounded(r, p, &b, site));
	report_hold(r, &f->holder, site);
}

void holders_fill(struct session *s, struct report *r, struct report_process *p, bool final)
{
	struct holders *h = s->holders;
	uint64_t now = clock_ns();
	bool due;

	if (!h) {
		h = s->holders = calloc(1, sizeof(*h));
		if (!h)
			return;
		h->next_ns = now; /* the first leak is looked at when it is seen */
	}
	if (h->running && (final || atomic_load(&h->done)))
		settle(h, FINAL_NS);
	due = final ? !h->ended_ns || now - h->ended_ns > FRESH_NS : now >= h->next_ns;
	if (!s->ended && !h->running && (due || final || now >= h->soon_ns)) {
		begin(s, h, p, due);
		if (final && h->running)
			settle(h, FINAL_NS);
	}
	for (size_t i = 0; i < p->n_sites; i++) {
		struct found *f =
			is_worth(&p->sites[i]) ? find(h, p->sites[i].id, p->sites[i].kind) : NULL;

		if (f && f->r)
			tell(s, r, p, f, &p->sites[i]);
	}
	report_sort(p);
}

uint64_t holders_refused(const struct session *s, const char **why)
{
	const struct holders *h = s->holders;

	*why = h && h->refused ? h->why_not : "what holds the survivors was not found out";
	return h ? h->refused : 0;
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

	const struct found *f = h ? find(h, site_id, KIND_OBJECT) : NULL;

	return f && f->r && keeps_alive(&f->holder);
}

void holders_free(struct holders *h)
{
	if (!h)
		return;
	if (h->running)
		settle(h, 0);
	for (size_t i = 0; i < h->found.n; i++)
		report_free(h->found.v[i].r);
	vec_free(&h->found);
	free(h);
}
