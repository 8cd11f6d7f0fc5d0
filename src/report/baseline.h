/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Keeps a few numbers of a service's last runs in a small file, and compares the present run with
 * them. */
#ifndef PYLEAK_REPORT_BASELINE_H
#define PYLEAK_REPORT_BASELINE_H

#include <stdio.h>

#include "report/report.h"

#define BASELINE_SCHEMA	  "pyleak-bpf/baseline/1"
#define BASELINE_RUNS	  32 /* last runs that are kept for each service */
#define BASELINE_LEAST	  3  /* runs before anything is called unusual */
#define BASELINE_SERVICES 256
#define BASELINE_SHORT_S  5 /* a shorter run teaches nothing */

enum baseline_number {
	BASELINE_RSS,
	BASELINE_HEAP,
	BASELINE_GROWTH,
	BASELINE_FDS,
	BASELINE_THREADS,
	BASELINE_MAX
};
const char *baseline_name(enum baseline_number k); /* "rss_bytes" */

struct baseline_run {
	double at, duration_s;
	double v[BASELINE_MAX]; /* NAN = not known */
};

struct baseline_service {
	char name[128];
	struct baseline_run run[BASELINE_RUNS];
	size_t n;
};

struct baseline {
	VEC(struct baseline_service) services;
};

/* Reads a baseline; no file (NULL) is an empty one. -EINVAL with a sentence that names @path if it
 * is cut short, of another version, or no baseline; @out is empty then. */
int baseline_read(FILE *f, const char *path, struct baseline *out);
void baseline_free(struct baseline *b);

/* The service that a process is: the script or module it runs. Lives as long as the report. */
const char *baseline_service_name(struct report *r, const struct report_process *p);
/* Fills @p->baseline: compares it with earlier runs of its service. */
void baseline_judge(const struct baseline *b, struct report *r, struct report_process *p);
/* Remembers the run, unless it leaks, is unusual, or was short. -ENOMEM, or 0. */
int baseline_learn(struct baseline *b, const struct report *r, const struct report_process *p);

#endif
