/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The parts of the terminal report. */
#ifndef PYLEAK_OUT_TERM_PRIV_H
#define PYLEAK_OUT_TERM_PRIV_H

#include "out/out.h"
#include "out/term.h"

/* The word in its colour. */
void term_class(struct line *l, enum report_class c);

void term_verdict(struct line *l, const struct report_process *p);

/* "not counted, 12 times: a new stack did not fit the ring buffer" */
char *term_lost(const struct report_lost *lost, char *buf, size_t size);

/* A line each, behind @lead. */
void term_notes(struct line *l, const struct report_process *p, const char *lead);
/* When, and since when it was watched. */
void term_header(struct line *l, const struct report *r);
/* How it compares with its earlier runs. */
void term_baseline(struct line *l, const struct report_process *p, bool verbose);
/* The parts that RSS is made of. */
void term_parts(struct line *l, const struct report_process *p);
/* The fate of the children that are not shown. */
void term_tree(struct line *l, const struct report_tree *t);
void term_stack(struct line *l, const struct report_site *s, bool verbose);

#endif
