/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sweep/growth.h"

#include <math.h>
#include <poll.h>
#include <time.h>

#include "base/series.h"
#include "base/thread.h"
#include "base/thresholds.h"
#include "heap/heap.h"
#include "verdict/eta.h"
#include "verdict/verdict.h"
#include "memory/identity.h"
#include "memory/limits.h"

#define BUCKET_S 2.0
#define PAGE	 4096
/* A limit is read from a dozen files of /proc and cgroups, which costs more than a reading. */
#define LIMITS_NS 30000000000ull
/* A judgement costs nearly as much as reading a small heap, and a few more points hardly change it:
 * the next comes when the process has been watched for this part longer, or after JUDGE_NS. */
#define JUDGE_PART  24
#define JUDGE_NS    10000000000ull
#define MANY_POOLS  64	    /* each header takes a microsecond or more to read */
#define STUCK_LOOKS 2	    /* looks at a process in an uninterruptible wait ... */
#define STUCK_NS    5000000 /* ... and the time between: most disks answer meanwhile */

enum { VALUE_RSS, VALUE_ANON, VALUE_LIVE, VALUES };

struct growth {
	struct proc_entry entry;
	struct proc *proc;
	struct py_runtime *rt;
	struct heap *heap;
	bool has_pools;
	struct series *series;
	struct proc_memory memory;
	struct proc_cgroup cgroup;
	struct proc_limit limit;
	double live_bytes;
	uint64_t pools; /* pools that were counted last */
	bool in_turn;	/* only some of them were read anew */
	uint64_t start_ns, limits_due;
	uint64_t cpu_ns; /* CPU time it had used before the last reading */
	uint64_t stuck;	 /* proc_memory.stuck when a reading was left out for it; 0 = it was not */
	bool rests;
	uint64_t read_ns, judged_ns; /* the last reading; the last one that was judged */
	struct curve curve;	     /* the judgement of that */
	bool is_behind;		     /* the process has run since then */
};

static void forget(struct growth *g)
{
	series_free(g->series);
	heap_close(g->heap);
	py_close(g->rt);
	proc_close(g->proc);
	free(g);
}

void growth_close(struct growth *g)
{
	if (g)
		forget(g);
}

int growth_open(struct proc *p, const struct proc_entry *e, struct growth **out)
{
	struct growth *g = calloc(1, sizeof(*g));
	int err;

	if (!g) {
		proc_close(p);
		return fail(-ENOMEM, "out of memory");
	}
	g->entry = *e;
	g->proc = p;
	g->start_ns = clock_ns();
	err = py_open(p, &g->rt);
	if (!err)
		err = heap_open(g->rt, &g->heap);
	if (!err)
		err = series_new(VALUES, BUCKET_S, &g->series);
	if (err) {
		forget(g);
		return err;
	}
	py_close_file(g->rt);
	proc_close_files(p);
	g->has_pools = heap_has_pools(g->heap);
	*out = g;
	return 0;
}

void growth_watch_by(struct growth *g, heap_watch watch, void *ctx)
{
	heap_watch_by(g->heap, watch, ctx);
}

/* Has the process used no CPU time since before the last reading? Then its heap is as it was read.
 */
static bool has_rested(struct growth *g)
{
	uint64_t before = g->cpu_ns;

	g->cpu_ns = process_cpu_ns(g->entry.pid);
	return g->cpu_ns && g->cpu_ns == before;
}

static void judge(const struct growth *g, int value, struct curve *out)
{
	double t[SERIES_POINTS], v[SERIES_POINTS], top[SERIES_POINTS];
	struct curve_points points = {.t = t, .v = v, .top = top, .grain = PAGE};

	points.n = series_read(g->series, (size_t)value, t, v, top);
	curve_judge(&points, out);
}

static bool rises(const struct curve *c)
{
	return curve_grows(c) && c->slope > PROCESS_NOISE;
}

static void judge_growth(struct growth *g)
{
	struct curve anon;

	g->judged_ns = g->read_ns;
	g->is_behind = false;
	judge(g, VALUE_ANON, &anon);
	g->curve = anon;
	if (!g->has_pools)
		return;
	judge(g, VALUE_LIVE, &g->curve);
	/* memory of C code, or of blocks too large for pools, perhaps with a small object for each
	 */
	if (rises(&anon) && (!rises(&g->curve) || g->curve.slope * ETA_PARTIAL < anon.slope))
		g->curve = anon;
}

static bool is_level(const struct curve *c)
{
	return c->shape == CURVE_FLAT || c->shape == CURVE_LEVELLED;
}

static void add(struct growth *g, uint64_t now, const double *v)
{
	uint64_t wait = (now - g->start_ns) / JUDGE_PART;

	series_add(g->series, (double)(now - g->start_ns) / 1e9, v);
	g->read_ns = now;
	g->is_behind |= !g->rests;
	/* a curve that rose, or came and went, levels off by resting */
	if ((g->is_behind || !is_level(&g->curve)) &&
	    now - g->judged_ns >= (wait < JUDGE_NS ? wait : JUDGE_NS))
		judge_growth(g);
}

/* The curve for a report: of all that was read. */
static const struct curve *curve_now(struct growth *g)
{
	if (g->judged_ns != g->read_ns)
		judge_growth(g);
	return &g->curve;
}

enum reading { NOTHING, SOME_POOLS, ALL_POOLS };

/* Chooses the reading: nothing of a process that has rested since all of it was read. */
static enum reading what_to_read(const struct growth *g, bool has_rested)
{
	if (has_rested)
		return g->in_turn ? ALL_POOLS : NOTHING;
	return g->pools > MANY_POOLS ? SOME_POOLS : ALL_POOLS;
}

static int count(struct growth *g, bool in_turn)
{
	struct heap_census c;
	int err = in_turn ? heap_census_in_turn(g->heap, &c) : heap_census(g->heap, &c);

	if (err)
		return err;
	g->live_bytes = (double)heap_live_bytes(&c);
	g->pools = c.pools;
	g->in_turn = in_turn;
	return 0;
}

/* Has it ended? Asked at each reading, so without a file of /proc, which proc_alive() reads. */
static bool has_ended(const struct proc *p)
{
	struct pollfd end = {.fd = p->pidfd, .events = POLLIN};

	return poll(&end, 1, 0) > 0;
}

/* May the process hold its mmap_lock for as long as storage is silent? Then a reader of its memory
 * would wait as long (W4). A process that rests still waits where it was seen last. */
static bool is_stuck(struct growth *g)
{
	const struct timespec pause = {.tv_nsec = STUCK_NS};
	uint64_t stuck = g->memory.stuck;

	for (int i = 0; stuck && stuck != g->stuck && i < STUCK_LOOKS; i++) {
		nanosleep(&pause, NULL);
		if (proc_memory(g->proc, &g->memory) || g->memory.stuck != stuck)
			stuck = 0;
	}
	g->stuck = stuck;
	return stuck;
}

bool growth_read(struct growth *g)
{
	uint64_t now = clock_ns();
	bool is_due = now >= g->limits_due;
	enum reading what;
	double v[VALUES];

	if (has_ended(g->proc))
		return false;
	what = what_to_read(g, has_rested(g));
	g->rests = what == NOTHING;
	/* pages of a process that rests may be taken */
	if ((!g->rests || is_due) && proc_memory(g->proc, &g->memory))
		return false;
	if (is_stuck(g)) {
		g->cpu_ns = 0; /* the next reading looks again */
		return true;
	}
	if (proc_memory_gone(g->proc))
		return false;
	if (!g->rests && g->has_pools) {
		if (count(g, what == SOME_POOLS))
			g->cpu_ns = 0; /* the next reading tries again */
		proc_close_files(g->proc);
	}
	v[VALUE_RSS] = (double)g->memory.rss_bytes;
	v[VALUE_ANON] = (double)(g->memory.anon_bytes + g->memory.swap_bytes);
	v[VALUE_LIVE] = g->live_bytes;
	if (is_due) {
		g->limits_due = now + LIMITS_NS;
		limits_read(g->proc, &g->memory, &g->cgroup, &g->limit);
	}
	add(g, now, v);
	return true;
}

bool growth_has_ended(const struct growth *g)
{
	return !proc_alive(g->proc) || proc_execed(g->proc);
}

const struct curve *growth_curve(const struct growth *g)
{
	return &g->curve;
}

static void fill_verdict(const struct curve *c, const char *unprobed, struct report *r,
			 struct report_process *p)
{
	static const char *const level[CURVE_SHAPES] = {
		[CURVE_FLAT] = "nothing grows",
		[CURVE_RISING] = "grows by too little to be told from noise",
		[CURVE_SLOWING] = "grows by too little to be told from noise",
		[CURVE_LEVELLED] = "grew, and is level now",
		[CURVE_TEETH] = "goes up and down",
		[CURVE_PERIODIC] = "goes up and down",
		[CURVE_GIVEN_BACK] = "grew, and gave it back",
	};
	char rate[32];

	p->verdict = rises(c) ? CLASS_GROWING : CLASS_STEADY;
	if (c->shape == CURVE_UNKNOWN)
		report_too_early(p);
	else if (p->verdict == CLASS_GROWING)
		p->reason = report_printf(
			r, "%s by %s/s for %.0f s, %s", p->exited ? "grew" : "grows",
			fmt_bytes(rate, sizeof(rate), c->slope), c->since_s, unprobed);
	else
		p->reason = level[c->shape];
	if (!p->reason)
		p->reason = "";
}

static void fill_memory(const struct growth *g, const struct curve *heap, struct report *r,
			struct report_process *p)
{
	struct eta_growth eta = {0};

	if (!g->memory.rss_bytes)
		return;
	p->memory.anon = g->memory.anon_bytes;
	p->memory.swap = g->memory.swap_bytes;
	limits_fill(&g->cgroup, &g->limit, r, &p->memory);
	if (p->verdict != CLASS_GROWING || p->exited)
		return;
	eta.slow = eta.fast = heap->slope;
	eta_predict(&eta, &p->memory);
}

void growth_fill(struct growth *g, const char *unprobed, struct report *r, struct report_process *p)
{
	const struct curve *heap = curve_now(g);
	struct curve rss;

	report_process_init(p);
	identity_fill(g->proc, g->rt, r, p);
	judge(g, VALUE_RSS, &rss);
	p->mode = "growth";
	p->exited = has_ended(g->proc);
	p->rss_bytes = g->memory.rss_bytes ? g->memory.rss_bytes : REPORT_UNKNOWN;
	p->rss_growth_bytes_per_s = rss.shape != CURVE_UNKNOWN ? rss.slope : NAN;
	p->on_s = p->coverage = 0;
	fill_verdict(heap, unprobed, r, p);
	fill_memory(g, heap, r, p);
}

const struct proc_entry *growth_entry(const struct growth *g)
{
	return &g->entry;
}
