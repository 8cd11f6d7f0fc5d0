/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Merges processes: identities and sums. The sites are in merge_sites.c. */
#include "report/merge.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <xxhash.h>

#include "base/map64.h"
#include "base/thresholds.h"
#include "report/merge_priv.h"
#include "report/notes.h"
#include "report/shape.h"

/* The order in which an operator looks at processes. */
static int rank(enum report_class c)
{
	static const int by_class[CLASS_MAX] = {
		[CLASS_LEAK] = 0,   [CLASS_GROWING] = 1, [CLASS_RETENTION] = 2,
		[CLASS_WARMUP] = 3, [CLASS_BLOAT] = 4,	 [CLASS_STEADY] = 5,
	};

	return (unsigned)c < CLASS_MAX ? by_class[c] : CLASS_MAX;
}

static int by_identity(const void *pa, const void *pb)
{
	const struct merge_part *a = pa, *b = pb;
	size_t x = a->process->n_members, y = b->process->n_members;
	int c = (x < y) - (x > y); /* merged reports first */

	if (!c && !x)
		c = strcmp(a->host, b->host);
	if (!c)
		c = (a->process->pid > b->process->pid) - (a->process->pid < b->process->pid);
	/* the last report of a process first: it is the one that is kept */
	if (!c)
		c = (a->ended_at < b->ended_at) - (a->ended_at > b->ended_at);
	if (!c)
		c = (a->report > b->report) - (a->report < b->report);
	return c ? c : (a->process > b->process) - (a->process < b->process);
}

/* Are two rows one process? In one report they are two: the pid was used again. */
static bool same_process(const struct merge_part *a, const struct merge_part *b)
{
	return a->report != b->report && a->process->pid == b->process->pid &&
	       !strcmp(a->host, b->host);
}

/* Seconds for which a process was watched. A sweep adds a last point after probing, without a
 * number of threads: that is not counted. */
static double watched_s(const struct report_process *p)
{
	size_t n = p->n_series;

	if (p->watched_to_s > p->watched_from_s)
		return p->watched_to_s - p->watched_from_s;
	if (n > 1 && p->series[n - 1].threads == REPORT_UNKNOWN)
		n--;
	return n ? p->series[n - 1].t_s : 0;
}

/* The part of @span_s for which it was watched: sixteen workers that live one after the other cost
 * what one does. 1 if times are not known. */
static double share_of(const struct report_process *p, double span_s)
{
	double s = watched_s(p);

	return s > 0 && s < span_s ? s / span_s : 1;
}

/* Sets the time from the first beginning of a watch to the last end; 0 if not known. */
static double find_span(const struct report_process *v, size_t n, struct report_process *out)
{
	for (size_t i = 0; i < n; i++) {
		if (!(v[i].watched_to_s > 0))
			continue;
		if (!(out->watched_to_s > 0) || v[i].watched_from_s < out->watched_from_s)
			out->watched_from_s = v[i].watched_from_s;
		out->watched_to_s = fmax(out->watched_to_s, v[i].watched_to_s);
	}
	return out->watched_to_s - out->watched_from_s;
}

static int gather(struct report **in, size_t n, struct merge_parts *parts)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < in[i]->n_processes; k++) {
			struct merge_part *p = vec_push(parts);

			if (!p)
				return fail(-ENOMEM, "out of memory");
			p->process = &in[i]->processes[k];
			p->host = in[i]->hostname ? in[i]->hostname : "";
			/* sorting needs a number */
			p->ended_at = isnan(in[i]->ended_at) ? -INFINITY : in[i]->ended_at;
			p->report = i;
			p->share = share_of(p->process, in[i]->duration_s);
		}
	if (parts->n)
		qsort(parts->v, parts->n, sizeof(*parts->v), by_identity);
	/* merged reports (pid 0) have several */
	for (size_t i = 0; i < parts->n; i++)
		if (!kept || !parts->v[i].process->pid ||
		    !same_process(&parts->v[i], &parts->v[kept - 1]))
			parts->v[kept++] = parts->v[i];
	parts->n = kept;
	return merge_once(parts);
}

static double known(double v)
{
	return isfinite(v) ? v : 0;
}

/* The limit that is met first. */
static void add_limit(struct report_memory *to, const struct report_memory *m)
{
	if (!isfinite(m->eta_s) || to->eta_s <= m->eta_s)
		return;
#define TAKE(S, kind, member, ...) to->member = m->member;
	REPORT_LIMIT(TAKE, )
	to->left_high = m->left_high;
	to->limit_refuses = m->limit_refuses;
}

/* Takes the limit that is met first. Processes on one host share its RAM, so their growth is taken
 * together (those of a host follow one another). A limit of a cgroup is predicted by each process
 * from the growth of the whole group. */
static void add_limits(struct report_memory *to, const struct merge_parts *parts)
{
	struct report_memory ram = {.eta_s = NAN};
	const struct merge_part *last = NULL; /* last one that uses RAM */

	for (size_t i = 0; i < parts->n; i++) {
		const struct merge_part *p = &parts->v[i];
		const struct report_memory *m = &p->process->memory;

		if (p->process->exited || !m->limit_source)
			continue;
		/* a merged report may be of several hosts */
		if (!report_takes_ram(p->process) || p->process->n_members) {
			add_limit(to, m);
		} else if (!last || strcmp(last->host, p->host) != 0) {
			add_limit(to, &ram);
			ram = *m;
			last = p;
		} else {
			ram.eta_s = report_eta_together(ram.eta_s, m->eta_s);
			ram.eta_low_s = report_eta_together(ram.eta_low_s, m->eta_low_s);
			ram.eta_high_s = report_eta_together(ram.eta_high_s, m->eta_high_s);
		}
	}
	add_limit(to, &ram);
}

static void add_process(struct report_process *to, const struct merge_part *part, bool first)
{
	struct report_process p = *part->process;
	double grew = p.rss_growth_bytes_per_s;

	p.core_pct *= part->share;
	if (report_is_too_early(&p) && !p.n_members) {
		p.unjudged = 1;
		p.unjudged_bytes_per_s = grew > PROCESS_NOISE ? (uint64_t)grew : 0;
	}
	if (p.unjudged_bytes_per_s > to->unjudged_bytes_per_s)
		to->unjudged_bytes_per_s = p.unjudged_bytes_per_s;
	if (p.exited)
		shape_clear(&shape_memory, &p);
	shape_merge(&shape_process, to, &p, first);
	/* descriptors are no sum: each process that runs has its limit */
	if (!p.exited && isfinite(p.fds.eta_s) && !(to->fds.eta_s <= p.fds.eta_s)) {
		to->fds = p.fds;
		to->fds.of_pid = p.pid ? (uint64_t)p.pid : p.fds.of_pid;
		to->fds.of_host = p.pid ? part->host : p.fds.of_host;
	}
	if (rank(p.verdict) < rank(to->verdict)) {
		to->verdict = p.verdict;
		to->confidence = NAN;
		to->unnamed_alike = 0;
	}
	if (p.verdict != to->verdict)
		return;
	to->unnamed_alike += p.unnamed_alike;
	/* too early for one is not too early for all */
	if (!first && report_is_too_early(&p) != report_is_too_early(to))
		to->confidence = report_is_too_early(&p) ? to->confidence : p.confidence;
	else
		to->confidence = fmax(to->confidence, p.confidence);
}

/* Adds a loss: unlike a size, it is unknown if one of the two is. */
static void add_loss(struct report_lost *to, const struct report_lost *l)
{
	if (to->n == REPORT_UNKNOWN || l->n == REPORT_UNKNOWN)
		to->n = REPORT_UNKNOWN;
	else
		to->n += l->n;
}

/* Adds losses. @index: hash of a loss's key -> place in @to + 1. */
static int add_lost(struct report *r, struct report_process *to, const struct report_process *p,
		    struct map64 *index)
{
	struct report_lost *v;

	for (size_t i = 0; i < p->n_lost; i++) {
		uint64_t h = XXH64(p->lost[i].key, strlen(p->lost[i].key), 0);
		uint64_t *at = map64_put(index, h ? h : 1);

		if (!at)
			return fail(-ENOMEM, "out of memory");
		if (*at && !strcmp(to->lost[*at - 1].key, p->lost[i].key)) {
			add_loss(&to->lost[*at - 1], &p->lost[i]);
			continue;
		}
		*at = to->n_lost + 1;
		/* doubles the room when a power of two is full */
		if (!(to->n_lost & (to->n_lost - 1))) {
			v = report_alloc(r, (2 * to->n_lost + 1) * sizeof(*v));
			if (!v)
				return fail(-ENOMEM, "out of memory");
			if (to->n_lost)
				memcpy(v, to->lost, to->n_lost * sizeof(*v));
			to->lost = v;
		}
		to->lost[to->n_lost++] = p->lost[i];
	}
	return 0;
}

static int worst_first(const void *pa, const void *pb)
{
	const struct report_member *a = pa, *b = pb;
	double x = known(a->growth_bytes_per_s), y = known(b->growth_bytes_per_s);
	int c = rank(a->verdict) - rank(b->verdict);

	if (!c)
		c = (x < y) - (x > y);
	if (!c)
		c = strcmp(a->hostname, b->hostname);
	return c ? c : (a->pid > b->pid) - (a->pid < b->pid);
}

/* Adds a process to the members, or the members of a merged report. */
static void add_members(struct report_process *to, const struct merge_part *part)
{
	const struct report_process *p = part->process;

	if (p->n_members) {
		memcpy(to->members + to->n_members, p->members, p->n_members * sizeof(*p->members));
		to->n_members += p->n_members;
		return;
	}
	to->members[to->n_members++] = (struct report_member){
		.hostname = part->host,
		.pid = p->pid,
		.comm = p->comm ? p->comm : "",
		.verdict = p->verdict,
		.rss_bytes = p->rss_bytes,
		.growth_bytes_per_s = p->rss_growth_bytes_per_s,
	};
}

static int fill_members(struct report *r, struct report_process *to,
			const struct merge_parts *parts)
{
	size_t n = 0;

	for (size_t i = 0; i < parts->n; i++)
		n += parts->v[i].process->n_members + 1;
	to->members = report_alloc(r, (n + 1) * sizeof(*to->members));
	if (!to->members)
		return fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < parts->n; i++)
		add_members(to, &parts->v[i]);
	qsort(to->members, to->n_members, sizeof(*to->members), worst_first);
	return 0;
}

/* The mean over probed processes: a census or a sweep sees no allocations, and misses none. */
static double mean_coverage(const struct merge_parts *parts)
{
	double sum = 0, n = 0;

	for (size_t i = 0; i < parts->n; i++) {
		const struct report_process *p = parts->v[i].process;

		if (p->on_s > 0 && isfinite(p->coverage)) {
			double of = p->n_members ? (double)report_members(p) : 1;

			sum += p->coverage * of;
			n += of;
		}
	}
	return n > 0 ? sum / n : NAN;
}

/* The cost as a part of the CPU time of all: much of an idle process's time is next to nothing.
 * NAN: not known. */
static double mean_slowdown(const struct merge_parts *parts)
{
	double cost = 0, cpu = 0;

	for (size_t i = 0; i < parts->n; i++) {
		const struct report_process *p = parts->v[i].process;

		if (!(p->slowdown_pct > 0) || !(p->core_pct > 0))
			continue;
		cost += p->core_pct * parts->v[i].share;
		cpu += p->core_pct * parts->v[i].share / p->slowdown_pct;
	}
	return cpu > 0 ? cost / cpu : NAN;
}

/* Takes the cgroup's use, which is that of all processes in it and no sum: only if one group of one
 * host has them all. */
static void fill_cgroup(struct report_process *to, const struct merge_parts *parts, size_t hosts)
{
	const struct report_cgroup *one = NULL;

	for (size_t i = 0; i < parts->n; i++) {
		const struct report_cgroup *c = &parts->v[i].process->memory.cgroup;

		if (parts->v[i].process->exited)
			continue;
		if (!c->version || !c->path || (one && strcmp(c->path, one->path) != 0))
			return;
		one = c;
	}
	if (one && hosts == 1)
		to->memory.cgroup = *one;
}

static int fill_process(struct report *r, struct merge_parts *parts, bool past,
			struct report_process *to)
{
	struct map64 lost = {0};
	double slowdown = mean_slowdown(parts);
	size_t hosts = 0;
	int err = 0;

	report_process_init(to);
	for (size_t i = 0; i < parts->n; i++)
		parts->any_runs |= !parts->v[i].process->exited;
	to->exited = !parts->any_runs;
	parts->stops_ended = parts->any_runs && !past;
	for (size_t i = 0; i < parts->n && !err; i++) {
		const char *goes_on = parts->v[i].process->goes_on;

		add_process(to, &parts->v[i], i == 0);
		if (goes_on && to->exited)
			to->goes_on = parts->n > 1 ? "not watched any more" : goes_on;
		err = add_lost(r, to, parts->v[i].process, &lost);
	}
	map64_free(&lost);
	add_limits(&to->memory, parts);
	to->coverage = mean_coverage(parts);
	if (isfinite(slowdown))
		to->slowdown_pct = slowdown;
	if (!err)
		err = fill_members(r, to, parts);
	if (!err)
		err = report_count_hosts(to, &hosts);
	if (err)
		return err;
	fill_cgroup(to, parts, hosts);
	err = merge_reason(r, to, hosts, parts->n == 1 ? parts->v[0].process->reason : NULL);
	return err ? err : merge_sites(r, to, parts);
}

int report_merge_processes(struct report *r, const struct report_process *v, size_t n,
			   struct report_process *out)
{
	struct report_process times = {0};
	double span_s = find_span(v, n, &times);
	struct merge_parts parts = {0};
	int err = 0;

	for (size_t i = 0; i < n && !err; i++) {
		struct merge_part *p = vec_push(&parts);

		if (p)
			*p = (struct merge_part){.process = &v[i],
						 .host = r->hostname ? r->hostname : "",
						 .share = share_of(&v[i], span_s)};
		else
			err = fail(-ENOMEM, "out of memory");
	}
	if (!err)
		err = fill_process(r, &parts, false, out);
	out->watched_from_s = times.watched_from_s;
	out->watched_to_s = times.watched_to_s;
	vec_free(&parts);
	return err;
}

/* Sets the times from the first beginning to the last end, and who was not watched. A report none
 * of whose processes counts says nothing of the sum. */
static int fill_whole(struct report *r, struct report **in, size_t n,
		      const struct merge_parts *parts)
{
	auto_free bool *counts = calloc(n + 1, sizeof(*counts));

	if (!counts)
		return fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < parts->n; i++)
		counts[parts->v[i].report] = true;
	r->started_at = r->ended_at = r->duration_s = NAN;
	for (size_t i = 0; i < n; i++) {
		if (in[i]->n_processes && !counts[i])
			continue;
		r->started_at = fmin(r->started_at, in[i]->started_at);
		r->ended_at = fmax(r->ended_at, in[i]->ended_at);
		r->duration_s = fmax(r->duration_s, in[i]->duration_s);
		r->not_watched += in[i]->not_watched;
		if (in[i]->not_watched_why)
			r->not_watched_why = in[i]->not_watched_why;
	}
	r->final = true;
	return 0;
}

/* Keeps the notes of all: where one was not watched as it usually is says how far to trust the sum.
 */
static int merge_notes(struct report *r, struct merge_parts *parts)
{
	for (size_t i = 0; i < parts->n; i++)
		report_notes_add(&parts->notes, parts->v[i].process, parts->v[i].host);
	return report_notes_give(r, &parts->notes, r->processes);
}

int report_merge(struct report **in, size_t n, bool past, struct report **out)
{
	struct merge_parts parts = {0};
	struct report *r = NULL;
	int err = report_new(&r);

	if (!err)
		err = gather(in, n, &parts);
	if (!err)
		err = fill_whole(r, in, n, &parts);
	if (!err) {
		r->processes = report_alloc(r, sizeof(*r->processes));
		r->n_processes = r->processes && parts.n ? 1 : 0;
		err = r->processes ? fill_process(r, &parts, past, r->processes)
				   : fail(-ENOMEM, "out of memory");
	}
	if (!err)
		err = merge_notes(r, &parts);
	vec_free(&parts);
	for (size_t i = 0; i < n; i++) {
		if (!err)
			report_adopt(r, in[i]);
		report_free(in[i]);
		in[i] = NULL;
	}
	if (err) {
		report_free(r);
		return err;
	}
	*out = r;
	return 0;
}
