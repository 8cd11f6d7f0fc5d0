/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The parts of lines of folded stacks. */
#ifndef PYLEAK_OUT_FOLDED_H
#define PYLEAK_OUT_FOLDED_H

#include <stdio.h>

#include "report/report.h"

void folded_text(FILE *f, const char *s);
/* The kind, and the frames from the outermost on: "heap;main (app.py:3);load (app.py:9)" */
void folded_stack(FILE *f, const struct report_site *s);

#endif
