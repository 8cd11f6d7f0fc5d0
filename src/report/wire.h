/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Plain data to bytes and back, each member named once: the same function writes a structure, or
 * reads it, as the wire is of one kind or the other. Whole numbers are short when they are small.
 *
 * A structure that may get more members is an object: its length stands before it. Who reads leaves
 * out what is behind the members that it knows, and what an older writer did not have stays as it
 * was, 0 where it must be known: new members come last.
 *
 * What is read may be anybody's: nothing is believed that the bytes have no room for. After the
 * first fault a wire does nothing more; wire_error() tells.
 */
#ifndef PYLEAK_REPORT_WIRE_H
#define PYLEAK_REPORT_WIRE_H

#include "report/report.h"

struct wire {
	bool reads;
	unsigned char *v; /* writing: grows, the caller frees it */
	size_t n, at, cap;
	size_t end;	  /* reading: of the object that is open; 0 = none is */
	struct report *r; /* reading: what is pointed to lives there */
	const char *wrong;
};

#define WIRE_MOST_S 1e9 /* thirty years */

void wire_u64(struct wire *w, uint64_t *v);
void wire_numbers(struct wire *w, uint64_t *v, size_t n);
void wire_double(struct wire *w, double *v); /* or NAN */
void wire_doubles(struct wire *w, double *v, size_t n);
/* A number that is known, and no further from 0 than @most. */
void wire_known(struct wire *w, double *v, double most);
void wire_string(struct wire *w, const char **v);      /* may be NULL */
void wire_chars(struct wire *w, char *v, size_t size); /* with a 0 in it */
/* A number of things, of at least @least bytes each. */
size_t wire_count(struct wire *w, size_t n, size_t least);
/* Room for @n things of @size that are read into *@v; as it is when writing. False: there is none.
 */
bool wire_room(struct wire *w, void **v, size_t n, size_t size);
/* An object begins, and ends: wire_shut() takes what wire_open() has returned. */
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

/* An array that is pointed to: its number, room for it, and each by @each(w, &element). */
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

/* One that may be missing. */
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
