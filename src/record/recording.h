/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Recordings of what was seen of processes, moment by moment, so that the report of any moment can
 * be made again, elsewhere and later, by this judge or another one. docs/RECORDING.md says what is
 * in one, for people who decide whether to pass it on. Functions return 0 or a negative errno with
 * the sentence.
 */
#ifndef PYLEAK_RECORD_RECORDING_H
#define PYLEAK_RECORD_RECORDING_H

#include <stdio.h>

#include "evidence/evidence.h"

struct recorder;

/* Begins a recording in @f, which stays the caller's, as @path does, for sentences. @started_at is
 * now, in s since the epoch. */
int recorder_new(FILE *f, const char *path, double started_at, struct recorder **out);
/* Writes a moment of a process. Any thread. recorder_end() tells of errors. */
void recorder_add(struct recorder *rec, const struct evidence *e);
/* Returns the sentence that recorder_end() will tell; NULL: nothing is missing. Any thread. */
const char *recorder_trouble(struct recorder *rec);
/* Writes how many children there are at @now_ns of clock_ns(); of @t the counts alone. All moments
 * of the recording are then of one process and those it started. Any thread. */
void recorder_add_tree(struct recorder *rec, const struct report_tree *t, uint64_t now_ns);
/* Is a moment of a process in the file? Then it is of use, also where recorder_end() fails. */
bool recorder_has_moment(const struct recorder *rec);
/* Writes what is left, and frees; NULL is fine. A negative errno with the sentence: something is
 * missing in the file. */
int recorder_end(struct recorder *rec);

enum recording_kind {
	RECORDING_NONE, /* none of these */
	RECORDING_EVIDENCE,
	RECORDING_REPORT,   /* a report as JSON */
	RECORDING_SNAPSHOT, /* a snapshot of memory */
};

/* Finds the kind of a file by its first bytes. -ENOENT and other errors with the sentence. */
int recording_kind(const char *path, enum recording_kind *out);
/* Makes the report as of @at_s seconds after the start; NAN = the last one. A recording that was
 * cut short is read as far as it goes, and that is told on standard error. The moments that are
 * judged are also written to @to (@to_path), unless it is NULL, as a recording of this moment
 * alone. -EINVAL: it is no recording, or @at_s is before the first moment. */
int recording_read(const char *path, double at_s, FILE *to, const char *to_path,
		   struct report **out);

/* Lists the times of all moments, in seconds after the start, in order and each once. The caller
 * frees @out; *n may be 0. */
int recording_moments(const char *path, double **out, size_t *n);

#endif
