/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Writes the parts of a line of folded stacks. */
#ifndef PYLEAK_OUT_FOLDED_H
#define PYLEAK_OUT_FOLDED_H

#include <stdio.h>

#include "report/report.h"

/* Writes @s, with ';' and control characters escaped: they would end a frame or the line. */
void folded_text(FILE *f, const char *s);
/* Writes the kind, then the frames from the outermost: "heap;main (app.py:3);load (app.py:9)". */
void folded_stack(FILE *f, const struct report_site *s);

#endif
