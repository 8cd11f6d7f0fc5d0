/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A report as text: one file per format. Formats see report and base only. */
#ifndef PYLEAK_OUT_H
#define PYLEAK_OUT_H

#include <stdio.h>

#include "report/baseline.h"
#include "report/report.h"

struct out_term_opts {
	size_t top;
	bool color;
	bool verbose;
	int width; /* 0 = do not cut */
};

/* Terminal report. Returns 0 or a negative errno of the stream. */
int out_term(FILE *f, const struct report *r, const struct out_term_opts *o);
/* The census in a report, as a table. */
int out_census(FILE *f, const struct report *r, const struct out_term_opts *o);
/* Many processes, as a sweep found them: how many of which verdict, then those that grow. */
int out_term_sweep(FILE *f, const struct report *r, const struct out_term_opts *o);
/* Should @f get colours (tty, NO_COLOR, TERM, --no-color)? And its width, 0 when not a tty. */
bool out_want_color(FILE *f, bool no_color);
int out_width(FILE *f);

/* Formats of a report in a file: the option that asks for one, how its help says it, and how names
 * of such files end, one way or another. Each has an out_NAME(), which returns 0 or a negative
 * errno of the stream. JSON is that of the schema pyleak-bpf/report/1, streamed. */
/* clang-format off */
#define OUT_FORMATS(X, ...)                                                                  \
	X(json, "JSON", ".json", __VA_ARGS__)                                                \
	X(html, "a page to read, with all in one file", ".html", __VA_ARGS__)                \
	X(folded, "folded stacks for flame graphs", ".folded", __VA_ARGS__)                  \
	X(speedscope, "a profile for speedscope", ".speedscope.json", __VA_ARGS__)           \
	X(pprof, "a profile for pprof, Pyroscope and Parca", ".pb.gz .pprof", __VA_ARGS__)
/* clang-format on */
#define X(name, ...) OUT_##name,
enum out_format { OUT_FORMATS(X, ) OUT_FORMATS_MAX };
#undef X
#define X(name, ...) int out_##name(FILE *f, const struct report *r);
OUT_FORMATS(X, )
#undef X
/* All suffixes, for a sentence. */
#define OUT_SUFFIX(name, text, suffix, ...) " " suffix
#define OUT_SUFFIXES			    OUT_FORMATS(OUT_SUFFIX, )
/* The format with the longest suffix that @path ends in; OUT_FORMATS_MAX: in none. */
enum out_format out_format_of(const char *path);
int out_baseline(FILE *f, const struct baseline *b);

#endif
