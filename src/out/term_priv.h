/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The parts of the terminal report. */
#ifndef PYLEAK_OUT_TERM_PRIV_H
#define PYLEAK_OUT_TERM_PRIV_H

#include "out/line.h"
#include "out/out.h"

/* The word in its colour; what grows is in capitals. */
void term_class(struct line *l, enum report_class c);
/* "~+1.2 MiB/s": the tilde marks an estimate. */
char *term_rate(char *buf, size_t size, double bytes_per_s, bool is_estimate);
/* "93 %", with decimals where they matter. */
char *term_percent(char *buf, size_t size, double percent);

/* "not counted, 12 times: a new stack did not fit the ring buffer" */
char *term_lost(const struct report_lost *lost, char *buf, size_t size);

/* "pid 12 gunicorn app:wsgi": its script or module, and what follows that. */
void term_name(const struct report_process *p, char *buf, size_t size);
/* "in pod web-7d9f", "in container web", "in a container of docker". */
char *term_container(const struct report_container *c, char *buf, size_t size);

/* What to do about it, where that is known. */
void term_hint(struct line *l, const struct report_hint *h);
/* When, and since when it was watched. */
void term_header(struct line *l, const struct report *r);
/* When a limit is met, if one will be. */
/* How it compares with its earlier runs. */
void term_baseline(struct line *l, const struct report_process *p, bool verbose);
void term_limit(struct line *l, const struct report_process *p);
void term_site(struct line *l, const struct report_site *s, size_t rank, bool verbose);
/* What RSS is made of. */
void term_parts(struct line *l, const struct report_process *p);
/* Open descriptors and their limit, when there is something to say. */
void term_fds(struct line *l, const struct report_process *p, bool verbose);
/* What became of the children that are not shown. */
void term_tree(struct line *l, const struct report_tree *t);
void term_stack(struct line *l, const struct report_site *s, bool verbose);

#endif
