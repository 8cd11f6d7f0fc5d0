/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sizes and offsets near the ends of 64 bits, in memory that a process says is its types, objects
 * and code: ours, so that each lie is told alone. */
#include <malloc.h>
#include <unistd.h>

#include "why/graph.h"
#include "census/own_size.h"
#include "py/py_priv.h"
#include "stacks/stacks.h"
#include "heap/walk_priv.h"
#include "unit/self.h"

/* Numbers at which sums, negations and multiplications go wrong. */
static const int64_t ends[] = {
	INT64_MAX,
	INT64_MAX - 3,
	INT64_MAX - 8,
	INT64_MIN,
	INT64_MIN + 8,
	(1ll << 62) - 1,
	1ll << 47,
	1ll << 32,
	1ll << 31,
	-(1ll << 31),
	(1ll << 20) + 1,
	-(1ll << 20) - 1,
	4096,
	-4096,
	191,
	192,
	-48,
	-49,
	-1,
	0,
};

static void spans_do_not_wrap(void **state)
{
	(void)state;
	assert_true(span_has(10, 20, 10, 10));
	assert_true(span_has(10, 20, 20, 0));
	assert_false(span_has(10, 20, 9, 1));
	assert_false(span_has(10, 20, 11, 10));
	assert_false(span_has(10, 20, 15, UINT64_MAX));
	assert_false(span_has(10, UINT64_MAX, UINT64_MAX - 3, 8));
	assert_false(span_has(10, 5, 7, 0));
	assert_true(span_has_off(-48, 192, -48, 240));
	assert_true(span_has_off(-48, 192, 184, 8));
	assert_false(span_has_off(-48, 192, 185, 8));
	assert_false(span_has_off(-48, 192, -49, 1));
	assert_false(span_has_off(-48, 192, INT64_MAX - 3, 8));
	assert_false(span_has_off(-48, 192, INT64_MIN, 8));
	assert_false(span_has_off(-48, 192, 0, SIZE_MAX));
	assert_true(span_has_off(INT64_MIN, INT64_MAX, INT64_MIN, UINT64_MAX));
}

static uint64_t metatype[128], class[128];
static _Alignas(4096) uint64_t page[1024];

/* 3.11: class is a heap type of `type`, its object lies in the middle of the pages. */
static void make_world(const struct proc *self, struct py_private *priv, struct py_runtime *rt)
{
	const struct py_layout *l;

	priv->build = py_table(11);
	*rt = (struct py_runtime){.proc = self,
				  .priv = priv,
				  .minor = 11,
				  .layout = priv->build.layout,
				  .walk = priv->build.walk,
				  .type_type = (uintptr_t)metatype};
	l = &rt->layout;
	memset(class, 0, sizeof(class));
	memset(page, 0, sizeof(page));
	metatype[l->ob_type / 8] = (uintptr_t)metatype;
	metatype[l->tp_flags / 8] = TPF_TYPE | PY_TPFLAGS_READY;
	metatype[l->tp_basicsize / 8] = 880;
	class[l->ob_type / 8] = (uintptr_t)metatype;
	class[l->tp_flags / 8] = PY_TPFLAGS_READY | TPF_HEAPTYPE | TPF_HAVE_GC;
	class[l->tp_basicsize / 8] = 64;
	page[512] = 1;
	page[512 + l->ob_type / 8] = (uintptr_t) class;
	for (size_t i = 2; i < 24; i++)
		page[512 + i] = (uintptr_t)&page[16 * i];
}

/* One field of the class lies, with each set of flags that makes its objects be read otherwise. */
static void read_with(struct heap *h, uint16_t field, int64_t value)
{
	static const uint64_t flags[] = {
		0,	  TPF_LONG,	 TPF_LIST, TPF_TUPLE,	     TPF_BYTES,	       TPF_UNICODE,
		TPF_DICT, TPF_EXCEPTION, TPF_TYPE, TPF_MANAGED_DICT, TPF_INLINE_VALUES};
	const struct py_layout *l = &h->rt->layout;
	uint64_t before = class[field / 8];

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		struct heap_object o = {.addr = (uintptr_t)&page[512], .type = (uintptr_t) class};
		struct heap_block b = {.addr = o.addr - 16,
				       .bytes = 512,
				       .object = o.addr,
				       .type = o.type,
				       .data = (const uint8_t *)&page[510],
				       .have = 512};
		struct heap_type t;
		struct heap_own own;

		class[l->tp_flags / 8] = PY_TPFLAGS_READY | TPF_HEAPTYPE | TPF_HAVE_GC | flags[i];
		class[field / 8] = (uint64_t)value;
		free(h->type);
		h->type = NULL;
		heap_read_objects(h, &o, 1, HEAP_FULL);
		if (!heap_type_get(h, b.type, &t))
			continue;
		assert_in_range(t.basicsize, 16, 1 << 20);
		assert_true(llabs(t.dictoffset) <= 1 << 20 && llabs(t.weakoffset) <= 1 << 20);
		b.facts = &t;
		heap_own_of(h->rt, &b, &own);
	}
	class[field / 8] = before;
}

static void a_class_may_say_any_size(void **state)
{
	struct proc *self = self_open();
	struct py_private priv = {0};
	struct py_runtime rt;
	struct heap h = {.rt = &rt};

	(void)state;
	make_world(self, &priv, &rt);
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		read_with(&h, rt.layout.tp_dictoffset, ends[i]);
		read_with(&h, rt.layout.tp_weaklistoffset, ends[i]);
		read_with(&h, rt.layout.tp_basicsize, ends[i]);
		read_with(&h, rt.layout.tp_itemsize, ends[i]);
	}
	free(h.group);
	free(h.type);
	proc_close(self);
}

/* Each word of an object lies in turn, and its class has items, a dict at the end, or neither. */
static void an_object_may_say_any_size(void **state)
{
	static const int64_t items[] = {0, 1, 4, 8, 1 << 20};
	struct proc *self = self_open();
	struct py_private priv = {0};
	struct py_runtime rt;
	struct heap h = {.rt = &rt};

	(void)state;
	make_world(self, &priv, &rt);
	for (size_t k = 0; k < ARRAY_SIZE(items); k++)
		for (size_t word = 2; word < 12; word++)
			for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
				uint64_t before = page[512 + word];

				class[rt.layout.tp_itemsize / 8] = (uint64_t)items[k];
				page[512 + word] = (uint64_t)ends[i];
				read_with(&h, rt.layout.tp_dictoffset, k % 2 ? -8 : 24);
				page[512 + word] = before;
			}
	free(h.group);
	free(h.type);
	proc_close(self);
}

/* The references of a block: an object of a type of each kind, whose words and type lie. */
static void scan_with(struct heap *h, enum graph_kind kind, int64_t dictoffset)
{
	struct graph g = {.h = h, .max_blocks = 1000, .max_edges = 4000, .direct_bytes = 1 << 20};
	const struct heap_block b = {.addr = (uintptr_t)&page[510],
				     .bytes = 512,
				     .object = (uintptr_t)&page[512],
				     .type = (uintptr_t) class,
				     .data = (const uint8_t *)&page[510],
				     .have = 512,
				     .place = HEAP_CHUNK};
	struct graph_type t = {.addr = b.type, .kind = kind, .offset = 16};

	t.t = (struct heap_type){.basicsize = 64, .dictoffset = dictoffset, .weakoffset = 40};
	*vec_push(&g.types) = (struct graph_type){0};
	*vec_push(&g.types) = t;
	*vec_push(&g.type) = 1;
	*vec_push(&g.block) = (struct graph_block){.addr = b.addr, .bytes = 512, .type = 1};
	*vec_push(&g.region) =
		(struct graph_region){.start = b.addr, .end = b.addr + b.bytes, .to = 1};
	g.start = calloc(2, sizeof(*g.start));
	g.n = 1;
	vec_push(&g.edge);
	graph_scan(&g, &b, 0);
	graph_free(&g);
}

static void references_lie_where_a_class_says(void **state)
{
	struct proc *self = self_open();
	struct py_private priv = {0};
	struct py_runtime rt;
	struct heap h = {.rt = &rt};

	(void)state;
	make_world(self, &priv, &rt);
	for (int kind = GRAPH_BUFFER; kind <= GRAPH_ARRAY; kind++)
		for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
			scan_with(&h, (enum graph_kind)kind, ends[i]);
			for (size_t word = 2; word < 12; word++) {
				uint64_t before = page[512 + word];

				page[512 + word] = (uint64_t)ends[i];
				scan_with(&h, (enum graph_kind)kind, 24);
				page[512 + word] = before;
			}
		}
	free(h.group);
	free(h.type);
	proc_close(self);
}

#define CODES 3000
#define TABLE (1u << 20)

static uint8_t *code_of(uint8_t *codes, size_t i)
{
	return codes + 512 * i;
}

static void put_word(uint8_t *at, uint64_t v)
{
	memcpy(at, &v, sizeof(v));
}

/* Code objects that share one table of lines: what is kept are lines. */
static void code_may_share_a_huge_table(void **state)
{
	static _Alignas(8) uint64_t name[16], unicode[64], code_type[64];
	struct proc *self = self_open();
	auto_free uint8_t *table = calloc(1, TABLE + 64), *codes = calloc(CODES + 1, 512);
	auto_free struct pl_stack *rec = calloc(1, sizeof(*rec));
	struct py_private priv = {0};
	const struct py_layout *l;
	struct py_runtime rt;
	struct stacks *stacks;
	uint64_t before, after;

	(void)state;
	assert_true(table && codes && rec);
	make_world(self, &priv, &rt);
	l = &rt.layout;
	rt.unicode_type = (uintptr_t)unicode;
	rt.code_type = (uintptr_t)code_type;
	put_word((uint8_t *)name + l->ob_type, rt.unicode_type);
	put_word((uint8_t *)name + l->str_length, 3);
	((uint8_t *)name)[l->str_state] = 1 << 2 | 1 << 5 | 1 << 6; /* kind 1, compact, ASCII */
	memcpy((uint8_t *)name + l->str_ascii_data, "app", 3);
	put_word(table + l->ob_size, TABLE);
	memset(table + l->bytes_data, 0xd8 | 7, TABLE); /* eight units further, no line */
	for (size_t i = 0; i < CODES; i++) {
		uint8_t *c = code_of(codes, i);

		put_word(c + l->ob_type, rt.code_type);
		put_word(c + l->ob_size, 1 << 16);
		put_word(c + l->code_qualname, (uintptr_t)name);
		put_word(c + l->code_filename, (uintptr_t)name);
		put_word(c + l->code_linetable, (uintptr_t)table);
	}
	assert_int_equal(stacks_new(&rt, &stacks), 0);
	before = mallinfo2().uordblks + mallinfo2().hblkhd;
	for (size_t i = 0; i < CODES; i++) {
		rec->id = i + 1;
		rec->n = 1;
		rec->frames[0].code = (uintptr_t)code_of(codes, i);
		rec->frames[0].instr = (uintptr_t)code_of(codes, i) + l->code_code + 2 * (i % 1000);
		stacks_add(stacks, rec, sizeof(*rec));
	}
	after = mallinfo2().uordblks + mallinfo2().hblkhd;
	assert_true(stacks_find(stacks, 1)->frame[0].code);
	assert_true(after - before < 40u << 20);
	stacks_free(stacks);
	proc_close(self);
}

/* The word in front is glibc's where it fits what lies behind it. */
static void a_block_outside_of_pools_fits_its_object(void **state)
{
	struct heap_type plain = {.basicsize = 600}, frame = {.basicsize = 64, .itemsize = 8},
			 tuple = {.basicsize = 24, .itemsize = 8, .kind = HEAP_K_TUPLE},
			 inlined = {.basicsize = 16, .flags = TPF_INLINE_VALUES};

	(void)state;
	assert_int_equal(walk_outside_bytes(&plain, 16, 0, 640 | 1), 632);
	assert_int_equal(walk_outside_bytes(&plain, 16, 0, 656 | 5), 648);
	assert_int_equal(walk_outside_bytes(&plain, 16, 0, 4096 | 3), 4080);
	/* Too small, too big, not aligned, no whole pages, nothing */
	assert_int_equal(walk_outside_bytes(&plain, 16, 0, 320 | 1), 632);
	assert_int_equal(walk_outside_bytes(&plain, 16, 0, 0x1c1b5a3a20), 632);
	assert_int_equal(walk_outside_bytes(&plain, 16, 0, 1 << 20), 632);
	assert_int_equal(walk_outside_bytes(&plain, 16, 0, 648 | 1), 632);
	assert_int_equal(walk_outside_bytes(&plain, 16, 0, 5000 | 3), 632);
	assert_int_equal(walk_outside_bytes(&plain, 16, 0, 0), 632);
	assert_int_equal(walk_outside_bytes(&plain, 16, 0, 7), 632);
	/* 30 slots behind it: 32 + 8 * 31 bytes */
	assert_int_equal(walk_outside_bytes(&inlined, 16, 280, 336 | 1), 328);
	assert_int_equal(walk_outside_bytes(&inlined, 16, 280, 2048 | 1), 48);
	/* Items, and a pointer, a low one too, or NULL, where others have them */
	assert_int_equal(walk_outside_bytes(&tuple, 0, 100, 848 | 1), 840);
	assert_int_equal(walk_outside_bytes(&tuple, 0, 100, 4096 | 1), 840);
	assert_int_equal(walk_outside_bytes(&tuple, 0, 10000, 80048 | 1), 80040);
	assert_int_equal(walk_outside_bytes(&frame, 0, 0x1d4e8c0, 1024 | 1), 1016);
	assert_int_equal(walk_outside_bytes(&frame, 0, 0x7f1234567890, 1024 | 1), 1016);
	assert_int_equal(walk_outside_bytes(&frame, 0, 0, 1024 | 1), 1016);
	assert_int_equal(walk_outside_bytes(&frame, 0, 0x1d4e8c0, 0), 80);
	assert_int_equal(walk_outside_bytes(&frame, 0, UINT64_MAX, 1ull << 40 | 1), 80);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spans_do_not_wrap),
		cmocka_unit_test(a_class_may_say_any_size),
		cmocka_unit_test(an_object_may_say_any_size),
		cmocka_unit_test(references_lie_where_a_class_says),
		cmocka_unit_test(code_may_share_a_huge_table),
		cmocka_unit_test(a_block_outside_of_pools_fits_its_object),
	};

	return cmocka_run_group_tests_name("sizes", tests, NULL, NULL);
}
