/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Shared by the files that put a path into words. */
#ifndef PYLEAK_WHY_LABEL_PRIV_H
#define PYLEAK_WHY_LABEL_PRIV_H

#include "why/label.h"

#define MAX_NAME 200

struct labels {
	struct reach *r;
	struct graph *g;
	const struct py_runtime *rt;
	struct why_path *out;
	size_t cap;
};

uint64_t label_peek(const struct labels *l, uint64_t addr); /* 0 when it cannot be read */
/* Reads a str, as one short line. */
bool label_read_name(const struct labels *l, uint64_t str, char *buf, size_t size);
/* Finds the key of @value in a keys object, whose values are at @values or (0) in it. 1 = found, 2
 * = @value is itself a key. */
int label_find_key(const struct labels *l, uint64_t keys, uint64_t values, uint64_t value,
		   uint64_t *key);
int label_find_in_dict(const struct labels *l, uint64_t dict, uint64_t value, uint64_t *key);
/* Names the slot at @off, by the descriptors of __slots__ in the type and its bases. */
bool label_slot_name(const struct labels *l, uint64_t type, uint64_t off, char *buf, size_t size);
/* The offset of @word in [addr + from, addr + to); -1 = none. */
int64_t label_find_word(const struct labels *l, uint64_t addr, int64_t from, int64_t to,
			uint64_t word);
void label_code_name(const struct labels *l, uint64_t code, char *buf, size_t size);
/* Reads the frame of a generator, or of a frame object. */
bool label_generator_frame(const struct labels *l, uint64_t addr, struct py_locals *f);
bool label_object_frame(const struct labels *l, uint64_t addr, struct py_locals *f);
/* Names the context variable that has @value, in a node of the context's tree. */
void label_context_variable(const struct labels *l, uint32_t node, uint64_t addr, uint64_t value,
			    char *buf, size_t size);
/* Is a memoryview or an array of numpy a view of more than half of its base? */
bool label_is_whole_view(const struct labels *l, uint32_t node, uint64_t addr);
/* The name of an object in a path; from malloc. */
char *label_describe(const struct labels *l, uint32_t node, uint64_t addr);

#endif
