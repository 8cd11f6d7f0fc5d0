/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names the steps of a path, read from the target when it is shown. */
#ifndef PYLEAK_WHY_LABEL_H
#define PYLEAK_WHY_LABEL_H

#include "py/objects.h"
#include "why/reach.h"
#include "why/why.h"

/* Is @dict (a dict object's address) where the attributes of @owner lie: a module's, a type's, a
 * function's or an instance's own dict? */
bool label_is_attributes(struct graph *g, uint32_t owner, uint64_t owner_addr, uint64_t dict);

/* Does the object @from point to memory of C code, @to, that is not its attributes? */
bool label_is_c_memory(const struct graph *g, uint32_t from, uint32_t to);

/* Makes the steps of a path: @node has all nodes from the first behind the root to the target. */
int label_path(struct reach *r, const struct reach_root *root, const uint32_t *node, size_t n,
	       struct why_path *out);

/* Reads where the attributes of the instance at @addr are now. */
struct py_attributes label_attributes(const struct py_runtime *rt, const struct graph_type *t,
				      uint64_t addr);

/* Entries of a container now, WHY_UNKNOWN for what is none, or lies there no more. */
uint64_t label_entries(const struct graph *g, uint32_t node, uint64_t addr);

#endif
