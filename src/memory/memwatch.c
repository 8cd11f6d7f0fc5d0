/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Readings of cgroups, rlimits and smaps_rollup, and the slopes a prediction rests on. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/pace.h"
#include "base/thread.h"
#include "base/trend.h"
#include "judge/judge.h"
#include "memory/limits.h"
#include "memory/memwatch.h"
#include "memory/points.h"
#include "memory/retention.h"

/* a little less than a second: of readings each half second, every other one is taken */
#define READ_NS	  950000000ull
#define ROLLUP_NS 2000000000ull
/* reading it walks page tables: it may take one part in so many of our time */
#define ROLLUP_SHARE 300
#define BUCKET_S     1.0
#define RECENT	     60 /* readings for the recent growth: a minute */
#define RECENT_MIN   6
#define STOPPED_SEEN 3 /* readings in a row, half a second apart */

enum { WORK_RAN, WORK_TURNS_TAKEN, WORK_SERIES };

struct memwatch {
	struct trend_set *slopes, *room; /* room: use of the limit room_name */
	struct trend_set *waited;	 /* seconds waited for a processor */
	struct trend_set *work;
	char room_name[sizeof(((struct proc_limit *)0)->name)];
	double recent_t[RECENT], recent_rss[RECENT]; /* ring */
	size_t n_recent;
	struct retention_log kept;
	uint64_t read_ns, rollup_ns, pools_bytes, live_bytes;
	struct proc_memory mem;
	struct proc_cgroup cgroup;
	struct proc_limit limit; /* the nearest; empty name: none known */
	struct proc_rollup rollup;
	struct proc_usage usage;
	double minor_per_s, major_per_s;
	uint64_t told_limit; /* limit of the last news */
	char told_name[sizeof(((struct proc_limit *)0)->name)];
	bool told_unread, told_large, told_stopped;
	unsigned stopped_seen; /* readings in a row that found it stopped */
	uint64_t kills;	       /* OOM kills in its group before it was watched there */
	bool is_large;	       /* too large to read smaps_rollup */
};

int memwatch_new(struct memwatch **out)
{
	struct memwatch *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return fail(-ENOMEM, "out of memory");
	err = trend_set_new(MEMORY_SLOPES, BUCKET_S, &w->slopes);
	if (!err)
		err = trend_set_new(1, BUCKET_S, &w->waited);
	if (!err)
		err = trend_set_new(WORK_SERIES, BUCKET_S, &w->work);
	if (err) {
		memwatch_free(w);
		return err;
	}
	w->minor_per_s = w->major_per_s = NAN;
	w->usage.fds = PROC_UNKNOWN;
	w->cgroup.current = PROC_UNKNOWN;
	*out = w;
	return 0;
}

void memwatch_free(struct memwatch *w)
{
	if (!w)
		return;
	trend_set_free(w->slopes);
	trend_set_free(w->room);
	trend_set_free(w->waited);
	trend_set_free(w->work);
	free(w);
}

static void read_usage(struct memwatch *w, const struct proc *p, uint64_t now)
{
	struct proc_usage u;
	double dt = (double)(now - w->read_ns) / 1e9;

	if (proc_usage(p, &u))
		return;
	if (w->read_ns && dt > 0) {
		w->minor_per_s = (double)(u.minor_faults - w->usage.minor_faults) / dt;
		w->major_per_s = (double)(u.major_faults - w->usage.major_faults) / dt;
	}
	w->usage = u;
}

static void read_rollup(struct memwatch *w, const struct proc *p, uint64_t now, double t_s)
{
	uint64_t wait, start = thread_cpu_ns();

	if (now < w->rollup_ns)
		return;
	w->is_large = proc_rollup(p, &w->rollup) == -EFBIG;
	wait = (thread_cpu_ns() - start) * ROLLUP_SHARE;
	w->rollup_ns = now + pace_rarer_ns(wait > ROLLUP_NS ? wait : ROLLUP_NS, t_s);
}

/* Adds the use of the nearest limit, by all processes of the group, without page cache, whose
 * growth leads to no limit. The machine's memory is left out: all its processes use it, which is
 * noise here. */
static void add_room(struct memwatch *w, double t_s)
{
	double used = proc_limit_used(&w->limit);

	if (strcmp(w->room_name, w->limit.name) != 0) {
		trend_set_free(w->room);
		w->room = NULL;
		strcpy(w->room_name, w->limit.name);
	}
	if (!*w->limit.name || w->limit.kind == PROC_LIMIT_RAM)
		return;
	if (w->room || !trend_set_new(1, BUCKET_S, &w->room))
		trend_set_add(w->room, t_s, &used);
}

/* Adds the process's CPU time, without the cost of our probes: that may be half of the CPU time of
 * a mostly idle service. */
static void add_work(struct memwatch *w, double t_s, double spent_ns)
{
	double waited_s = (double)w->usage.waited_ns / 1e9;
	const double done[WORK_SERIES] = {
		[WORK_RAN] = ((double)w->usage.ran_ns - spent_ns) / 1e9,
		[WORK_TURNS_TAKEN] = (double)w->usage.turns,
	};

	trend_set_add(w->waited, t_s, &waited_s);
	if (w->usage.turns)
		trend_set_add(w->work, t_s, done);
}

static double number(uint64_t v)
{
	return v == PROC_UNKNOWN ? NAN : (double)v;
}

static void add_kept(struct memwatch *w, double t_s)
{
	const struct proc_rollup *ru = &w->rollup;
	const double value[KEPT_MAX] = {
		[KEPT_RSS] = (double)w->mem.rss_bytes,
		[KEPT_ANON] = (double)(w->mem.anon_bytes + w->mem.swap_bytes),
		[KEPT_PRIVATE] = ru->rss ? (double)(ru->private_clean + ru->private_dirty) : NAN,
		[KEPT_SHARED] = ru->rss ? (double)ru->shared : NAN,
		[KEPT_HUGE] = ru->rss ? (double)ru->huge : NAN,
		[KEPT_SHMEM] = (double)w->mem.shmem_bytes,
		[KEPT_LIVE] = w->pools_bytes ? (double)w->live_bytes : NAN,
		[KEPT_POOLS] = w->pools_bytes ? (double)w->pools_bytes : NAN,
		[KEPT_CGROUP] = number(w->cgroup.current),
		[KEPT_CGROUP_FILE] = number(w->cgroup.file),
		[KEPT_IO] = number(w->usage.io_bytes),
	};

	retention_add(&w->kept, t_s, value);
}

static void add_recent(struct memwatch *w, double t_s)
{
	size_t at = w->n_recent++ % RECENT;

	w->recent_t[at] = t_s;
	w->recent_rss[at] = (double)w->mem.rss_bytes;
}

void memwatch_read(struct memwatch *w, const struct py_runtime *rt, const struct heap *h,
		   const struct proc_memory *m, const struct heap_census *c, double t_s,
		   double spent_ns)
{
	uint64_t now = clock_ns();
	double value[MEMORY_SLOPES];
	struct proc_cgroup cgroup;
	struct proc_limit limit;

	if (w->read_ns && now - w->read_ns < READ_NS)
		return;
	limits_read(rt->proc, m, &cgroup, &limit);
	/* the kernel shows an exiting process in the root group (v1), with less memory */
	if (!proc_alive(rt->proc))
		return;
	if (!w->read_ns || strcmp(cgroup.path, w->cgroup.path) != 0)
		w->kills = cgroup.oom_kills;
	w->cgroup = cgroup;
	w->limit = limit;
	w->mem = *m;
	w->live_bytes = heap_live_bytes(c);
	/* mimalloc's pages have many sizes: free memory in them is not counted */
	w->pools_bytes = heap_has_mimalloc(h) ? w->live_bytes : c->pools * rt->layout.pool_size;
	read_usage(w, rt->proc, now);
	w->read_ns = now;
	read_rollup(w, rt->proc, now, t_s);
	value[MEMORY_ANON] = (double)(m->anon_bytes + m->shmem_bytes + m->swap_bytes);
	value[MEMORY_USED] = value[MEMORY_ANON] - (double)w->pools_bytes + (double)w->live_bytes;
	trend_set_add(w->slopes, t_s, value);
	add_work(w, t_s, spent_ns);
	add_room(w, t_s);
	add_recent(w, t_s);
	add_kept(w, t_s);
}

void memwatch_series(const struct memwatch *w, struct report_series *row)
{
	row->fds = w->usage.fds;
	row->anon_bytes = w->mem.anon_bytes;
	row->swap_bytes = w->mem.swap_bytes;
	row->cgroup_bytes = w->cgroup.current;
}

bool memwatch_change(struct memwatch *w, bool is_stopped, char *text, size_t size)
{
	char then[32], now[32];
	uint64_t before = w->told_limit;

	w->stopped_seen = is_stopped ? w->stopped_seen + 1 : 0;
	if (w->stopped_seen == STOPPED_SEEN && !w->told_stopped) {
		w->told_stopped = true;
		snprintf(text, size,
			 "the process was found stopped for a time, by a signal, a debugger or a "
			 "freezer: it did nothing then, so nothing grew");
		return true;
	}
	if (w->cgroup.unread && !w->told_unread) {
		w->told_unread = true;
		snprintf(text, size, "the cgroup's limit is not known for sure: %s cannot be read",
			 w->cgroup.unread_path);
		return true;
	}
	if (w->is_large && !w->told_large) {
		w->told_large = true;
		snprintf(
			text, size,
			"private, shared and proportional memory (PSS) are not known above %s: the "
			"kernel would walk over all pages with the process's lock held",
			fmt_bytes(now, sizeof(now), (double)PROC_LARGE));
		return true;
	}
	if (w->limit.limit == before || !*w->limit.name)
		return false;
	w->told_limit = w->limit.limit;
	/* that another limit became the nearest is no news */
	if (!before || strcmp(w->told_name, w->limit.name) != 0) {
		strcpy(w->told_name, w->limit.name);
		return false;
	}
	snprintf(text, size, "the limit was changed while watching, from %s to %s: %s",
		 fmt_bytes(then, sizeof(then), (double)before),
		 fmt_bytes(now, sizeof(now), (double)w->limit.limit), w->limit.name);
	return true;
}

bool memwatch_ended(struct memwatch *w, char *text, size_t size)
{
	uint64_t kills = proc_cgroup_kills(&w->cgroup);
	char left[32];

	if (kills == PROC_UNKNOWN || w->kills == PROC_UNKNOWN || kills <= w->kills)
		return false;
	w->cgroup.oom_kills = kills;
	snprintf(text, size,
		 "the kernel killed in the memory group of the process (%s) while it was watched, "
		 "for lack of memory; at the last look the process had %s left",
		 w->cgroup.path, fmt_bytes(left, sizeof(left), (double)w->limit.left_low));
	return true;
}

void memwatch_fill(const struct memwatch *w, struct report *r, struct report_memory *out)
{
	report_memory_init(out);
	if (!w->read_ns)
		return;
	out->anon = w->mem.anon_bytes;
	out->swap = w->mem.swap_bytes;
	if (w->rollup.rss) {
		out->pss = w->rollup.pss;
		out->huge = w->rollup.huge;
		out->private_bytes = w->rollup.private_clean + w->rollup.private_dirty;
		out->shared = w->rollup.shared;
	}
	out->minor_faults_per_s = w->minor_per_s;
	out->major_faults_per_s = w->major_per_s;
	limits_fill(&w->cgroup, &w->limit, r, out);
}

void memwatch_observe(const struct memwatch *w, const struct proc *proc, struct report *scratch,
		      struct memory_fact *out)
{
	for (size_t i = 0; i < MEMORY_SLOPES; i++)
		points_copy(scratch, w->slopes, i, &out->slope[i]);
	if (w->room)
		points_copy(scratch, w->room, 0, &out->room);
	points_copy(scratch, w->waited, 0, &out->work.waited);
	points_copy(scratch, w->work, WORK_RAN, &out->work.ran);
	points_copy(scratch, w->work, WORK_TURNS_TAKEN, &out->work.turns);
	out->pools_bytes = w->pools_bytes;
	out->live_bytes = w->live_bytes;
	retention_evidence(&w->kept, &out->kept);
	out->kept.is_forked = retention_is_forked(proc);
}

/* Growth of RSS per second over the last minute, or as much of it as there is. */
static double recent_growth(const struct memwatch *w)
{
	size_t n = w->n_recent < RECENT ? w->n_recent : RECENT, first = w->n_recent - n;
	double t[RECENT], y[RECENT];
	struct trend_fit fit;

	if (n < RECENT_MIN)
		return NAN;
	for (size_t i = 0; i < n; i++) {
		t[i] = w->recent_t[(first + i) % RECENT];
		y[i] = w->recent_rss[(first + i) % RECENT];
	}
	trend_fit(t, y, n, &fit);
	return fit.slope;
}

/* Seconds until the limit is met; INFINITY = never, as it looks. */
static double time_left(const struct memwatch *w)
{
	struct trend_fit fit[MEMORY_SLOPES + 1] = {0};
	double idle = w->pools_bytes > w->live_bytes ? (double)(w->pools_bytes - w->live_bytes) : 0;
	struct report_memory m;

	for (size_t i = 0; i < MEMORY_SLOPES; i++)
		trend_set_fit(w->slopes, i, &fit[i]);
	if (w->room)
		trend_set_fit(w->room, 0, &fit[MEMORY_SLOPES]);
	report_memory_init(&m);
	m.limit_source = "any";
	m.left_low = (double)w->limit.left_low;
	m.left_high = (double)w->limit.left_high;
	judge_limit(fit, ARRAY_SIZE(fit), idle, 0, 0, &m);
	return isnan(m.eta_s) ? INFINITY : m.eta_s;
}

/* Percent of the limit that is in use, of which nothing may be given up. What may go into swap yet
 * is no room below it: that puts off the end, at a price. */
static double limit_in_use(const struct proc_limit *l)
{
	double left = (double)(l->left_low - l->swap), limit = fmax((double)l->limit, 1);

	return 100 * fmax(0, 1 - left / limit);
}

void memwatch_metrics(const struct memwatch *w, struct metrics *out)
{
	out->is_of_ram = w->limit.kind == PROC_LIMIT_RAM;
	for (size_t i = 0; i < METRIC_MAX; i++)
		out->v[i] = NAN;
	if (!w->read_ns)
		return;
	out->v[METRIC_RSS] = (double)w->mem.rss_bytes;
	out->v[METRIC_SWAP] = (double)w->mem.swap_bytes;
	out->v[METRIC_THREADS] = w->mem.threads;
	out->v[METRIC_GROWTH] = recent_growth(w);
	if (w->rollup.rss)
		out->v[METRIC_PSS] = (double)w->rollup.pss;
	if (w->pools_bytes)
		out->v[METRIC_HEAP] = (double)w->live_bytes;
	if (w->usage.fds != PROC_UNKNOWN)
		out->v[METRIC_FDS] = (double)w->usage.fds;
	if (!*w->limit.name)
		return;
	out->v[METRIC_LIMIT] = limit_in_use(&w->limit);
	out->v[METRIC_ETA] = time_left(w);
}
