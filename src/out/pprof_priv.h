/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A profile for pprof while it is written: each message on its own, as parts of a Profile may
 * follow each other in any order. What is in memory are the strings, and which frames were written.
 */
#ifndef PYLEAK_OUT_PPROF_PRIV_H
#define PYLEAK_OUT_PPROF_PRIV_H

#include <stdio.h>
#include <zlib.h>

#include "base/map64.h"
#include "profile.pb-c.h"
#include "report/report.h"

struct pprof_mapping {
	int64_t file, build_id;
	uint64_t start, limit;
	bool lacks_names;
};

struct pprof {
	FILE *f;
	int err; /* the first, negative */
	z_stream z;
	VEC(uint8_t) packed;
	VEC(char *) string;
	VEC(struct pprof_mapping) mapping;
	struct map64 string_at, function_at, location_at,
		mapping_at; /* -> id, of strings index + 1 */
	uint64_t n_functions, n_locations;
	unsigned char out[16 << 10];
};

/* pprof_stream.c. Errors stay in .err, and nothing is written any more. */
void pprof_begin(struct pprof *p, FILE *f);
/* Writes what is set in @part. */
void pprof_put(struct pprof *p, const Pprof__Profile *part);
/* Ends the stream and frees all. Returns 0 or the first error. */
int pprof_end(struct pprof *p);

/* pprof_tables.c */
#define PPROF_NAME_MAX	1000 /* bytes; servers refuse or cut what is longer than some thousand */
#define PPROF_LABEL_MAX 200

/* Index of @text, of @max bytes at most and with nothing in it that a terminal would obey. NULL and
 * "" are 0. */
int64_t pprof_string(struct pprof *p, const char *text, size_t max);
/* Id of the location that begins with the frame at @at, of @n; *@taken: frames that are part of it.
 */
uint64_t pprof_location(struct pprof *p, const struct report_frame *at, size_t n, size_t *taken);
/* The first rows of all profiles: the string "", the mapping of Python's frames. */
void pprof_start_tables(struct pprof *p);
/* The last rows, known when all locations were written: mappings and strings. */
void pprof_put_tables(struct pprof *p);

#endif
