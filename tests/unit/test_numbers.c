/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Numbers and characters are no references, whatever object they are in: an object in the memory of
 * this process, beside one that a word of it is the address of, and memory that it points to. */
#include "unit/self.h"

#include <stdlib.h>

#include "py/objects.h"
#include "why/graph.h"

#define READY	    (1ull << 12)
#define SELF_BYTES  208
#define DESCR_FIRST 3 /* word of a type's flags, and 'V' */

enum { NOTHING, T = 1, MEMORY = 2 };

static struct {
	uint64_t t[4], memory[8], self[SELF_BYTES / 8];
	uint64_t descr[8]; /* no block */
} m;

static const struct py_layout layout = {
	.ob_type = 8,
	.ob_size = 16,
	.tp_name = 24,
	.tp_basicsize = 32,
	.tp_itemsize = 40,
	.tp_flags = 168,
	.tp_weaklistoffset = 208,
	.tp_base = 256,
	.tp_dict = 264,
	.tp_dictoffset = 288,
};

/* The others that an object of this kind leads to; @asked: so is that memory. */
static unsigned leads_to(enum graph_kind kind, int64_t basicsize, int64_t itemsize, bool asked)
{
	struct graph_type types[] = {
		{.kind = GRAPH_BUFFER},
		{.addr = 1, .kind = GRAPH_PLAIN},
		{.addr = 2, .kind = kind, .t = {.basicsize = basicsize, .itemsize = itemsize}}};
	struct graph_block blocks[] = {{(uintptr_t)m.t, sizeof(m.t), 1},
				       {(uintptr_t)m.memory, sizeof(m.memory), 0},
				       {(uintptr_t)m.self, sizeof(m.self), 2}};
	struct graph_region region = {blocks[0].addr, (uintptr_t)m.descr, 0, 3, NULL};
	const uint64_t extra = (uintptr_t)m.memory;
	uint16_t type[] = {1, 0, 2};
	uint32_t start[3] = {0};
	struct py_runtime rt = {.minor = 11, .layout = layout};
	struct heap h = {.rt = &rt};
	struct graph g = {.h = &h,
			  .types = {types, 3, 3},
			  .type = {type, 3, 3},
			  .block = {blocks, 3, 3},
			  .region = {&region, 1, 1},
			  .start = start,
			  .n = 3,
			  .extra = &extra,
			  .n_extra = asked,
			  .max_edges = 100};
	struct heap_block b = {.addr = (uintptr_t)m.self,
			       .object = (uintptr_t)m.self,
			       .type = 2,
			       .bytes = sizeof(m.self),
			       .data = (const uint8_t *)m.self,
			       .have = sizeof(m.self),
			       .place = HEAP_CHUNK};
	struct proc *p = self_open();
	unsigned out = NOTHING;

	rt.proc = p;
	assert_int_equal(graph_scan(&g, &b, 2), 0);
	for (size_t i = 0; i < g.edge.n; i++)
		out |= (g.edge.v[i] & ~NODE_MAX) == 0 ? T : MEMORY;
	vec_free(&g.edge);
	proc_close(p);
	return out;
}

static void *begin(void **state)
{
	(void)state;
	memset(&m, 0, sizeof(m));
	return m.self;
}

/* In a program that is not relocated 0x2005500 may be where a block is: of a class that extends
 * list these are the flags. */
static void the_flags_of_a_class_are_no_address(void **state)
{
	uint64_t *self = begin(state);

	self[168 / 8] = (uintptr_t)m.t;
	assert_int_equal(leads_to(GRAPH_TYPE, SELF_BYTES, 0, false), NOTHING);
	self[168 / 8 + 1] = (uintptr_t)m.t;
	assert_int_equal(leads_to(GRAPH_TYPE, SELF_BYTES, 0, false), T);
}

/* An int is its own hash: of one that is an address, in the link of an lru_cache, none is kept; nor
 * do its neighbours count. */
static void the_hash_of_a_key_is_no_reference(void **state)
{
	uint64_t *link = begin(state);

	link[2] = link[3] = (uintptr_t)m.t; /* its neighbours */
	link[4] = (uintptr_t)m.t;	    /* the hash */
	assert_int_equal(leads_to(GRAPH_LRU_LINK, 56, 0, false), NOTHING);
	link[6] = (uintptr_t)m.t; /* the result */
	assert_int_equal(leads_to(GRAPH_LRU_LINK, 56, 0, false), T);
}

/* The object that has the memory tells what is in it. */
static void a_view_holds_whose_memory_it_is(void **state)
{
	uint64_t *self = begin(state);

	self[56 / 8] = (uintptr_t)m.memory;
	assert_int_equal(leads_to(GRAPH_MEMORYVIEW, 144, 8, false), NOTHING);
	assert_int_equal(leads_to(GRAPH_MEMORYVIEW, 144, 8, true), MEMORY);
	self[64 / 8] = (uintptr_t)m.t;
	assert_int_equal(leads_to(GRAPH_MEMORYVIEW, 144, 8, true), T);
	begin(state);
	self[24 / 8] = (uintptr_t)m.t; /* what all views of one object share */
	assert_int_equal(leads_to(GRAPH_MEMORYVIEW, 144, 8, false), T);
	begin(state);
	self[32 / 8] = (uintptr_t)m.memory;
	assert_int_equal(leads_to(GRAPH_MANAGED, 112, 0, false), NOTHING);
	self[40 / 8] = (uintptr_t)m.t;
	assert_int_equal(leads_to(GRAPH_MANAGED, 112, 0, true), T);
}

/* @version: of numpy. */
static unsigned array_leads_to(int version, bool has_objects, bool is_own, bool has_base)
{
	uint64_t *self = begin(NULL);

	self[GRAPH_ARRAY_DATA / 8] = (uintptr_t)m.memory;
	self[GRAPH_ARRAY_DESCR / 8] = (uintptr_t)m.descr;
	self[GRAPH_ARRAY_FLAGS / 8] = is_own ? GRAPH_ARRAY_OWNS : 0;
	self[GRAPH_ARRAY_BASE / 8] = has_base ? (uintptr_t)m.t : 0;
	m.descr[DESCR_FIRST] = 'V' | (version == 1 && has_objects ? 3ull << 24 : 0) | 20ull << 32;
	m.descr[DESCR_FIRST + 1] = version == 1 ? 16 | 1ull << 32 : has_objects ? 3 : 2;
	m.descr[DESCR_FIRST + 2] = 16;
	return leads_to(GRAPH_ARRAY, 80, 0, false);
}

/* Rows of numbers have a letter of their own, as rows with objects do; memory may be C code's. */
static void an_array_holds_what_its_items_do(void **state)
{
	(void)state;
	for (int version = 1; version <= 2; version++)
		for (int is_own = 0; is_own < 2; is_own++) {
			assert_int_equal(array_leads_to(version, false, is_own, false), NOTHING);
			assert_int_equal(array_leads_to(version, true, is_own, false), MEMORY);
			assert_int_equal(array_leads_to(version, true, false, true), T);
			assert_int_equal(array_leads_to(version, false, false, true), T);
		}
}

static void digits_are_no_address(void **state)
{
	uint64_t *self = begin(state);

	self[64 / 8] = (uintptr_t)m.memory;
	self[72 / 8] = self[80 / 8] = (uintptr_t)m.t;
	assert_int_equal(leads_to(GRAPH_DECIMAL, 104, 0, false), NOTHING);
	assert_int_equal(leads_to(GRAPH_DECIMAL, 104, 0, true), MEMORY);
	self[104 / 8] = (uintptr_t)m.t; /* what a class adds */
	assert_int_equal(leads_to(GRAPH_DECIMAL, 112, 0, false), T);
}

/* The memory of an array of ctypes', of a file, of an array.array. */
static void memory_of_numbers_is_not_followed(void **state)
{
	static const struct {
		enum graph_kind kind;
		size_t memory, object;
	} of[] = {{GRAPH_CTYPES, 16, 64},
		  {GRAPH_FILE, 56, 16},
		  {GRAPH_FILE, 56, 136},
		  {GRAPH_NUMBERS, 24, 64}};

	for (size_t i = 0; i < ARRAY_SIZE(of); i++) {
		uint64_t *self = begin(state);

		self[of[i].memory / 8] = (uintptr_t)m.memory;
		assert_int_equal(leads_to(of[i].kind, 152, 0, false), NOTHING);
		assert_int_equal(leads_to(of[i].kind, 152, 0, true), MEMORY);
		self[of[i].object / 8] = (uintptr_t)m.t;
		assert_int_equal(leads_to(of[i].kind, 152, 0, false), T);
	}
}

/* A few of them lie in the object itself. */
static void numbers_in_an_array_of_ctypes_are_no_address(void **state)
{
	uint64_t *self = begin(state);

	self[80 / 8] = self[88 / 8] = (uintptr_t)m.t;
	assert_int_equal(leads_to(GRAPH_CTYPES, 104, 0, false), NOTHING);
	self[96 / 8] = (uintptr_t)m.t;
	assert_int_equal(leads_to(GRAPH_CTYPES, 104, 0, false), T);
}

/* In a context's tree the node of variables, which has items, has a number first. */
static void the_bitmap_of_a_tree_is_no_address(void **state)
{
	uint64_t *self = begin(state);

	self[24 / 8] = (uintptr_t)m.t;
	assert_int_equal(leads_to(GRAPH_HAMT, 32, 8, false), NOTHING);
	assert_int_equal(leads_to(GRAPH_HAMT, 280, 0, false), T);
	self[40 / 8] = (uintptr_t)m.t;
	assert_int_equal(leads_to(GRAPH_HAMT, 32, 8, false), T);
}

/* [0-9] compiles to 0x3ff0000 and zeros. */
static void code_is_no_address(void **state)
{
	uint64_t *self = begin(state);

	self[88 / 8] = self[56 / 8] = (uintptr_t)m.t;
	assert_int_equal(leads_to(GRAPH_PATTERN, 88, 4, false), NOTHING);
	self[32 / 8] = (uintptr_t)m.t;
	assert_int_equal(leads_to(GRAPH_PATTERN, 88, 4, false), T);
}

/* A class that extends str has its characters apart, and attributes. */
static void characters_are_no_address(void **state)
{
	uint64_t *self = begin(state);

	self[72 / 8] = (uintptr_t)m.memory;
	assert_int_equal(leads_to(GRAPH_TEXT, 88, 0, false), NOTHING);
	assert_int_equal(leads_to(GRAPH_TEXT, 88, 0, true), MEMORY);
	self[80 / 8] = (uintptr_t)m.t;
	assert_int_equal(leads_to(GRAPH_TEXT, 88, 0, false), T);
	assert_int_equal(leads_to(GRAPH_TEXT, 80, 0, false), NOTHING);
}

/* @base: another static class that it extends; NULL = object. */
static enum graph_kind kind_of(const char *name, uint64_t flags, const char *base)
{
	static uint64_t meta[40], class[40], above[40];
	struct py_runtime rt = {.minor = 11, .layout = layout, .type_type = (uintptr_t)meta};
	struct heap h = {.rt = &rt};
	struct graph g = {.h = &h};
	struct proc *p = self_open();
	enum graph_kind kind;
	uint16_t out;

	rt.proc = p;
	meta[21] = TPF_TYPE | READY;
	class[1] = above[1] = meta[1] = (uintptr_t)meta;
	class[3] = (uintptr_t)name;
	above[3] = (uintptr_t)base;
	class[4] = above[4] = 64;
	class[21] = flags | READY;
	above[21] = READY;
	class[32] = base ? (uintptr_t)above : 0;
	assert_int_equal(graph_intern_type(&g, (uintptr_t) class, 0, &out), 0);
	kind = g.types.v[out].kind;
	graph_free(&g);
	free(h.type);
	proc_close(p);
	return kind;
}

static void what_refers_to_nothing_is_known_by_name(void **state)
{
	(void)state;
	assert_int_equal(kind_of("numpy.int64", 0, "numpy.number"), GRAPH_LEAF);
	assert_int_equal(kind_of("numpy.datetime64", 0, NULL), GRAPH_LEAF);
	assert_int_equal(kind_of("Meters", TPF_HEAPTYPE, "numpy.number"), GRAPH_PLAIN);
	assert_int_equal(kind_of("decimal.Decimal", 0, NULL), GRAPH_DECIMAL);
	assert_int_equal(kind_of("decimal.Decimal", TPF_HEAPTYPE, NULL), GRAPH_DECIMAL);
	assert_int_equal(kind_of("Money", TPF_HEAPTYPE, "decimal.Decimal"), GRAPH_DECIMAL);
	assert_int_equal(kind_of("_io.BufferedReader", TPF_HEAPTYPE, NULL), GRAPH_FILE);
	assert_int_equal(kind_of("re.Pattern", TPF_HEAPTYPE, NULL), GRAPH_PATTERN);
	assert_int_equal(kind_of("managedbuffer", 0, NULL), GRAPH_MANAGED);
	assert_int_equal(kind_of("c_char_Array_80", TPF_HEAPTYPE, "_ctypes.Array"), GRAPH_CTYPES);
	assert_int_equal(kind_of("c_char_p_Array_80", TPF_HEAPTYPE, "_ctypes.Array"), GRAPH_PLAIN);
	assert_int_equal(kind_of("LP_c_long_Array_80", TPF_HEAPTYPE, "_ctypes.Array"), GRAPH_PLAIN);
	assert_int_equal(kind_of("c_long_Array_8", TPF_HEAPTYPE, NULL), GRAPH_PLAIN);
	assert_int_equal(kind_of("Path", TPF_HEAPTYPE | TPF_UNICODE, NULL), GRAPH_TEXT);
	assert_int_equal(kind_of("str", TPF_UNICODE, NULL), GRAPH_LEAF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_flags_of_a_class_are_no_address),
		cmocka_unit_test(the_hash_of_a_key_is_no_reference),
		cmocka_unit_test(a_view_holds_whose_memory_it_is),
		cmocka_unit_test(an_array_holds_what_its_items_do),
		cmocka_unit_test(digits_are_no_address),
		cmocka_unit_test(memory_of_numbers_is_not_followed),
		cmocka_unit_test(numbers_in_an_array_of_ctypes_are_no_address),
		cmocka_unit_test(the_bitmap_of_a_tree_is_no_address),
		cmocka_unit_test(code_is_no_address),
		cmocka_unit_test(characters_are_no_address),
		cmocka_unit_test(what_refers_to_nothing_is_known_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
