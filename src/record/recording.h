/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Recordings: what was seen of processes, moment by moment, so that the report of any of them can
 * be had again, elsewhere and later, by this judge or by another. docs/RECORDING.md says what is in
 * one, for who has to decide whether to pass it on.
 */
#ifndef PYLEAK_RECORD_RECORDING_H
#define PYLEAK_RECORD_RECORDING_H

#include <stdio.h>

#include "judge/evidence.h"

struct recorder;

/* Into @f, which stays the caller's. @started_at: now, in seconds since the epoch. */
int recorder_new(FILE *f, double started_at, struct recorder **out);
/* Any thread. What cannot be written is told by recorder_end(). */
void recorder_add(struct recorder *rec, const struct evidence *e);
/* The sentence that it will tell; NULL: nothing is missing so far. */
const char *recorder_trouble(struct recorder *rec);
/* How many children there are (the counts alone), as of @now_ns: all that was added is then of one
 * process and those it started. */
void recorder_add_tree(struct recorder *rec, const struct report_tree *t, uint64_t now_ns);
/* Writes what is left, frees. -EIO ... with the sentence when something is missing; NULL is fine.
 */
int recorder_end(struct recorder *rec);

enum recording_kind {
	RECORDING_NONE,
	RECORDING_EVIDENCE,
	RECORDING_REPORT,   /* JSON */
	RECORDING_SNAPSHOT, /* of memory */
};

/* Tells the kind of a file by its first bytes. -ENOENT ... with the sentence. */
int recording_kind(const char *path, enum recording_kind *out);
/* The report as of @at_s seconds after the start; NAN = the last. -EINVAL: it is no recording, or
 * @at_s is before the first moment. One that was cut short is read as far as it goes. What is
 * judged goes into @to, too, where that is not NULL: a recording of this moment alone. */
int recording_read(const char *path, double at_s, FILE *to, struct report **out);

/* When the moments were, in seconds after the start, each once and in their order. The caller frees
 * @out; *n may be 0. */
int recording_moments(const char *path, double **out, size_t *n);

#endif
