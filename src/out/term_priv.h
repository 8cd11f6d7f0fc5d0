/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Shared by the files of the terminal report. */
#ifndef PYLEAK_OUT_TERM_PRIV_H
#define PYLEAK_OUT_TERM_PRIV_H

#include "out/out.h"
#include "out/term.h"

/* These two write the word in its colour. */
void term_class(struct line *l, enum report_class c);
void term_verdict(struct line *l, const struct report_process *p);

/* Writes the notes, each on a line that begins with @lead. */
void term_notes(struct line *l, const struct report_process *p, const char *lead);
/* Writes the time of the report, and since when was watched. */
void term_header(struct line *l, const struct report *r);
/* Says how the run compares with earlier ones. */
void term_baseline(struct line *l, const struct report_process *p, bool verbose);
/* Writes the parts of RSS, largest first. */
void term_parts(struct line *l, const struct report_process *p);
/* Writes the notes of all processes, each once, and counts the children: how many were started,
 * watched, or not, and why. */
void term_tree(struct line *l, const struct report *r);
/* Writes "dict 83 %", as an item. */
void term_type(struct line *l, const struct report_type *t);
void term_stack(struct line *l, const struct report_site *s, bool verbose);

#endif
