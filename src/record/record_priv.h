/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The layout of a recording: RECORD_MAGIC, then one stream of zstd with records, each a struct
 * record_frame and a wire. The first record is the header. The others are moments of processes or,
 * with pid 0, counts of the children that are followed. */
#ifndef PYLEAK_RECORD_PRIV_H
#define PYLEAK_RECORD_PRIV_H

#include "record/evidence_io.h"
#include "record/wire.h"
#include "record/recording.h"

#define RECORD_MAGIC  "pyleak-bpf recording 1\n"
#define RECORD_MAX    (64u << 20) /* bytes of one moment at most */
#define RECORD_WINDOW 23	  /* log2 of 8 MiB: a moment is much like the one before */

struct record_frame {
	uint64_t length;		/* bytes of the wire behind it */
	uint64_t pid, start_ns, now_ns; /* the process; when watching it began; the moment */
};

struct record_header {
	uint64_t layout; /* EVIDENCE_VERSION */
	const char *version, *hostname, *kernel, *arch;
	double started_at; /* seconds since the epoch, at start_ns of clock_ns() */
	uint64_t start_ns;
};

/* recorder.c */
void record_header(struct wire *w, struct record_header *h);
void record_tree(struct wire *w, struct report_tree *t);
int recorder_begin(FILE *f, const char *path, struct record_header *h, struct recorder **out);

#endif
