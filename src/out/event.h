/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Events as JSON lines, for whoever collects them. */
#ifndef PYLEAK_OUT_EVENT_H
#define PYLEAK_OUT_EVENT_H

#include "base/base.h"

struct event {
	double time;	   /* seconds since the epoch */
	const char *event; /* "alert" */
	const char *state; /* "firing|resolved" */
	const char *rule, *name;
	double value, limit, for_s;
	int pid;
	const char *comm, *text;
};

/* One line with its newline; caller frees. NULL when memory ran out. */
char *out_event_line(const struct event *e);
/* "2026-01-31T12:00:00.000Z"; empty beyond what RFC 3339 can say. */
char *out_time(double t, char *buf, size_t size);

#endif
