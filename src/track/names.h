/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names of types by address, read while the target lives. */
#ifndef PYLEAK_NAMES_H
#define PYLEAK_NAMES_H

#include "py/py.h"

struct names;

int names_new(const struct py_runtime *rt, struct names **out);
void names_free(struct names *n);
/* The name of the type at @type, read when first asked for and again after a while; "?" if it never
 * could be read. Lives as long as @n. */
const char *names_type(struct names *n, uint64_t type);

/* Number of names that would have taken too much memory. */
uint64_t names_left_out(const struct names *n);

#endif
