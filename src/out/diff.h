/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Writes a comparison of two watches, one function for each format. */
#ifndef PYLEAK_OUT_DIFF_H
#define PYLEAK_OUT_DIFF_H

#include "compare/compare.h"
#include "out/out.h"

/* For a terminal. All return 0 or a negative errno of the stream. */
int diff_term(FILE *f, const struct compare *c, const struct out_term_opts *o);

/* The formats of OUT_FORMATS that a comparison has as well. The schema of its JSON is
 * pyleak-bpf/diff/1. */
/* clang-format off */
#define DIFF_FORMATS(X, ...)                                                                 \
	X(json, "JSON", ".json", __VA_ARGS__)                                                \
	X(folded, "folded stacks with the growth of A and of B (flamegraph.pl)", ".folded", __VA_ARGS__)
/* clang-format on */
#define X(name, ...) int diff_##name(FILE *f, const struct compare *c);
DIFF_FORMATS(X, )
#undef X

#endif
