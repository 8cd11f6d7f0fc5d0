/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Words and parts of the terminal report, also for the full-screen view. */
#ifndef PYLEAK_OUT_TERM_H
#define PYLEAK_OUT_TERM_H

#include "out/line.h"
#include "report/report.h"

/* The word of a class, in capitals for LEAK and GROWING. */
char *term_class_word(enum report_class c, char *buf, size_t size);
/* The same for a process, or "too early". */
char *term_verdict_word(const struct report_process *p, char *buf, size_t size);
enum style term_class_style(enum report_class c);
enum style term_verdict_style(const struct report_process *p);
/* "~+1.2 MiB/s": the tilde marks an estimate. */
char *term_rate(char *buf, size_t size, double bytes_per_s, bool is_estimate);
/* "93 %", with decimals where they matter. */
char *term_percent(char *buf, size_t size, double percent);
/* "costs 0.7 % of a core (12 % of its CPU)" */
char *term_cost(const struct report_process *p, char *buf, size_t size);
/* "pid 12 gunicorn app:wsgi": its script or module, and the words behind that; of a merged report
 * "3 processes of gunicorn". */
void term_name(const struct report_process *p, char *buf, size_t size);
/* For a process that is exited: "has ended", or else what it does now. */
const char *term_end(const struct report_process *p);
/* "in pod web-7d9f", "in container web", "in a container of docker". */
char *term_container(const struct report_container *c, char *buf, size_t size);
/* "Python objects" */
const char *term_part_words(enum report_part p);
/* "not counted, 12 times: a new stack did not fit the ring buffer" */
char *term_lost(const struct report_lost *lost, char *buf, size_t size);
/* "objects", "blocks", "descriptors" */
const char *term_units(const struct report_site *s);

/* Writes the remedy, if one is known. */
void term_hint(struct line *l, const struct report_hint *h);
/* Says when a limit will be reached, if that is within 30 days. */
void term_limit(struct line *l, const struct report *r, const struct report_process *p, int indent);
/* The place of a site among those that are shown. */
struct term_place {
	size_t rank, as;    /* as: rank of a site above with the same remedy, 0 = none */
	size_t parts;	    /* other sites of its cause that are in the report, but not shown */
	size_t places;	    /* all sites of its cause, also unlisted ones; 0 = it is alone */
	double bytes_per_s; /* growth of all of them */
};
void term_site(struct line *l, const struct report_site *s, struct term_place at, bool verbose);
/* Writes site @i as the first of its cause (@whole), and the other lines of the program that have
 * parts of it which are not @shown. */
void term_finding(struct line *l, const struct report_process *p, size_t i, struct term_place at,
		  const size_t *whole, const bool *shown, bool verbose);
/* Writes the allocator, the collector, and the @top largest or fastest growing types. */
void term_census(struct line *l, const struct report_process *p, size_t top);
/* Writes how many descriptors are open, and when their limit is reached: if they grow, or with
 * @verbose. */
void term_fds(struct line *l, const struct report_process *p, bool verbose);

#endif
