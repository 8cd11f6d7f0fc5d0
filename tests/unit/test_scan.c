/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Memory of this process: an array that is read when its owner is, and a block that is no object.
 */
#include "unit.h"

#include <errno.h>
#include <unistd.h>

#include "why/label.h"
#include "why/scan_priv.h"

#define MIB (1u << 20)

struct watcher {
	unsigned seen, last; /* times it was told; the one at which it wants no more */
};

static int watch(const struct heap_progress *at, void *ctx)
{
	struct watcher *w = ctx;

	(void)at;
	return ++w->seen == w->last ? -ECANCELED : 0;
}

/* One may be as big as all the rest: the pace, the deadline and Ctrl-C are the watcher's. */
static void a_big_array_is_told_of_and_can_be_left(void **state)
{
	static uint64_t array[16 * MIB / 8];

	(void)state;
	memset(array, 0xff, sizeof(array));
	for (unsigned last = 0; last < 5; last += 4) {
		struct watcher w = {.last = last};
		struct py_runtime rt = {0};
		struct heap h = {.rt = &rt, .watch = watch, .watch_ctx = &w};
		struct graph g = {.h = &h, .direct_bytes = 64 * MIB};
		struct scan s = {.g = &g};
		struct proc *p;

		assert_int_equal(proc_open(getpid(), &p), 0);
		rt.proc = p;
		scan_direct(&s, (uintptr_t)array, ARRAY_SIZE(array), 1, 1);
		assert_int_equal(s.err, last ? -ECANCELED : 0);
		assert_int_equal(w.seen, last ? last : 15);
		assert_int_equal(g.unreadable, 0);
		proc_close(p);
	}
}

enum key { OBJECT, BASE, OTHER, LOST };

enum next { LAST, NODE, NUMBER, INSIDE };

/* Those that a node of three words leads to, of what lies here: another node, an object of C++, and
 * the wrapper that Python has of it, or of one that is gone. */
static size_t edges_of(enum next next, enum key key, enum graph_kind kind)
{
	static struct {
		uint64_t other[3], object[8], wrapper[5];
	} m;
	const uint64_t keys[] = {
		[OBJECT] = (uintptr_t)m.object,
		[BASE] = (uintptr_t)&m.object[3],
		[OTHER] = (uintptr_t)m.other,
		[LOST] = 0,
	};
	const uint64_t first[] = {
		[NODE] = (uintptr_t)m.other,
		[NUMBER] = 7,
		[INSIDE] = (uintptr_t)&m.other[1],
	};
	const uint64_t node[] = {first[next], keys[key], (uintptr_t)m.wrapper};
	struct graph_block blocks[] = {{(uintptr_t)m.other, sizeof(m.other), 0},
				       {(uintptr_t)m.object, sizeof(m.object), 0},
				       {(uintptr_t)m.wrapper, sizeof(m.wrapper), 1}};
	struct graph_region region = {blocks[0].addr, (uintptr_t)(&m + 1), 0, 3, NULL};
	struct graph_type types[] = {{.kind = GRAPH_BUFFER}, {.addr = 1, .kind = kind}};
	uint16_t type[] = {0, 0, 1};
	struct py_runtime rt = {0};
	struct heap h = {.rt = &rt};
	struct graph g = {.h = &h,
			  .types = {types, 2, 2},
			  .type = {type, 3, 3},
			  .block = {blocks, 3, 3},
			  .region = {&region, 1, 1},
			  .n = 3,
			  .max_edges = 10};
	struct heap_block b = {.addr = (uintptr_t)node,
			       .bytes = sizeof(node),
			       .data = (const uint8_t *)node,
			       .have = sizeof(node),
			       .place = HEAP_CHUNK};
	struct scan s = {.g = &g, .b = &b, .t = types, .base = b.addr, .hi = sizeof(node)};
	struct proc *p;
	size_t n;

	m.other[2] = (uintptr_t)m.wrapper;
	m.wrapper[2] = key == LOST ? 0 : (uintptr_t)m.object;
	assert_int_equal(proc_open(getpid(), &p), 0);
	rt.proc = p;
	scan_buffer(&s);
	assert_int_equal(s.err, 0);
	n = g.edge.n;
	vec_free(&g.edge);
	proc_close(p);
	return n;
}

/* pybind11 knows the wrapper of each object of C++, also of one by its second base class. In a
 * std::list of them, in a map of what is no wrapper, and in what has another first word than a
 * node, they are kept; so is the wrapper of what is gone. */
static void who_knows_all_wrappers_holds_none(void **state)
{
	(void)state;
	assert_int_equal(edges_of(NODE, OBJECT, GRAPH_WRAPPER), 1);
	assert_int_equal(edges_of(NODE, BASE, GRAPH_WRAPPER), 1);
	assert_int_equal(edges_of(NODE, OTHER, GRAPH_WRAPPER), 3);
	assert_int_equal(edges_of(NODE, OBJECT, GRAPH_PLAIN), 3);
	assert_int_equal(edges_of(LAST, OBJECT, GRAPH_WRAPPER), 0);
	assert_int_equal(edges_of(NUMBER, OBJECT, GRAPH_WRAPPER), 2);
	assert_int_equal(edges_of(INSIDE, OBJECT, GRAPH_WRAPPER), 3);
	assert_int_equal(edges_of(NODE, LOST, GRAPH_WRAPPER), 2);
}

/* In a heap like that of a program at a fixed address: is @to, which a block at 0x3c210090 begins
 * with, a reference? */
static bool is_reference(uint64_t to, uint64_t second, uint64_t bytes, enum heap_place place)
{
	const uint64_t word[160] = {to, second};
	struct graph_block blocks[] = {{0x3c211000, 24, 0}, {to, 24, 0}};
	struct graph_region region = {blocks[0].addr, to + 32, 0, 2, NULL};
	struct graph_type types[] = {{.kind = GRAPH_BUFFER}};
	uint16_t type[] = {0, 0};
	struct py_runtime rt = {0};
	struct heap h = {.rt = &rt};
	struct graph g = {.h = &h,
			  .types = {types, 1, 1},
			  .type = {type, 2, 2},
			  .block = {blocks, 2, 2},
			  .region = {&region, 1, 1},
			  .n = 2,
			  .max_edges = 10};
	struct heap_block b = {.addr = 0x3c210090,
			       .bytes = bytes,
			       .data = (const uint8_t *)word,
			       .have = bytes,
			       .place = place};
	struct scan s = {.g = &g, .b = &b, .t = types, .base = b.addr, .hi = (int64_t)bytes};
	size_t n;

	scan_buffer(&s);
	n = g.edge.n;
	vec_free(&g.edge);
	return n;
}

/* An empty string lies where 0x3c2100d0 was the next free chunk: 0x3c2100d0 ^ 0x3c210 is all but
 * its last byte. */
static void a_link_that_malloc_has_left_is_no_reference(void **state)
{
	(void)state;
	assert_false(is_reference(0x3c22c200, 0, 24, HEAP_CHUNK));
	assert_false(is_reference(0x3c22c200, 0, 1032, HEAP_CHUNK));
	/* Never in a cache; of another page; more than an empty string; in use behind it. */
	assert_true(is_reference(0x3c22c200, 0, 1048, HEAP_CHUNK));
	assert_true(is_reference(0x3c22c200, 0, 24, HEAP_POOL));
	assert_true(is_reference(0x3c22d200, 0, 24, HEAP_CHUNK));
	assert_true(is_reference(0x3c22c210, 0, 24, HEAP_CHUNK));
	assert_true(is_reference(0x3c22c200, 1, 24, HEAP_CHUNK));
}

/* How often the one entry in the keys of a dict leads to what lies here: as a value, and
 * where others have left it, in entries that are not in use and in the block's last word. */
static size_t edges_of_keys(bool has_hashes)
{
	static uint64_t kept[4];
	uint64_t k = (uintptr_t)kept;
	uint64_t word[21] = {1, 3 | 3 << 8 | !has_hashes << 16, has_hashes ? 2 : 4, 1, 0xff00};
	struct graph_block block = {k, sizeof(kept), 0};
	struct graph_region region = {k, k + sizeof(kept), 0, 1, NULL};
	struct graph_type types[] = {{.kind = GRAPH_BUFFER}};
	uint16_t type[] = {0};
	struct py_runtime rt = {.minor = 11,
				.layout = {.dk_log2_size = 8,
					   .dk_log2_index_bytes = 9,
					   .dk_kind = 10,
					   .dk_nentries = 24,
					   .dk_indices = 32}};
	struct heap h = {.rt = &rt};
	struct graph g = {.h = &h,
			  .types = {types, 1, 1},
			  .type = {type, 1, 1},
			  .block = {&block, 1, 1},
			  .region = {&region, 1, 1},
			  .n = 1,
			  .max_edges = 20};
	struct heap_block b = {.addr = 0x3c210090,
			       .bytes = has_hashes ? 168 : 128,
			       .data = (const uint8_t *)word,
			       .have = has_hashes ? 168 : 128,
			       .place = HEAP_POOL};
	struct scan s = {.g = &g, .b = &b, .t = types, .base = b.addr, .hi = (int64_t)b.bytes};
	size_t n;

	for (size_t i = 6; i < ARRAY_SIZE(word); i++)
		word[i] = k;
	scan_buffer(&s);
	n = g.edge.n;
	vec_free(&g.edge);
	return n;
}

static void behind_the_keys_of_a_dict_are_leftovers(void **state)
{
	(void)state;
	assert_int_equal(edges_of_keys(false), 1);
	assert_int_equal(edges_of_keys(true), 2);
}

/* An object of C++ may have references, which the collector does not see. */
static void what_a_wrapper_leads_to_is_memory_of_c(void **state)
{
	static uint64_t memory[8];
	struct graph_block blocks[] = {{(uintptr_t)memory, 40, 1}, {(uintptr_t)&memory[5], 24, 0}};
	uint16_t type[] = {1, 0};
	struct py_runtime rt = {0};
	struct heap h = {.rt = &rt};

	(void)state;
	for (enum graph_kind kind = 0; kind <= GRAPH_VALUE; kind++) {
		struct graph_type types[] = {{.kind = GRAPH_BUFFER}, {.addr = 1, .kind = kind}};
		struct graph g = {.h = &h,
				  .types = {types, 2, 2},
				  .type = {type, 2, 2},
				  .block = {blocks, 2, 2},
				  .n = 2};

		assert_int_equal(label_is_c_memory(&g, 0, 1),
				 kind == GRAPH_PLAIN || kind == GRAPH_WRAPPER);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_big_array_is_told_of_and_can_be_left),
		cmocka_unit_test(who_knows_all_wrappers_holds_none),
		cmocka_unit_test(a_link_that_malloc_has_left_is_no_reference),
		cmocka_unit_test(behind_the_keys_of_a_dict_are_leftovers),
		cmocka_unit_test(what_a_wrapper_leads_to_is_memory_of_c),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
