/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds the evaluator of builds whose instructions are functions that jump to each other (3.14+,
 * --with-tail-call-interp). */
#ifndef PYLEAK_PLACES_HANDLERS_H
#define PYLEAK_PLACES_HANDLERS_H

#include "places/evaluator.h"

/* Fills @out with the ranges of all handlers, at run-time addresses, sorted, neighbours joined.
 * Returns their number, at most @max; 0: the evaluator is one function. @eval is
 * _PyEval_EvalFrameDefault, before bias. Reads at most 128 KiB of the target. */
size_t places_handlers(const struct py_runtime *rt, struct code_range eval, struct code_range *out,
		       size_t max);

#endif
