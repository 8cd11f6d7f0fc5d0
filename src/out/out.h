/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Writes a report in each format, one file per format. Formats know report and base only, and use
 * nothing but their arguments. */
#ifndef PYLEAK_OUT_H
#define PYLEAK_OUT_H

#include <stdio.h>

#include "report/baseline.h"
#include "report/report.h"

struct out_term_opts {
	size_t top; /* sites, types or processes shown at most */
	bool color;
	bool verbose;
	int width; /* columns; 0 = do not cut */
};

/* Writes the terminal report. These three return 0 or a negative errno of the stream. */
int out_term(FILE *f, const struct report *r, const struct out_term_opts *o);
/* Writes the census in a report as a table. */
int out_census(FILE *f, const struct report *r, const struct out_term_opts *o);
/* Writes many processes, as a sweep found them: how many have which verdict, then those that are
 * not steady. */
int out_term_sweep(FILE *f, const struct report *r, const struct out_term_opts *o);
/* Should @f get colours (tty, NO_COLOR, TERM, --no-color)? */
bool out_want_color(FILE *f, bool no_color);
/* Columns of the terminal @f; 0 if it is none. */
int out_width(FILE *f);

/* Formats of a report in a file: the option that asks for it, its name in the help, and the
 * suffixes of such files. Each has an out_NAME(), which returns 0 or a negative errno of the
 * stream. The schema of the JSON is pyleak-bpf/report/1. */
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
/* All suffixes in one text, to list them in a sentence. */
#define OUT_SUFFIX(name, text, suffix, ...) " " suffix
#define OUT_SUFFIXES			    OUT_FORMATS(OUT_SUFFIX, )
/* The format with the longest suffix that @path ends in; OUT_FORMATS_MAX: it ends in none. */
enum out_format out_format_of(const char *path);
/* Writes a baseline as JSON. Returns 0 or a negative errno of the stream. */
int out_baseline(FILE *f, const struct baseline *b);

#endif
