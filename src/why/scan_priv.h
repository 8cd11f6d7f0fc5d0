/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* For the files that look for references in a block. */
#ifndef PYLEAK_WHY_SCAN_PRIV_H
#define PYLEAK_WHY_SCAN_PRIV_H

#include "why/graph.h"

/* An array with references in some words: of every @step words, those whose bit is in @of. */
struct array {
	uint32_t node; /* its node; 0 = none (node 0 is in a pool) */
	uint64_t addr, n;
	unsigned step, of;
	/* Address of the owner's word that points to it, or to the dict keys that it is in; and
	 * what that word was. */
	uint64_t word, was;
	enum { ARRAY_ITEMS, ARRAY_TABLE, ARRAY_KEYS } kind;
	uint64_t length; /* address of its number of items, or of a set's mask */
};

struct scan {
	struct graph *g;
	const struct heap_block *b;
	const struct graph_type *t;
	uint64_t base;	/* address of the object in the target */
	int64_t lo, hi; /* readable offsets from the object */
	size_t begin;
	int err;
	struct array soon; /* to be read when the object is done */
	bool is_new;	   /* it has no node: what it points to is noted, without an edge */
};

/* Adds a reference if @word points to a node. */
void scan_emit(struct scan *s, uint64_t word);
/* The word at @off from the object; 0 where it cannot be read. */
uint64_t scan_at(const struct scan *s, int64_t off);
/* Adds all words from @from to @to, without bits that are not in @mask. */
void scan_words(struct scan *s, int64_t from, int64_t to, uint64_t mask);
/* Adds some of the @n words from @from on, as struct array says; only what was read. */
void scan_some(struct scan *s, int64_t from, uint64_t n, unsigned step, unsigned of);
/* Reads an array from the target that is no node: too big for the pools and not among the chunks,
 * or new. @step and @of as in struct array. */
void scan_direct(struct scan *s, uint64_t addr, uint64_t n, unsigned step, unsigned of);

/* scan_array.c: follow the pointer at @off of the object to the items of a list (their number at
 * @length), the table of a set (mask at @mask), the keys of a dict. An array that is a node is read
 * when the object is done (soon). */
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
