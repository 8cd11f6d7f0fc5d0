/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Writes events as lines of JSON, and times as text. */
#ifndef PYLEAK_OUT_EVENT_H
#define PYLEAK_OUT_EVENT_H

#include "base/base.h"

struct event {
	double time;		 /* seconds since the epoch */
	const char *event;	 /* "alert" */
	const char *state;	 /* "firing|resolved" */
	const char *rule, *name; /* the rule as given, or "baseline"; its metric */
	double value, limit;	 /* in the metric's unit; infinite or NAN: null */
	double for_s;		 /* seconds for which the rule must hold */
	int pid;
	const char *comm, *text; /* text: the event as a sentence */
};

/* Returns a line with its newline, which the caller frees; NULL when memory ran out. */
char *out_event_line(const struct event *e);
/* Writes seconds since the epoch as "2026-01-31T12:00:00.000Z"; empty before 1970 and after 9999.
 * Returns @buf. */
char *out_time(double t, char *buf, size_t size);

#endif
