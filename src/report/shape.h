/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The lists of fields.h as tables: where each member is in its structure and in the JSON. */
#ifndef PYLEAK_REPORT_SHAPE_H
#define PYLEAK_REPORT_SHAPE_H

#include "report/report.h"

#define REPORT_SCHEMA "pyleak-bpf/report/1"

enum field_kind {
	/* one value: fields.h says of what type */
	FIELD_COUNT,
	FIELD_TALLY,
	FIELD_HEX,
	FIELD_NUMBER,
	FIELD_AMOUNT,
	FIELD_SHARE,
	FIELD_TIME,
	FIELD_INT,
	FIELD_LINE,
	FIELD_PID,
	FIELD_FLAG,
	FIELD_ENDED,
	FIELD_TEXT,
	FIELD_MAYBE,
	FIELD_CLASS,
	FIELD_KIND,
	FIELD_ID,    /* char[17] */
	FIELD_CONST, /* written as .is says; no member */
	FIELD_EARLY, /* of a process: true or absent; follows from others, and is not read */
	/* things of the shape .of */
	FIELD_GROUP,	     /* an object in the JSON, but members of the same structure */
	FIELD_PART,	     /* a structure inside; its members stand among those around it */
	FIELD_INSIDE,	     /* a structure inside; null when its first member is 0 or NULL */
	FIELD_POINTED,	     /* by a pointer; null when it is NULL */
	FIELD_OWNED,	     /* by a pointer that is never NULL */
	FIELD_ARRAY,	     /* a pointer, and how many there are */
	FIELD_FRAMES,	     /* the same; .of has two shapes, of Python's and of C's */
	FIELD_STRINGS,	     /* a pointer to pointers, and how many */
	FIELD_BY_GENERATION, /* uint64_t[REPORT_GENERATIONS] */
	FIELD_PARTS,	     /* report_parts by its names, and */
	FIELD_TRIMMABLE,     /* what stands beside them */
	FIELD_LOST,	     /* by its keys */
	FIELD_FINDINGS,	     /* of a process, as they follow from its sites; is not read */
};

/* How a merge of two processes into one treats a member. */
enum field_merge {
	MERGE_NONE, /* left as it was */
	MERGE_SUM,  /* sum of known ones; flags: any */
	MERGE_MOST, /* largest known one */
	MERGE_SAME, /* the word, or NULL when they differ */
};

struct shape;

struct field {
	const char *name;
	enum field_kind kind;
	size_t offset, n_offset; /* n_offset: of the number of things */
	const struct shape *of;
	enum field_merge merge;
	bool is_optional;   /* not written when it is 0 or empty */
	bool is_flat;	    /* the array is on one line */
	int least;	    /* for the schema, like the last two */
	const char *absent; /* text of a missing one */
	const char *is;	    /* "a|b": one of these; "^...": a pattern; "#name": of $defs */
	const char *about;
};

/* An object of the JSON. */
struct shape {
	const char *name; /* in the schema's $defs */
	size_t size;	  /* of its structure */
	bool is_flat;
	size_t n;
	const struct field *v;
};

extern const struct shape shape_report, shape_process, shape_memory, shape_limits, shape_site;
extern const struct shape shape_gc, shape_class_row, shape_pools;

#define shape_each(f, shape) \
	for (const struct field *f = (shape)->v; f < (shape)->v + (shape)->n; f++)

/* How many things of @f are in @base. */
size_t field_count(const struct field *f, const void *base);
/* Is the FIELD_INSIDE at @at absent? */
bool shape_is_absent(const struct shape *s, const void *at);

/* Sets each member of @base to not known; members that are pointed to are left. */
void shape_clear(const struct shape *s, void *base);
/* Adds @from to @to by the rules of its rows; @first: @to has nothing yet. */
void shape_merge(const struct shape *s, void *to, const void *from, bool first);
/* Copies @n structures, with their texts and arrays; NULL when memory ran out. */
void *shape_copy(struct report *r, const struct shape *s, const void *from, size_t n);

#endif
