/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Two watches, compared, as text: one file per format. */
#ifndef PYLEAK_OUT_DIFF_H
#define PYLEAK_OUT_DIFF_H

#include "compare/compare.h"
#include "out/out.h"

/* All return 0 or a negative errno of the stream. */
int diff_term(FILE *f, const struct compare *c, const struct out_term_opts *o);

/* Those of OUT_FORMATS that a comparison has, too. JSON is that of the schema pyleak-bpf/diff/1. */
/* clang-format off */
#define DIFF_FORMATS(X, ...)                                                                 \
	X(json, "JSON", ".json", __VA_ARGS__)                                                \
	X(folded, "folded stacks with the growth of A and of B (flamegraph.pl)", ".folded", __VA_ARGS__)
/* clang-format on */
#define X(name, ...) int diff_##name(FILE *f, const struct compare *c);
DIFF_FORMATS(X, )
#undef X

#endif
