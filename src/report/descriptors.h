/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Descriptors, threads and children in the report, and what to say about those that pile up. */
#ifndef PYLEAK_REPORT_DESCRIPTORS_H
#define PYLEAK_REPORT_DESCRIPTORS_H

#include "base/base.h"

struct report;
struct report_site;

struct report_fds {
	const char
		*means; /* where lines come from: "libc", "syscalls", "none"; NULL: not watched */
	uint64_t open;
	uint64_t at_attach; /* of these, open before us */
	uint64_t no_line;   /* of these, opened in a way that was not seen */
	uint64_t limit;	    /* RLIMIT_NOFILE, or REPORT_UNKNOWN */
	double growth_per_s;
	double eta_s;	   /* until the limit; NAN = never, as it looks */
	uint64_t children; /* started while we watched, and still there */
};

/* Until the limit is reached, from the growth; NAN when it will not be. */
double report_fds_eta(const struct report_fds *f);

enum report_fd_kind {
	FD_FACT_FILE,
	FD_FACT_PIPE,
	FD_FACT_SOCKET,
	FD_FACT_OTHER,
	FD_FACT_THREAD,
	FD_FACT_CHILD
};

/* What is known of the things that one line has open. */
struct report_fd_facts {
	enum report_fd_kind most; /* what most of them are */
	size_t n;
	size_t abandoned;     /* sockets that the other side has closed */
	size_t zombies;	      /* children that have ended */
	const char *what;     /* the most frequent one, in words; NULL = not known */
	const char *database; /* "PostgreSQL"; NULL = none */
};
void report_fd_hint(struct report *r, const struct report_fd_facts *f, struct report_site *site);
/* For mappings that grow. */
void report_mapping_hint(struct report_site *site);

#endif
