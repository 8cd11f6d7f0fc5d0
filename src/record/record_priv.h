/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The layout of a recording: the line below, then one stream of zstd; in it records of a frame and
 * a wire. The first is the header; the others are moments of processes and, without a pid, counts
 * of the children that are followed. */
#ifndef PYLEAK_RECORD_PRIV_H
#define PYLEAK_RECORD_PRIV_H

#include "record/evidence_io.h"
#include "report/wire.h"
#include "record/recording.h"

#define RECORD_MAGIC  "pyleak-bpf recording 1\n"
#define RECORD_MAX    (64u << 20) /* of one moment */
#define RECORD_WINDOW 23	  /* 8 MiB: a moment is much like the one before */

struct record_frame {
	uint64_t length;		/* of the wire behind it */
	uint64_t pid, start_ns, now_ns; /* of the process: when it was begun to watch it */
};

struct record_header {
	uint64_t layout; /* EVIDENCE_VERSION */
	const char *version, *hostname, *kernel, *arch;
	double started_at; /* seconds since the epoch */
	uint64_t start_ns;
};

/* recorder.c */
void record_header(struct wire *w, struct record_header *h);
void record_tree(struct wire *w, struct report_tree *t);
int recorder_begin(FILE *f, struct record_header *h, struct recorder **out);

#endif
