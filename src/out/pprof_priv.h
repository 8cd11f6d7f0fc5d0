/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Writes a profile for pprof, each message at once, as the parts of a Profile may come in any
 * order. Only strings, mappings and the ids of written parts stay in memory. */
#ifndef PYLEAK_OUT_PPROF_PRIV_H
#define PYLEAK_OUT_PPROF_PRIV_H

#include <stdio.h>
#include <zlib.h>

#include "base/map64.h"
#include "profile.pb-c.h"
#include "report/report.h"

struct pprof_mapping {
	int64_t file, build_id; /* indices of strings */
	uint64_t start, limit;
	bool lacks_names; /* a server has to find names by the build id */
};

struct pprof {
	FILE *f;
	int err; /* the first error, a negative errno */
	z_stream z;
	VEC(uint8_t) packed;
	VEC(char *) string;
	VEC(struct pprof_mapping) mapping;
	/* key -> id; of a string its hash -> its index + 1 */
	struct map64 string_at, function_at, location_at, mapping_at;
	uint64_t n_functions, n_locations;
	unsigned char out[16 << 10];
};

/* pprof_stream.c. An error stays in .err, and nothing is written after it. */
void pprof_begin(struct pprof *p, FILE *f);
/* Writes the fields that are set in @part. */
void pprof_put(struct pprof *p, const Pprof__Profile *part);
/* Ends the stream and frees all. Returns 0 or the first error. */
int pprof_end(struct pprof *p);

/* pprof_tables.c */
#define PPROF_NAME_MAX	1000 /* bytes; servers refuse or cut texts longer than some thousand */
#define PPROF_LABEL_MAX 200

/* Index of @text, cut after some @max bytes, and without characters that a terminal would obey.
 * NULL and "" have index 0. */
int64_t pprof_string(struct pprof *p, const char *text, size_t max);
/* Id of the location of the first of @n frames at @at; *@taken: frames that it holds, by inlining,
 * 1 of Python. 0 when memory ran out. */
uint64_t pprof_location(struct pprof *p, const struct report_frame *at, size_t n, size_t *taken);
/* Adds the first rows of every profile: the string "", and the mapping of Python's frames. */
void pprof_start_tables(struct pprof *p);
/* Writes mappings and strings, which are known when all locations were written. */
void pprof_put_tables(struct pprof *p);

#endif
