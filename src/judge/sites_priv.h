/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sites being joined, shared by the files that do it. */
#ifndef PYLEAK_JUDGE_SITES_PRIV_H
#define PYLEAK_JUDGE_SITES_PRIV_H

#include <math.h>

#include "base/map64.h"
#include "base/series.h"
#include "judge/estimate.h"
#include "judge/judge.h"

struct joined_type {
	const char *name;
	double count, bytes;
	double by_class; /* per second, as the share of what a size class grows by; part of count */
	unsigned cls;	 /* ... of this one; EVIDENCE_MALLOC is one, too */
};

/* Stacks of one site: same functions, files and places, other addresses. */
struct joined {
	struct report_site site;
	struct verdict_evidence evidence;
	VEC(struct joined_type) types;
	uint64_t via_stack, via;   /* the native caller, or the type of objects, that is shown */
	unsigned quarters;	   /* of the run, a bit each, in which objects of it were born */
	unsigned windows;	   /* that met survivors of it */
	double window_s;	   /* survivors that count were born within it; 0 = none */
	double youngest_s;	   /* age of the last object that came; INFINITY = none is known */
	double births, variance;   /* samples of objects, and how sure their number is; 0 = none */
	double via_bytes_per_s;	   /* what it grows by */
	double via_rank;	   /* the same, less where little is known of the way */
	double native_bytes_per_s; /* by all native callers */
	double likely_bytes_per_s; /* ... without a limit of chance */
};

struct native_fit {
	struct trend_fit count, bytes;
	struct curve curve; /* of the bytes */
	double told;	    /* bytes a second, by windows */
	double may;	    /* this share of what they may have missed may be its */
	double room;	    /* for this share of what windows say */
	double times;	    /* ... which counts so often */
	bool is_silent;	    /* no series of its own, but memory rises without */
	bool is_joined;
};

struct joiner {
	const struct evidence *e;
	struct report *r;
	double run_s;
	bool in_chunks;		/* all objects lie in glibc's malloc */
	double collected_s;	/* since the last full collection, at most; 0 = none is known */
	struct native_fit *fit; /* of each native site */
	VEC(struct joined) v;
	struct map64 index;	 /* id and kind -> place + 1 */
	struct map64 site_of;	 /* stack of objects that goes on -> place + 1 */
	struct map64 lines;	 /* stack -> line of its objects */
	struct map64 satellites; /* stack -> mB/s of malloc's memory that are in objects' sizes */
	struct map64 traced;	 /* stacks of native sites that join_native_rest() leaves out */
	struct map64 replaced;	 /* stacks: evidence_objects.replaced */
	const struct native_site *replacer[PL_UNKNOWN_BINS];
	double most[PL_UNKNOWN_BINS]; /* blocks of the site that has most of this size */
	double kept[PL_UNKNOWN_BINS]; /* share that is growth, of sites that replace what was there
				       */
	double balance[PL_UNKNOWN_BINS]; /* share of the known blocks' growth that is growth */
	struct estimate estimate;
	struct curve malloc;	   /* anonymous memory that is no pool */
	uint64_t no_way, cut_ways; /* sites without a way through C code, and with a cut one */
};

/* Thousandths of a byte, for a map of whole numbers. */
static inline uint64_t join_milli(double bytes)
{
	return bytes > 0 ? (uint64_t)(fmin(bytes, 1e15) * 1000) : 0;
}

/* The site of a stack; NULL without memory, or without frames. */
struct joined *join_stack(struct joiner *j, const struct evidence_stack *st, enum report_kind kind);
/* The same, where there is one already; else NULL. */
struct joined *join_find(struct joiner *j, const struct evidence_stack *st, enum report_kind kind);
struct joined *join_bare(struct joiner *j, const struct pl_native_key *key, enum report_kind kind);
void join_type(struct joined *to, const char *name, double count, double bytes);
void join_curve(struct verdict_evidence *v, const struct curve *c, double bytes_per_s);

/* native.c: fit them, set what they gain against frees of unknown blocks; after the objects, bring
 * what windows tell of them to what memory gains, add one; at last those that grow no more */
int join_native_read(struct joiner *j);
void join_native_balance(struct joiner *j);
void join_native_told(struct joiner *j);
void join_native(struct joiner *j, const struct native_site *n, struct native_fit *fit);
void join_native_stopped(struct joiner *j);
/* native_share.c: memory outside of the pools @grows by what windows have told of, as far as nobody
 * else does. */
void join_native_share(struct joiner *j, double grows);
/* The same file. Does it grow by its own series? */
bool native_goes_on(const struct native_fit *fit);
/* Do those grow by less than @bytes a second, and all that windows tell of perhaps by as much? */
bool native_may_be_silent(const struct joiner *j, double bytes);
/* So much of @per_s, by which a site is told to grow, rests on no limit of chance. */
double native_likely(const struct native_site *n, const struct native_fit *fit, double per_s);
/* At last: sites of windows say so where memory grows by far more than all lines. */
void native_tell_few(const struct evidence *e, struct report *r, struct report_process *p);
/* Blocks are counted by what was asked for, and memory that nobody writes to is not resident: said
 * where the process grows by less than half of that. */
void native_tell_asked(struct report *r, struct report_process *p);
/* Growth of memory outside of the pools that no native site accounts for. */
double join_native_rest(struct joiner *j);

/* by_census.c, when all are joined: no type is told to grow beyond what the censuses count. */
void join_bound_by_census(struct joiner *j);

/* Frames of @st with the evidence's own texts, @max at most. */
size_t join_borrow_frames(const struct evidence_stack *st, struct report_frame *out, size_t max);
/* The same as the report has them. */
size_t join_frames_of(struct report *r, const struct evidence_stack *st, struct report_frame **out);

/*
 * interleave.c. Frames of Python (@py, with @st saying where C code called in; both may be missing)
 * and native ones in their true order, innermost first, for the report @r. Native frames outside of
 * the outermost Python frame are left out: how the interpreter was started says nothing.
 * @interpreter: the file, whose frames are marked as minor. Returns the number.
 */
size_t interleave(struct report *r, const struct evidence_way *way, const struct evidence_stack *st,
		  const struct report_frame *py, const char *interpreter,
		  struct report_frame **out);

/* moments.c, when the objects are joined: a window is one, of however many stacks of a site it met
 * survivors. */
void join_windows(struct joiner *j);

/* by_line.c: which stacks are of one line; when all are joined, what all sites of one grow by. */
void join_lines_read(struct joiner *j);
void join_lines_sum(struct joiner *j);

/* stays.c: how much stays of what is born, when the objects are joined. */
void join_stays(struct joiner *j);

/* nowhere.c. The innermost native frame in front of the Python ones that is of somebody's own code;
 * the interpreter's says nothing about an object, nor (@in_file) does that of a built-in module,
 * which has no file of its own. NULL: there is none. */
const struct report_frame *foreign_frame(const struct report_frame *f, size_t n, bool in_file);
/* Shows the C code that made most of what was born without a Python frame, and names its module. */
void join_show_nowhere(struct joiner *j, struct joined *to);

/* sites.c: of objects, blocks and mappings, with a verdict each. */
int sites_judge(const struct evidence *e, struct report *r, struct report_process *p, double run_s);

/* holders.c: what is known of who holds the objects of each site, into sites, verdicts and hints.
 */
void holders_tell(const struct evidence *e, struct report *r, struct report_process *p);
/* The answer to who holds them; NULL: it was not asked for. */
const struct holder_fact *holders_find(const struct evidence *e, const char *id,
				       enum report_kind kind);
/* Python frames @py of @st (both may be missing) with the native ones by which @of came. */
size_t join_native_frames(struct joiner *j, uint64_t stack, uint64_t of,
			  const struct evidence_stack *st, const struct report_frame *py,
			  struct report_frame **out);
/* finish.c: types and words of all, and those that are shown into the process. */
void join_finish(struct joiner *j, struct report_process *p);
/* causes.c: sites of one cause are told so (part_of), once who holds them is known. */
int causes_join(const struct evidence *e, struct report *r, struct report_process *p);
/* Memory that C code keeps in tables of its own goes with the object that owns it: where what the
 * same line makes piles up in a container of the program, the hint says that, too. */
void causes_name_owners(struct report *r, struct report_process *p);
/* Are the survivors of this site known to hang from a root that lives, by what may grow as they do?
 * Then no collection frees them, and none has to be waited for. */
bool holders_rooted(const struct evidence *e, const struct report_site *site);
/* Does no collection free them, for nothing points to them, or the collector is off? */
bool holders_spared(const struct evidence *e, const struct report_site *site);

/* Does the container that they are in grow at the pace of this site, one entry each, all the time,
 * and did one come since it was first looked at? @youngest_s: age of the last that came. */
bool holders_go_on(const struct evidence *e, const struct report_site *site, double youngest_s);
/* Has it grown all the time, by however many of them an entry has? */
bool holders_grow_on(const struct evidence *e, const struct report_site *site);
/* The same where others put things, too, and its new entries are as new as these objects. */
bool holders_are_fed(const struct evidence *e, const struct report_site *site);
/* Seconds in which that container grew so, and no faster at first than later. 0 = it did, or is not
 * known for long enough. */
double holders_paced_s(const struct evidence *e, const struct report_site *site);
/* Has it got @per_s entries, by whatever was put there, as many of late as at first? */
bool holders_keep_pace(const struct evidence *e, const struct report_site *site, double per_s);
/* The container, when it gets @per_s, as many of late as at first, and not far fewer than come of
 * these; NULL: it does not, and @per_s stays. */
const char *holders_paced(const struct evidence *e, const struct report_site *site, double *per_s);
/* The same may be true, and too little was read of it to say so, or that it is not. */
bool holders_may_keep_pace(const struct evidence *e, const struct report_site *site);

/* tracemalloc.c: which of the sites are its tables, once it is known who holds them. Returns a
 * sentence about all; NULL: it is not on. */
const char *tracemalloc_tell(const struct evidence *e, struct report *r, struct report_process *p);

/* fds.c: sites of descriptors and threads, behind those that are there. */
int fds_judge(const struct evidence *e, struct report *r, struct report_process *p, double run_s);

/* memory.c: retention, and when a limit is met, once the verdicts are in place. */
void memory_judge(const struct evidence *e, struct report *r, struct report_process *p);

/* Memory without the one step that it made, where it goes on at the pace of before. */
struct memory_points {
	double v[SERIES_POINTS], top[SERIES_POINTS];
};
struct trend_points memory_without_step(const struct trend_points *p, struct memory_points *room);

#endif
