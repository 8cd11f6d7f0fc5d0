/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* For those who look for the references in one block. */
#ifndef PYLEAK_WHY_SCAN_PRIV_H
#define PYLEAK_WHY_SCAN_PRIV_H

#include "why/graph.h"

/* An array that has references in some of its words: in those of every @step for which @of has a
 * bit. */
struct array {
	uint32_t node; /* its own; 0 = none: the first lies in a pool, or there are no others */
	uint64_t addr, n;
	unsigned step, of;
	/* The word of its owner that points to it, or to the keys of a dict that it is a part of,
	 * and what that was. */
	uint64_t word, was;
	enum { ARRAY_ITEMS, ARRAY_TABLE, ARRAY_KEYS } kind;
	uint64_t length; /* where its owner has that of items, or the mask of a set's table */
};

struct scan {
	struct graph *g;
	const struct heap_block *b;
	const struct graph_type *t;
	uint64_t base;	/* of the object in the target */
	int64_t lo, hi; /* what is readable, from the object's address */
	size_t begin;
	int err;
	struct array soon; /* to be read when the object is done */
	bool is_new;	   /* it has no node: whom it points to is noted, and no edge */
};

/* Is there a node where @word points to? Then it is a reference. */
void scan_emit(struct scan *s, uint64_t word);
/* The word at @off from the object; 0 where it cannot be read. */
uint64_t scan_at(const struct scan *s, int64_t off);
/* All from @from to @to, but for the bits that @mask has not. */
void scan_words(struct scan *s, int64_t from, int64_t to, uint64_t mask);
/* Some of the @n words from @from on, as struct array; no more than can be read. */
void scan_some(struct scan *s, int64_t from, uint64_t n, unsigned step, unsigned of);
/* An array that is no node of its own: too big for the pools, not among the chunks, or new. As
 * struct array. */
void scan_direct(struct scan *s, uint64_t addr, uint64_t n, unsigned step, unsigned of);

/* scan_array.c. What is behind the pointer at @off of the object: the items of a list, or the table
 * of a set, with its length or its mask at @length; the keys of a dict. Those of a node of their
 * own are read when the object is done (soon). */
#define MAX_ITEMS (1ull << 34)
void scan_items(struct scan *s, int64_t off, int64_t length);
void scan_table(struct scan *s, int64_t off, int64_t mask);
void scan_keys(struct scan *s, int64_t off);
void scan_tuple(struct scan *s);
/* Reads it, again where it has moved meanwhile. */
void scan_array(struct scan *s, struct array *a);

/* scan_buffer.c */
void scan_buffer(struct scan *s);

#endif
