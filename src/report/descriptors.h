/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Descriptors, threads and children in the report, and what to say about those that pile up. */
#ifndef PYLEAK_REPORT_DESCRIPTORS_H
#define PYLEAK_REPORT_DESCRIPTORS_H

#include "report/fields.h"

struct report;
struct report_site;

struct report_fds {
	REPORT_FDS(FIELD_MEMBER, )
};

/* Seconds until the limit is reached at this growth; NAN: it will not be. */
double report_fds_eta(const struct report_fds *f);

enum report_fd_kind {
	FD_FACT_FILE,
	FD_FACT_PIPE,
	FD_FACT_SOCKET,
	FD_FACT_OTHER,
	FD_FACT_THREAD,
	FD_FACT_CHILD
};

/* Facts about the things that one line has open. */
struct report_fd_facts {
	enum report_fd_kind most; /* the kind of most of them */
	size_t n;
	size_t abandoned;     /* sockets that the other side has closed */
	size_t zombies;	      /* children that have ended */
	const char *what;     /* the most frequent one, in words; NULL = not known */
	const char *database; /* "PostgreSQL"; NULL = none */
};
void report_fd_hint(struct report *r, const struct report_fd_facts *f, struct report_site *site);
/* Are its threads child processes? Both are tasks, so of one kind. */
bool report_is_child(const struct report_site *s);
/* Sets the hint of mappings that grow. */
void report_mapping_hint(struct report_site *site);

#endif
