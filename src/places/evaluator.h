/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds the code of the evaluator: a native frame there stands for the Python frames it runs. */
#ifndef PYLEAK_PLACES_EVALUATOR_H
#define PYLEAK_PLACES_EVALUATOR_H

#include "py/py.h"

struct code_range {
	uint64_t start, end;
};

/* Fills @out with ranges of run-time addresses. Returns their number, at most @max; 0: the
 * evaluator was not found. */
size_t places_evaluator(const struct py_runtime *rt, struct code_range *out, size_t max);

#endif
