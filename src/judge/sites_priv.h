/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The sites while they are being joined, for the files that do it. */
#ifndef PYLEAK_JUDGE_SITES_PRIV_H
#define PYLEAK_JUDGE_SITES_PRIV_H

#include <math.h>

#include "base/map64.h"
#include "judge/estimate.h"
#include "judge/judge.h"

struct joined_type {
	const char *name;
	double count, bytes;
	double by_class; /* growth per second, from its share of a size class; part of count */
	unsigned cls;	 /* that size class, or EVIDENCE_MALLOC */
	bool is_held;	 /* count is no rate: what a stack holds that grows no more */
};

/* A site, joined from stacks with the same functions, files and places at other addresses. */
struct joined {
	struct report_site site;
	struct verdict_evidence evidence;
	VEC(struct joined_type) types;
	uint64_t via_stack, via; /* native caller, or type, whose way is shown */
	unsigned quarters;	 /* quarters of the run with births of it: a bit each */
	unsigned windows;	 /* windows that met survivors of it */
	/* seconds whose births count; 0 = none */
	double window_s;
	double youngest_s;	   /* age of the last object that came; INFINITY = none is known */
	double births, variance;   /* samples, and the variance of their number; 0 = none */
	double via_bytes_per_s;	   /* growth by the way that is shown */
	double via_rank;	   /* the same, weighed by how much is known of the way */
	double native_bytes_per_s; /* growth by all native callers */
	double likely_bytes_per_s; /* the same, without Gehrels' factor */
};

struct native_fit {
	struct trend_fit count, bytes;
	struct curve curve; /* of the bytes */
	double told;	    /* bytes a second that windows tell of */
	double may;	    /* share of what windows may have missed that may be the site's */
	double room;	    /* share of told that memory has room for */
	double times;	    /* factor that brings told to what memory gains */
	bool is_silent;	    /* its series does not grow; it is believed because memory rises */
	bool is_joined;
};

struct joiner {
	const struct evidence *e;
	struct report *r;
	double run_s;
	bool in_chunks;		/* all objects lie in glibc's malloc */
	double collected_s;	/* seconds since the last full collection, at most; 0 = not known */
	struct native_fit *fit; /* of each native site */
	VEC(struct joined) v;
	struct map64 index;   /* id and kind -> place + 1 */
	struct map64 site_of; /* stack that has objects and has not stopped -> place + 1 */
	struct map64 lines;   /* stack -> line of its objects */
	/* stack -> mB/s outside of the pools that are in its objects' sizes */
	struct map64 satellites;
	struct map64 traced;   /* stacks of native sites that join_native_rest() leaves out */
	struct map64 replaced; /* the stacks of evidence_objects.replaced */
	const struct native_site *replacer[PL_UNKNOWN_BINS];
	double most[PL_UNKNOWN_BINS]; /* live blocks of the site that has most, by bin of size */
	double kept[PL_UNKNOWN_BINS]; /* share of the gain that is growth, of sites that replace */
	double balance[PL_UNKNOWN_BINS]; /* the same, of all other sites */
	struct estimate estimate;
	struct curve malloc;	   /* curve of anonymous memory outside of the pools */
	uint64_t no_way, cut_ways; /* sites without a way through C code, and with a cut one */
};

/* Bytes as thousandths, for a map of whole numbers. */
static inline uint64_t join_milli(double bytes)
{
	return bytes > 0 ? (uint64_t)(fmin(bytes, 1e15) * 1000) : 0;
}

/* The site of a stack; NULL without memory, or without frames. */
struct joined *join_stack(struct joiner *j, const struct evidence_stack *st, enum report_kind kind);
/* The same, if there is one already; else NULL. */
struct joined *join_find(struct joiner *j, const struct evidence_stack *st, enum report_kind kind);
struct joined *join_bare(struct joiner *j, const struct pl_native_key *key, enum report_kind kind);
void join_type(struct joined *to, const struct joined_type *t);
void join_curve(struct verdict_evidence *v, const struct curve *c, double bytes_per_s);

/* native.c, in this order: fit the series; set gains against frees of unknown blocks; after the
 * objects, scale what windows tell to what memory gains; add each site; add blocks of callers that
 * have stopped. */
int join_native_read(struct joiner *j);
void join_native_balance(struct joiner *j);
void join_native_told(struct joiner *j);
void join_native(struct joiner *j, const struct native_site *n, struct native_fit *fit);
void join_native_stopped(struct joiner *j);
/* native_share.c: scales what windows told to @grows, the growth of memory outside of the pools
 * that nobody else explains. */
void join_native_share(struct joiner *j, double grows);
/* Does it grow by its own series? */
bool native_goes_on(const struct native_fit *fit);
/* Do sites that go on explain less than @bytes a second, and all that windows tell of perhaps as
 * much? Then silent sites may be growth. */
bool native_may_be_silent(const struct joiner *j, double bytes);
/* The part of @per_s, a site's growth, that does not rest on Gehrels' factor. */
double native_likely(const struct native_site *n, const struct native_fit *fit, double per_s);
/* After the verdicts: adds to the reason of sites known from windows that memory grows by far more
 * than all lines. */
void native_tell_few(const struct evidence *e, struct report *r, struct report_process *p);
/* Says in the reason when the process grows by less than half of what its blocks asked for: memory
 * that nobody writes to is not resident. */
void native_tell_asked(struct report *r, struct report_process *p);
/* Growth of memory outside of the pools that no native site accounts for. */
double join_native_rest(struct joiner *j);

/* by_census.c, when all are joined: no type is told to grow beyond what the censuses count. */
void join_bound_by_census(struct joiner *j);
/* by_holder.c, after that: no more objects than come with the entries of what holds them. */
void join_bound_by_holder(struct joiner *j);

/* Frames of @st with the evidence's own texts, @max at most. */
size_t join_borrow_frames(const struct evidence_stack *st, struct report_frame *out, size_t max);
/* The same, with texts that the report owns. */
size_t join_frames_of(struct report *r, const struct evidence_stack *st, struct report_frame **out);

/* interleave.c: puts Python frames (@py, with @st saying where C code called in; both may be
 * missing) and native ones in their true order, innermost first, for the report @r. Native frames
 * outside of the outermost Python frame are left out: how the interpreter was started says nothing.
 * @interpreter: its file, whose frames are marked as minor. Returns the number. */
size_t interleave(struct report *r, const struct evidence_way *way, const struct evidence_stack *st,
		  const struct report_frame *py, const char *interpreter,
		  struct report_frame **out);

/* moments.c, after the objects are joined: counts windows of a site; one that met several of its
 * stacks counts once. */
void join_windows(struct joiner *j);

/* by_line.c: finds the stacks of each line; after all are joined, sums the growth of its sites. */
void join_lines_read(struct joiner *j);
void join_lines_sum(struct joiner *j);

/* stays.c, after the objects are joined: tells how much stays of what is born. */
void join_stays(struct joiner *j);

/* traffic.c, when all curves are known: tells a load that ebbs from a cache that fills. */
void join_traffic(struct joiner *j);

/* nowhere.c: the innermost native frame, before the Python ones, of somebody's own code. The
 * interpreter's says nothing about an object, nor (@in_file) does a built-in module's, which has no
 * file of its own. NULL: none. */
const struct report_frame *foreign_frame(const struct report_frame *f, size_t n, bool in_file);
/* Shows the C code that made most of what was born without a Python frame, and names its module. */
void join_show_nowhere(struct joiner *j, struct joined *to);

/* sites.c: makes sites of objects, blocks and mappings, with a verdict each. */
int sites_judge(const struct evidence *e, struct report *r, struct report_process *p, double run_s);

/* holders.c: puts what is known of who holds the objects into sites, verdicts and hints. */
void holders_tell(const struct evidence *e, struct report *r, struct report_process *p);
/* The answer to who holds a site's objects; NULL: it was not asked for. */
const struct holder_fact *holders_find(const struct evidence *e, const char *id,
				       enum report_kind kind);
/* entries.c: are the objects entries of the container that was read, and nothing behind them? */
bool holders_are_entries(const struct holder_fact *f);
/* ... or most of them, or in entries that are tuples? A tuple is made after what is in it: so the
 * entry is new. */
bool holders_come_as_entries(const struct holder_fact *f);
/* ... and is it in no other container, of which a later entry may have the others? */
bool holders_come_as_outer_entries(const struct holder_fact *f);
/* Where one container holds all of a site's objects, an entry each: there are no more than it has.
 */
void holders_bound_count(const struct evidence *e, const struct holder_fact *f,
			 struct report_site *s);
/* Says that more, which comes with those entries, slows down; NULL: it does not, or @site is no
 * leak. @f may be NULL. */
const char *holders_slow(const struct evidence *e, struct report *r, const struct report_process *p,
			 const struct holder_fact *f, const struct report_site *site);
/* Python frames @py of @st (both may be missing) with the native ones by which @of came. */
size_t join_native_frames(struct joiner *j, uint64_t stack, uint64_t of,
			  const struct evidence_stack *st, const struct report_frame *py,
			  struct report_frame **out);
/* finish.c: sets types and verdicts of all, and puts the sites that are shown into the process. */
void join_finish(struct joiner *j, struct report_process *p);
/* causes.c: sites of one cause are told so (part_of), once who holds them is known. */
int causes_join(const struct evidence *e, struct report *r, struct report_process *p);
/* causes_fds.c, after that: so is memory that comes with descriptors. */
void causes_join_fds(struct report *r, struct report_process *p);
bool causes_is_of_fds(const struct report_process *p, const struct report_site *site);
/* causes.c: tells of each cause what helps with most of it, and what is lost with each entry. */
void causes_tell(const struct evidence *e, struct report *r, struct report_process *p);
/* Adds to a hint of memory in tables of C code, which goes with the object that owns it, that what
 * the same line makes piles up in a container of the program. */
void causes_name_owners(struct report *r, struct report_process *p);
/* Are the survivors of this site known to hang from a root that lives, by what may grow as they do?
 * Then no collection frees them, and none has to be waited for. */
bool holders_rooted(const struct evidence *e, const struct report_site *site);
/* Does no collection free them, for nothing points to them, or the collector is off? */
bool holders_spared(const struct evidence *e, const struct report_site *site);

/* Does the container they are in grow at the pace of this site, one entry each, all the time, and
 * did an object come since its first reading? @youngest_s: age of the last object. */
bool holders_go_on(const struct evidence *e, const struct report_site *site, double youngest_s);
/* Has it grown all the time, at any pace? */
bool holders_grow_on(const struct evidence *e, const struct report_site *site);
/* Like holders_go_on(), but others may put things there, too (it may grow faster), if its new
 * entries are as new as these objects. */
bool holders_are_fed(const struct evidence *e, const struct report_site *site);
/* Seconds for which that container grew at the site's pace, surely no slower at last than at first.
 * 0 = it slowed, or is not known for long enough. */
double holders_paced_s(const struct evidence *e, const struct report_site *site);
/* Does the container, whatever is put there, get @per_s entries, as many of late as at first? */
bool holders_keep_pace(const struct evidence *e, const struct report_site *site, double per_s);
/* The container's type, if it gets as many entries of late as at first, and not far fewer than the
 * site's objects: sets @per_s to its pace. Else NULL. */
const char *holders_paced(const struct evidence *e, const struct report_site *site, double *per_s);
/* The same may be true, and too little was read of it to say so, or that it is not. */
bool holders_may_keep_pace(const struct evidence *e, const struct report_site *site);

/* tracemalloc.c, when it is known who holds them: marks sites that are tables of tracemalloc.
 * Returns a sentence about all; NULL: it is not on. */
const char *tracemalloc_tell(const struct evidence *e, struct report *r, struct report_process *p);

/* fds.c: adds sites of descriptors and threads behind the others. */
int fds_judge(const struct evidence *e, struct report *r, struct report_process *p, double run_s);

/* memory.c, after the verdicts: tells retention, and when a limit is met. */
void memory_judge(const struct evidence *e, struct report *r, struct report_process *p);

#endif
