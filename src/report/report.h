/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The model of what was found: plain data, filled by session, read by out. All strings live in the
 * report's arena. A number that is not known is NAN (doubles) or REPORT_UNKNOWN (integers), and
 * null in JSON. Sizes in bytes, rates per second, times in seconds. Members that are in the JSON
 * are listed in fields.h. */
#ifndef PYLEAK_REPORT_H
#define PYLEAK_REPORT_H

#include "base/curve.h"
#include "report/descriptors.h"
#include "report/memory.h"
#include "report/parts.h"
#include "report/population.h"

#define REPORT_UNKNOWN UINT64_MAX

enum report_class {
	CLASS_LEAK,
	CLASS_GROWING,
	CLASS_WARMUP,
	CLASS_BLOAT,
	CLASS_RETENTION,
	CLASS_STEADY,
	CLASS_MAX
};
enum report_kind { KIND_OBJECT, KIND_HEAP, KIND_MMAP, KIND_FD, KIND_THREAD, KIND_MAX };

const char *report_class_name(enum report_class c);
const char *report_kind_name(enum report_kind k);

struct report_frame {
	bool native;
	const char *function; /* NULL = unknown (native only) */
	const char *file;     /* python: file; native: source file or NULL */
	int line;	      /* 0 = unknown */
	uint32_t place; /* python: in its function (place.h); 0 = by the line; not in the JSON */
	const char *module;   /* native only, like the next two */
	const char *build_id; /* of the file, in hex; NULL = not known, or it has none */
	uint64_t offset;
	bool minor; /* native: of the interpreter or the C library, which says little */
	REPORT_SOURCE(FIELD_MEMBER, )
};

struct report_type {
	REPORT_TYPE(FIELD_MEMBER, )
};

struct report_hint {
	REPORT_HINT(FIELD_MEMBER, )
};

struct report_held {
	REPORT_HELD(FIELD_MEMBER, )
};

struct report_stays {
	REPORT_STAYS(FIELD_MEMBER, )
};

struct report_site {
	char id[17];
	REPORT_SITE(FIELD_MEMBER, )
	bool is_bounded; /* what holds its objects has a bound that was read, and it is not beyond
			    reach */
	bool ends;	 /* it slows down, rests, or is emptied: its pace predicts no limit */
	bool in_place;	 /* existing blocks get bigger */
	bool by_census;	 /* its rate is the census's, of its types; not in the JSON */
	double sampled_per_s; /* rate by others, if what holds them says another; not in the JSON */
	const char *told_by;  /* the source of that; NULL: samples alone; not in the JSON */
	float behind;	      /* added to its loss when sorted; not in the JSON */
	/* seconds for which of_processes were probed; 0 = not known; not in the JSON */
	double of_on_s;
	struct report_type *types;
	size_t n_types;
	struct report_hint hint;
	struct report_held held_by;
	struct report_stays stays;  /* type NULL: not known, or not well enough */
	struct report_frame *stack; /* innermost first */
	size_t n_frames;
	bool truncated;
	float loss;	     /* its parts' included; sites are sorted by it; not in the JSON */
	double native_share; /* part of its growth by the native frames shown; 0 = not known */
};

struct report_lost {
	const char *key, *text;
	uint64_t n;
};

struct report_series {
	REPORT_SERIES(FIELD_MEMBER, )
};

struct report_member {
	REPORT_MEMBER(FIELD_MEMBER, )
};

struct report_container {
	REPORT_CONTAINER(FIELD_MEMBER, )
};

struct report_departure {
	REPORT_DEPARTURE(FIELD_MEMBER, )
};

/* The run compared with earlier ones of the same service. */
struct report_baseline {
	REPORT_BASELINE(FIELD_MEMBER, )
	struct report_departure *departures;
	size_t n_departures;
};

struct report_process {
	REPORT_IDENTITY(FIELD_MEMBER, )
	double age_s; /* since it was started; 0 or NAN = not known; not in the JSON */
	double watched_from_s, watched_to_s; /* CLOCK_MONOTONIC; 0 = not known; not in the JSON */
	bool is_told_later; /* told later, when the process is older; not in the JSON */
	const char **cmdline;
	size_t n_cmdline;
	struct report_container container;
	REPORT_PYTHON(FIELD_MEMBER, )
	REPORT_STATE(FIELD_MEMBER, )
	REPORT_RSS(FIELD_MEMBER, )
	/* evidence for the verdict; not in the JSON */
	struct curve rss_curve, live_curve, malloc_curve;
	struct report_memory memory;
	struct report_fds fds;
	uint64_t windows, survivors; /* on births; what is followed; not in the JSON */
	struct report_series *series;
	size_t n_series;
	REPORT_PROBE(FIELD_MEMBER, )
	REPORT_VERDICT(FIELD_MEMBER, )
	struct report_baseline baseline;
	struct report_hint hint;   /* on the process as a whole */
	struct report_site *sites; /* sorted by report_sort */
	size_t n_sites;
	struct report_class_row *classes; /* by bytes; 0 rows: no census */
	size_t n_classes;
	/* Times of the first and the last census, CLOCK_MONOTONIC in seconds; NAN = not known; not
	 * in the JSON. */
	double counted_from_s, counted_to_s;
	struct report_gc *gc; /* NULL: not known */
	struct report_pools *pools;
	struct report_parts *parts; /* NULL: not known */
	const char *instances_of;   /* NULL: not asked for */
	struct report_instance *instances;
	size_t n_instances;
	struct report_lost *lost;
	size_t n_lost;
	struct report_member *members; /* of a merged report, worst first; pid is 0 then */
	size_t n_members;
	size_t n_close;	    /* members watched by more than their size; not in the JSON */
	const char **notes; /* sentences about fallbacks */
	size_t n_notes;
};

/* Processes that a merged one stands for; 0 of any other. */
static inline uint64_t report_members(const struct report_process *p)
{
	return p->n_members + p->unnamed;
}

struct report_tree {
	REPORT_TREE(FIELD_MEMBER, )
	struct report_process *merged; /* all of them as one */
};

struct report {
	const char *version; /* of the tool */
	REPORT_HOST(FIELD_MEMBER, )
	REPORT_TIMES(FIELD_MEMBER, )
	struct report_process *processes;
	size_t n_processes;
	struct report_tree *tree; /* NULL: children were not followed */
	REPORT_NOT_WATCHED(FIELD_MEMBER, )
	bool final;
	struct report_arena *arena;
};

int report_new(struct report **out); /* fills tool and host; NULL on error */
void report_free(struct report *r);
/* Copies a report to memory of its own (copy.c). */
int report_copy(const struct report *from, struct report **out);
/* Makes strings of @from live as long as @to. */
void report_adopt(struct report *to, struct report *from);
/* Memory and strings of the report; NULL when memory ran out. */
void *report_alloc(struct report *r, size_t size);
/* Bytes handed out so far. */
size_t report_bytes(const struct report *r);
char *report_strdup(struct report *r, const char *s);
char *report_printf(struct report *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Sets all to not known. */
void report_process_init(struct report_process *p);
/* Marks it as ended: it meets no limit any more. */
void report_process_end(struct report_process *p);

/* Site id: a hash of the kind and of (function, file, place) of the Python frames, never of
 * addresses. One line may leak objects, blocks and descriptors: three sites. Of callers that live
 * for one call (below) only their presence counts. */
void report_site_id(const struct report_frame *stack, size_t n, enum report_kind kind,
		    char out[17]);
/* Is it code that lives for one call: of exec, a notebook's cell, a template, or gone before it had
 * a name? The same line called from a hundred of these is one site. */
bool report_frame_is_passing(const struct report_frame *f);
/* The word for what an id rests on, for site->id_by; NULL: on native frames. */
const char *report_id_by(const struct report_frame *stack, size_t n);
/* The id by line numbers, as before there were places: it compares sites whose ids rest on
 * different things. */
void report_line_id(const struct report_site *s, char out[17]);
/* A key of id (or, @by_line, of the line id) and kind, not 0: a descriptor and an object of one
 * stack are two sites. */
uint64_t report_site_key(const struct report_site *s, bool by_line);
/* Equal if the same line of the program called for what the same line made, whatever is between and
 * around; 0: no line of the program did. */
uint64_t report_line_key(struct report_frame *stack, size_t n, enum report_kind kind);
/* Do their ids rest on different things? Reports older than places do not say. */
bool report_ids_differ_in_kind(const struct report_site *a, const struct report_site *b);
/* Sets a hint for memory that C code took and keeps, if the code is known. */
void report_native_hint(struct report *r, struct report_site *site);
/* The same when nothing points to the memory any more, whether the code is known or not. */
void report_lost_hint(struct report *r, struct report_site *site);
/* The innermost line of the program's own code: the standard library was asked for what it makes,
 * but not by the line of the main program that starts an event loop. For an installed program, the
 * innermost line of the package that the script in /usr/bin calls. Else the innermost line; NULL =
 * there is none. Where the innermost code has no name, its frame. (own.c) */
const struct report_frame *report_own_frame(const struct report_site *s);
/* The line that called code without a name, and made nothing; NULL: the code has one. */
const struct report_frame *report_caller_frame(const struct report_site *s);
#define REPORT_UNKNOWN_CODE "unknown code called at "
/* The same if the program itself called for it; NULL: a library did, or the main program, which
 * calls for everything. */
const struct report_frame *report_program_frame(const struct report_site *s);
/* Is nothing around frame @i but the main program? */
bool report_is_main(const struct report_site *s, size_t i);
/* The number of its outermost frames that are of libraries or start a program, if a line of its own
 * is inside of them; else 0. */
size_t report_outer_frames(const struct report_site *s);
/* Sets the verdict to too early: nothing can be said of its growth, so it is called steady. */
void report_too_early(struct report_process *p);
bool report_is_too_early(const struct report_process *p);
/* Is it predicted to use up RAM? Others on its host use the same. */
bool report_takes_ram(const struct report_process *p);
/* Growth in bytes per second, weighed by how sure it is to go on; 0: it does not grow. */
double report_expected_loss(const struct report_site *s);
/* Sorts sites: those that grow by expected loss, with that of their parts; others by verdict and
 * size; then by id, so that equal input gives equal output. A part is none any more if its first
 * site is missing or is a part itself. */
void report_sort(struct report_process *p);
/* For each site the index of the first site of its cause; its own if it is that, or the other is
 * not in the report. To be freed; NULL without memory. */
size_t *report_wholes(const struct report_process *p);

#endif
