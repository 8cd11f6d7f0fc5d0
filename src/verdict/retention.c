/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Judges retention: works out for each suspect how much of the growth it accounts for. */
#include "verdict/retention.h"

#include <math.h>
#include <stdio.h>

#include "base/thresholds.h"
#include "verdict/verdict.h"

#define FREE_BLOCKS_IN(pages) \
	"free blocks in " pages ", which a few survivors keep from being given back"

struct finding {
	const char *code, *fix;
	double grew, part; /* bytes; the culprit's part of them */
	double idle;	   /* > 0: nothing grew, and so many bytes lie idle */
	const char *what;
	const char *are; /* what they are: "N bytes more are ..."; NULL: nothing grew */
};

static double known(double v)
{
	return isnan(v) ? 0 : v;
}

static void suspect(struct finding *f, double grew, const char *are, double part, const char *code,
		    const char *what, const char *fix)
{
	if (!(part >= RETENTION_CULPRIT * grew) || !(part > f->part))
		return;
	*f = (struct finding){
		.code = code, .fix = fix, .grew = grew, .part = part, .what = what, .are = are};
}

static bool is_flat(const struct retention_growth *g, double grew)
{
	return known(g->live) < RETENTION_LIVE * grew && known(g->malloced) < RETENTION_LIVE * grew;
}

static const char *free_blocks(const struct retention_evidence *e)
{
	return e->has_mimalloc ? FREE_BLOCKS_IN("mimalloc's pages")
			       : FREE_BLOCKS_IN("pymalloc's arenas");
}

static void ask_anonymous(const struct retention_evidence *e, struct finding *f)
{
	const struct retention_growth *g = &e->grew;
	static const char *const in_memory = "in memory or swap";
	double grew = g->anon;

	suspect(f, grew, in_memory, known(g->pools) - known(g->live), "arena-fragmentation",
		free_blocks(e),
		"Make the long-lived objects before the large batch, or do the batch in a child\n"
		"process (multiprocessing, maxtasksperchild): its memory ends with it.");
	suspect(f, grew, in_memory, known(g->malloc_slack), "malloc-fragmentation",
		"memory that was freed, and that malloc keeps",
		"MALLOC_ARENA_MAX=2 in the environment bounds malloc's arenas; after a large "
		"batch\n"
		"ctypes.CDLL(None).malloc_trim(0) gives back what can be given back.");
	/* A loaded model may be in huge pages, as numpy asks for them: only if malloc was counted.
	 */
	if (isnan(g->malloced))
		return;
	suspect(f, grew, in_memory, known(g->huge), "huge-pages",
		"huge pages: one byte in use takes 2 MiB",
		"Unset glibc.malloc.hugetlb, or set\n"
		"/sys/kernel/mm/transparent_hugepage/enabled to madvise.");
}

/* Suspects a fork: when a shared page becomes the child's own, its private memory grows and its RSS
 * does not. */
static void ask_fork(const struct retention_evidence *e, double least, struct finding *f)
{
	const struct retention_growth *g = &e->grew;

	if (known(g->private_bytes) >= least && e->is_forked && is_flat(g, g->private_bytes) &&
	    known(g->rss) < 0.5 * g->private_bytes)
		suspect(f, g->private_bytes, "its own", -known(g->shared), "copy-on-write",
			"pages that were shared with the parent process and were written to: "
			"reference "
			"counts and the garbage collector's marks do that",
			"gc.freeze() in the parent right before the fork (and gc.disable() while "
			"it loads)\n"
			"keeps the collector off these pages.");
}

/* Suspects the page cache of the cgroup, if this process has read and written enough to fill it:
 * its neighbours fill the cache, too. */
static void ask_group(const struct retention_growth *g, double least, struct finding *f)
{
	if (known(g->cgroup) >= least && known(g->anon) < RETENTION_LIVE * g->cgroup &&
	    known(g->io) >= RETENTION_CULPRIT * known(g->cgroup_file))
		suspect(f, g->cgroup, "its cgroup's", known(g->cgroup_file), "page-cache",
			"page cache of files that were read or written, counted by the cgroup; the "
			"kernel "
			"takes it back before anybody is killed",
			"Nothing needs to be done; os.posix_fadvise(fd, 0, 0, "
			"os.POSIX_FADV_DONTNEED) gives\n"
			"the cache of large files back early.");
}

/* Suspects fragmentation where nothing grows now and much of the resident memory is free. */
static void ask_idle(const struct retention_evidence *e, double least, struct finding *f)
{
	double pools = known(e->pools_idle), slack = known(e->malloc_slack);
	double idle = pools > slack ? pools : slack;

	if (known(e->grew.rss) >= least || known(e->grew.anon) >= least)
		return;
	if (f->code || idle < RETENTION_IDLE_BYTES || idle < RETENTION_IDLE_SHARE * e->rss)
		return;
	f->part = 0;
	if (pools > slack)
		suspect(f, idle, NULL, pools, "arena-fragmentation", free_blocks(e),
			"Make the long-lived objects before the large batch, or do the batch in a "
			"child\n"
			"process (multiprocessing, maxtasksperchild): its memory ends with it.");
	else
		suspect(f, idle, NULL, slack, "malloc-fragmentation",
			"memory that was freed, and that malloc keeps",
			"ctypes.CDLL(None).malloc_trim(0) after a large batch gives back what can "
			"be given\n"
			"back; MALLOC_ARENA_MAX=2 in the environment bounds malloc's arenas.");
	f->idle = idle;
}

/* Growth of memory in use, counted block by block; INFINITY where it was not counted. */
static double counted(const struct retention_growth *g)
{
	if (isnan(g->live) || isnan(g->malloced))
		return INFINITY;
	return fmax(g->live, 0) + fmax(g->malloced, 0) + fmax(known(g->uncounted), 0);
}

/* Do the growing sites account for the growth? Then it is no retention. Rates of sites are
 * estimates, and memory that malloc keeps looks like growth to them: together they count for no
 * more than what is in use. */
static bool sites_explain(const struct retention_evidence *e, const struct report_process *p,
			  double grew)
{
	double heap = 0, mapped = 0;

	if (p->verdict == CLASS_LEAK)
		return true;
	for (size_t i = 0; i < p->n_sites; i++) {
		const struct report_site *s = &p->sites[i];

		if (s->verdict > CLASS_GROWING || !(s->growth_bytes_per_s > 0))
			continue;
		if (s->kind <= KIND_HEAP)
			heap += s->growth_bytes_per_s * e->watched_s;
		else if (s->kind == KIND_MMAP)
			mapped += s->growth_bytes_per_s * e->watched_s;
	}
	return fmin(heap, counted(&e->grew)) + mapped > RETENTION_SITES * grew;
}

static void write_finding(const struct finding *f, const struct retention_evidence *e,
			  struct report *r, struct report_process *p)
{
	char grew[32], part[32], rss[32], live[32], but[80] = "", back[96] = "";

	fmt_bytes(grew, sizeof(grew), f->grew);
	fmt_bytes(part, sizeof(part), fmin(f->part, f->grew));
	fmt_bytes(rss, sizeof(rss), e->rss);
	if (e->grew.live >= 1)
		snprintf(but, sizeof(but), ", but live objects grew by %s only",
			 fmt_bytes(live, sizeof(live), e->grew.live));
	else if (!isnan(e->grew.live))
		snprintf(but, sizeof(but), ", but live objects did not grow");
	if (e->trimmable >= RETENTION_BYTES)
		snprintf(back, sizeof(back), "; malloc_trim would give back %s",
			 fmt_bytes(rss, sizeof(rss), e->trimmable));
	p->verdict = CLASS_RETENTION;
	p->confidence = f->idle > 0 ? 0.7 : round(100 * fmin(0.95, f->part / f->grew)) / 100;
	if (f->idle > 0)
		p->reason = report_printf(r, "%s of %s resident are %s%s", part,
					  fmt_bytes(rss, sizeof(rss), e->rss), f->what, back);
	else
		p->reason = report_printf(r, "%s more are %s%s: %s are %s%s", grew, f->are, but,
					  part, f->what, back);
	p->hint.code = f->code;
	p->hint.text = f->fix;
	verdict_add_leak(r, p);
	if (!p->reason)
		p->reason = "";
}

bool retention_judge(const struct retention_evidence *e, struct report *r, struct report_process *p)
{
	double least = fmax(RETENTION_BYTES, RETENTION_SHARE * e->rss);
	struct finding f = {0};

	if (e->watched_s < RETENTION_S)
		return false;
	if (known(e->grew.anon) >= least && is_flat(&e->grew, e->grew.anon))
		ask_anonymous(e, &f);
	ask_fork(e, least, &f);
	ask_group(&e->grew, least, &f);
	ask_idle(e, least, &f);
	if (!f.code || sites_explain(e, p, f.grew))
		return false;
	write_finding(&f, e, r, p);
	return true;
}
