/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Turns plain data into bytes and back, with each member named once: the same function writes or
 * reads a structure, by the kind of wire. Small whole numbers are short.
 *
 * A structure that may get more members is an object: its length comes before it. A reader skips
 * what follows the members it knows, and members that an older writer did not have stay as they
 * were, 0 where they must be known: so new members come last.
 *
 * Bytes may come from anybody: a number is not believed if there is no room for it in the bytes.
 * After the first fault a wire does nothing more; wire_error() tells. */
#ifndef PYLEAK_RECORD_WIRE_H
#define PYLEAK_RECORD_WIRE_H

#include "report/report.h"

struct wire {
	bool reads;
	unsigned char *v; /* writing: grows, the caller frees it */
	size_t n, at, cap;
	size_t end;	  /* reading: end of the open object; 0 = none is open */
	struct report *r; /* reading: has what is pointed to */
	size_t had;	  /* reading: bytes of the report before */
	const char *wrong;
};

#define WIRE_MOST_S 1e9 /* thirty years */

void wire_u64(struct wire *w, uint64_t *v);
void wire_numbers(struct wire *w, uint64_t *v, size_t n);
void wire_double(struct wire *w, double *v); /* or NAN */
void wire_doubles(struct wire *w, double *v, size_t n);
/* A known number, at most @most away from 0. */
void wire_known(struct wire *w, double *v, double most);
void wire_string(struct wire *w, const char **v);      /* may be NULL */
void wire_chars(struct wire *w, char *v, size_t size); /* with a 0 in it */
/* The number of things that have at least @least bytes each. */
size_t wire_count(struct wire *w, size_t n, size_t least);
/* Reading: makes room in *@v for @n things of @size. False: it cannot. */
bool wire_room(struct wire *w, void **v, size_t n, size_t size);
/* Begin and end an object: wire_shut() takes what wire_open() returned. */
size_t wire_open(struct wire *w);
void wire_shut(struct wire *w, size_t mark);
int wire_error(const struct wire *w); /* 0, or -EINVAL, -ENOMEM with a sentence */

/* Any whole number, or enum, that fits. */
#define wire_int(w, p)                                            \
	do {                                                      \
		uint64_t wire_v = (uint64_t)(int64_t) * (p);      \
		wire_u64(w, &wire_v);                             \
		if ((w)->reads)                                   \
			*(p) = (__typeof__(*(p)))(int64_t)wire_v; \
	} while (0)
#define wire_bool(w, p)                     \
	do {                                \
		uint64_t wire_v = *(p);     \
		wire_u64(w, &wire_v);       \
		if ((w)->reads)             \
			*(p) = wire_v != 0; \
	} while (0)

/* An array: its number, room for it, and each element by @each(w, &element). */
#define wire_array(w, array, n, least, each)                                              \
	do {                                                                              \
		size_t wire_n = wire_count(w, n, least);                                  \
		if (wire_room(w, (void **)&(array), wire_n, sizeof(*(array)))) {          \
			(n) = wire_n;                                                     \
			for (size_t wire_i = 0; wire_i < wire_n && !(w)->wrong; wire_i++) \
				each(w, (void *)(uintptr_t) & (array)[wire_i]);           \
		}                                                                         \
	} while (0)

/* One object. */
#define wire_object(w, v, each)                  \
	do {                                     \
		size_t wire_mark = wire_open(w); \
		each(w, v);                      \
		wire_shut(w, wire_mark);         \
	} while (0)

/* An array of objects, likewise. */
#define wire_objects(w, array, n, least, each)                                               \
	do {                                                                                 \
		size_t wire_n = wire_count(w, n, least);                                     \
		if (wire_room(w, (void **)&(array), wire_n, sizeof(*(array)))) {             \
			(n) = wire_n;                                                        \
			for (size_t wire_i = 0; wire_i < wire_n && !(w)->wrong; wire_i++)    \
				wire_object(w, (void *)(uintptr_t) & (array)[wire_i], each); \
		}                                                                            \
	} while (0)

/* An object that may be missing. */
#define wire_maybe(w, pointer, each)                         \
	do {                                                 \
		size_t wire_has = (pointer) != NULL;         \
		if ((w)->reads)                              \
			(pointer) = NULL;                    \
		wire_objects(w, pointer, wire_has, 1, each); \
		if ((w)->reads && !wire_has)                 \
			(pointer) = NULL;                    \
	} while (0)

#endif
