/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Ways that read the same, and yet do not lead through the same objects. */
#include "unit.h"

#include <unistd.h>

#include "inquiry/answer.h"
#include "inquiry/fills.h"
#include "py/objects.h"
#include "why/paths.h"
#include "why/roots.h"

#define MOST 96 /* objects */

/* A heap in this process. */
struct made {
	struct py_runtime rt;
	struct heap h;
	struct graph_region region;
	struct graph g;
	struct proc *proc;
	uint8_t seen[MOST / 8];
};

/* @n objects of eight words at @at. */
static void make(struct made *m, uint64_t (*at)[8], uint32_t n, uint16_t *type,
		 struct graph_type *types, size_t n_types)
{
	struct graph_block *block = calloc(n, sizeof(*block));

	assert_non_null(block);
	assert_true(n <= MOST);
	for (uint32_t i = 0; i < n; i++)
		block[i] = (struct graph_block){(uintptr_t)at[i], sizeof(at[i]), 0};
	*m = (struct made){
		.h = {.rt = &m->rt},
		.region = {(uintptr_t)at, (uintptr_t)(at + n), 0, n, NULL},
		.g = {.h = &m->h,
		      .types = {types, n_types, n_types},
		      .type = {type, n, n},
		      .block = {block, n, n},
		      .region = {&m->region, 1, 1},
		      .n = n},
	};
	memset(m->seen, 0xff, sizeof(m->seen));
	assert_int_equal(proc_open(getpid(), &m->proc), 0);
	m->rt.proc = m->proc;
}

static void unmake(struct made *m)
{
	proc_close(m->proc);
	vec_free(&m->g.block);
}

enum { MODULE, STORES, HOT, AUDIT, HOT_ITEMS, AUDIT_ITEMS, RECORDS, N = RECORDS + 16 };
enum { NOTHING, DICT, STORE, RECORD };

static uint64_t memory[N][8]; /* zeros: that is enough of an object here */

/* A dict of two stores, each with a dict of its own: every @nth record is in the second. */
static void ask(unsigned nth, struct why_answer *out)
{
	static struct graph_type types[] = {
		[NOTHING] = {.kind = GRAPH_BUFFER},
		[DICT] = {.addr = 1, .kind = GRAPH_DICT, .name = (char *)"dict"},
		[STORE] = {.addr = 2, .kind = GRAPH_PLAIN, .name = (char *)"Store"},
		[RECORD] = {.addr = 3, .kind = GRAPH_PLAIN, .name = (char *)"Record"},
	};
	uint16_t type[N] = {DICT, DICT, STORE, STORE, DICT, DICT};
	uint32_t parent[N] = {
		REACH_ROOT, MODULE + 1, STORES + 1, STORES + 1, HOT + 1, AUDIT + 1,
	};
	uint32_t target[N - RECORDS];
	struct reach_root root = {.kind = REACH_MODULE, .node = MODULE};
	struct made m;
	struct reach r = {.g = &m.g, .root = {&root, 1, 1}};

	make(&m, memory, N, type, types, ARRAY_SIZE(types));
	m.g.parent = parent;
	m.g.seen = m.seen;
	for (uint32_t i = 0; i < ARRAY_SIZE(target); i++) {
		target[i] = RECORDS + i;
		type[RECORDS + i] = RECORD;
		memory[RECORDS + i][0] = types[RECORD].addr;
		parent[RECORDS + i] = (i % nth == nth - 1 ? AUDIT_ITEMS : HOT_ITEMS) + 1;
	}
	*out = (struct why_answer){.targets = ARRAY_SIZE(target)};
	assert_int_equal(paths_group(&r, target, ARRAY_SIZE(target), 4, out), 0);
	unmake(&m);
}

static double share_in(const struct why_answer *a, uint32_t node)
{
	return answer_share_in(a, (uintptr_t)memory[node]);
}

static void one_path_may_be_of_many_containers(void **state)
{
	(void)state;
	for (unsigned nth = 2; nth <= 16; nth *= 2) {
		struct why_answer a;

		ask(nth, &a);
		assert_int_equal(a.n, 1);
		assert_true(a.path[0].share == 1);
		assert_true(share_in(&a, STORES) == 1);
		assert_true(share_in(&a, HOT) == 1 - 1.0 / nth);
		assert_true(share_in(&a, HOT_ITEMS) == 1 - 1.0 / nth);
		assert_true(share_in(&a, RECORDS) == 1 / 16.0);
		assert_true(share_in(&a, AUDIT_ITEMS) == 0); /* in none of the steps */
		paths_free(&a.path[0]);
		free(a.path);
	}
}

#define MODULES 16

/* One record in each of so many modules that a program has made, and in one of its own @more. */
struct crowd {
	uint16_t type[2 * MODULES + 1 + 2 * MODULES];
	uint32_t parent[2 * MODULES + 1 + 2 * MODULES];
	struct reach_root root[2 * MODULES + 1];
	uint32_t target[2 * MODULES];
};
enum { IN_SYS = 2 * MODULES, FIRST_RECORD = IN_SYS + 1 };

static uint64_t crowded[FIRST_RECORD + 2 * MODULES][8];

static void ask_crowd(size_t modules, size_t more, struct why_answer *out)
{
	static struct graph_type types[] = {
		[NOTHING] = {.kind = GRAPH_BUFFER},
		[DICT] = {.addr = 1, .kind = GRAPH_DICT, .name = (char *)"dict"},
		[STORE] = {.addr = 2, .kind = GRAPH_MODULE, .name = (char *)"module"},
		[RECORD] = {.addr = 3, .kind = GRAPH_PLAIN, .name = (char *)"Record"},
	};
	struct crowd c = {0};
	struct crowd was;
	uint32_t n = (uint32_t)(FIRST_RECORD + modules + more);
	struct made m;
	struct reach r = {.g = &m.g};
	struct paths_crowd crowd = {.modules = NODE_NONE};

	make(&m, crowded, n, c.type, types, ARRAY_SIZE(types));
	m.g.parent = c.parent;
	m.g.seen = m.seen;
	for (uint32_t i = 0; i < 2 * MODULES; i++) {
		struct reach_root *root = vec_push(&r.root);

		assert_non_null(root);
		*root = (struct reach_root){.kind = REACH_MODULE,
					    .node = i,
					    .owner = (uintptr_t)crowded[i & ~1u],
					    .at = (uintptr_t)crowded[IN_SYS],
					    .name = (char *)"rule"};
		c.type[i] = i & 1 ? DICT : STORE;
		c.parent[i] = REACH_ROOT | i;
		crowded[i & ~1u][PY_MODULE_DICT / 8] = (uintptr_t)crowded[i | 1];
	}
	c.type[IN_SYS] = DICT;
	c.parent[IN_SYS] = 2; /* of the dict of module sys */
	for (uint32_t i = FIRST_RECORD; i < n; i++) {
		uint32_t module = i - FIRST_RECORD < modules ? i - FIRST_RECORD : 0;

		c.type[i] = RECORD;
		crowded[i][0] = types[RECORD].addr;
		c.parent[i] = 2 * module + 1 + 1;
		c.target[i - FIRST_RECORD] = i;
	}
	was = c;
	*out = (struct why_answer){.targets = modules + more};
	paths_gather(&r, c.target, modules + more, &crowd);
	assert_int_equal(paths_group(&r, c.target, modules + more, 4, out), 0);
	paths_branch(&r, c.target, modules + more, out);
	paths_scatter(&r, &crowd);
	assert_memory_equal(c.parent, was.parent, sizeof(was.parent));
	vec_free(&r.root);
	unmake(&m);
}

static void free_answer(struct why_answer *a)
{
	for (size_t i = 0; i < a->n; i++)
		paths_free(&a->path[i]);
	free(a->path);
}

/* ... are all in sys.modules, which the ways part at; but not the ones of a few modules, nor those
 * of a module that has many. */
static void many_modules_are_one_holder(void **state)
{
	struct why_answer a;

	(void)state;
	ask_crowd(MODULES, 0, &a);
	assert_int_equal(a.n, 1);
	assert_string_equal(a.path[0].step[0].label, "sys.modules");
	assert_string_equal(a.path[0].step[0].type, "dict");
	assert_string_equal(a.path[0].step[1].type, "module");
	assert_true(a.path[0].share == 1 && a.path[0].step[0].share == 1);
	assert_true(a.branch == (uintptr_t)crowded[IN_SYS]);
	free_answer(&a);
	ask_crowd(4, 0, &a);
	assert_string_equal(a.path[0].step[0].label, "module rule :: ?");
	free_answer(&a);
	ask_crowd(MODULES, 8, &a);
	assert_int_equal(a.n, 2);
	assert_string_equal(a.path[0].step[0].label, "sys.modules");
	assert_true(a.path[0].share == 15 / 24.0);
	assert_string_equal(a.path[1].step[0].label, "module rule :: ?");
	free_answer(&a);
	ask_crowd(MODULES, MODULES, &a);
	assert_string_equal(a.path[0].step[0].label, "module rule :: ?");
	free_answer(&a);
}

enum {
	ROOT_MODULE,
	TREE,
	CHILDREN,
	FIRST_CHILD,
	ELEMENTS = 16,
	N_TREE = FIRST_CHILD + 2 * ELEMENTS
};

/* A tree's children lie in memory of C code, each with an attribute of its own; every @nth child is
 * not in there, but in the tree itself. */
static void ask_tree(enum graph_kind kind, unsigned nth, struct why_answer *out)
{
	struct graph_type types[] = {
		[NOTHING] = {.kind = GRAPH_BUFFER},
		[DICT] = {.addr = 1, .kind = GRAPH_PLAIN, .name = (char *)"Child"},
		[STORE] = {.addr = 2, .kind = kind, .name = (char *)"Tree"},
		[RECORD] = {.addr = 3, .kind = GRAPH_MODULE, .name = (char *)"module"},
	};
	static uint64_t at[N_TREE][8];
	uint16_t type[N_TREE] = {RECORD, STORE, NOTHING};
	uint32_t parent[N_TREE] = {REACH_ROOT, ROOT_MODULE + 1, TREE + 1}, target[ELEMENTS];
	struct made m;
	struct reach r = {.g = &m.g};

	make(&m, at, N_TREE, type, types, ARRAY_SIZE(types));
	m.g.parent = parent;
	for (uint32_t i = 0; i < ELEMENTS; i++) {
		uint32_t child = FIRST_CHILD + 2 * i;

		type[child] = type[child + 1] = DICT;
		parent[child] = (nth && i % nth == nth - 1 ? TREE : CHILDREN) + 1;
		parent[child + 1] = child + 1;
		target[i] = child + (i & 1); /* ways of two shapes */
	}
	*out = (struct why_answer){.targets = ELEMENTS};
	paths_branch(&r, target, ELEMENTS, out);
	assert_true(out->branch == (uintptr_t)at[TREE]);
	assert_int_equal(out->n_behind, ELEMENTS);
	unmake(&m);
}

static void ways_may_part_in_memory_of_c_code(void **state)
{
	struct why_answer a;

	(void)state;
	ask_tree(GRAPH_PLAIN, 0, &a);
	assert_true(a.branch_in_c);
	ask_tree(GRAPH_PLAIN, 8, &a);
	assert_false(a.branch_in_c);
	/* Keys and items are no memory of C code, nor is what a module or a class keeps. */
	ask_tree(GRAPH_DICT, 0, &a);
	assert_false(a.branch_in_c);
	ask_tree(GRAPH_MODULE, 0, &a);
	assert_false(a.branch_in_c);
	ask_tree(GRAPH_TYPE, 0, &a);
	assert_false(a.branch_in_c);
}

/* Three callbacks without arguments: their tuple is the empty one, in static data, as from 3.11 on.
 */
static void a_callback_at_exit_may_have_no_arguments(void **state)
{
	enum { FIRST, ARRAY = 3, FUNCTION, N_BLOCKS };
	static uint64_t at[N_BLOCKS][8], empty[3] = {9, 2, 0};
	static struct graph_type types[] = {
		{.kind = GRAPH_BUFFER},
		{.addr = 2, .kind = GRAPH_TUPLE, .name = (char *)"tuple"},
		{.addr = 3, .kind = GRAPH_METHOD, .name = (char *)"method"},
	};
	uint16_t type[N_BLOCKS] = {[FUNCTION] = 2};
	struct made m;
	struct reach r = {.g = &m.g};
	const uint64_t words[] = {(uintptr_t)at[ARRAY]};

	(void)state;
	make(&m, at, N_BLOCKS, type, types, ARRAY_SIZE(types));
	m.rt.layout.ob_type = 8;
	for (size_t i = FIRST; i < ARRAY; i++) {
		at[ARRAY][i] = (uintptr_t)at[i];
		at[i][0] = (uintptr_t)at[FUNCTION];
		at[i][1] = (uintptr_t)empty;
	}
	roots_atexit(&r, words, 1);
	assert_int_equal(r.root.n, 3);
	assert_int_equal(r.root.v[2].kind, REACH_ATEXIT);
	vec_free(&r.root);
	empty[1] = 3; /* of another type */
	roots_atexit(&r, words, 1);
	assert_int_equal(r.root.n, 0);
	vec_free(&r.root);
	unmake(&m);
}

/* A leaf that hangs from an object of a cycle, which is on the list that gc.freeze() fills, or on
 * another one. */
static void what_hangs_from_a_frozen_cycle_is_frozen(void **state)
{
	enum { CYCLE, LEAF, N_BLOCKS };
	static uint64_t at[N_BLOCKS][8], interp[8], runtime = 0;
	static struct graph_type types[] = {
		{.addr = 2, .kind = GRAPH_PLAIN, .name = (char *)"Node", .offset = 16},
		{.addr = 3, .kind = GRAPH_LEAF, .name = (char *)"str", .offset = 16},
	};
	uint16_t type[N_BLOCKS] = {0, 1};
	uint32_t parent[N_BLOCKS] = {REACH_ROOT, CYCLE + 1}, start[N_BLOCKS] = {0};
	const uint32_t leaf = LEAF;
	uint8_t seen = 0xff;
	struct reach_root root = {.kind = REACH_CYCLE, .node = NODE_NONE};
	struct made m;
	struct reach r = {.g = &m.g, .root = {&root, 1, 1}};

	(void)state;
	runtime = (uintptr_t)interp;
	types[CYCLE].t.flags = TPF_HAVE_GC;
	make(&m, at, N_BLOCKS, type, types, ARRAY_SIZE(types));
	m.rt.runtime = (uintptr_t)&runtime;
	m.rt.layout.ob_type = m.rt.layout.interp_gc = 8;
	m.rt.layout.gc_permanent = 16;
	m.g.start = start;
	m.g.seen = &seen;
	m.g.parent = parent;
	for (size_t i = 0; i < N_BLOCKS; i++) {
		at[i][2] = 1;
		at[i][3] = types[i].addr;
	}
	for (int frozen = 0; frozen < 2; frozen++) {
		struct why_answer a = {.targets = 1};

		at[CYCLE][0] = (uintptr_t)&interp[frozen ? 3 : 2];
		assert_int_equal(paths_group(&r, &leaf, 1, 4, &a), 0);
		assert_int_equal(a.n, 1);
		assert_int_equal(a.path[0].root, WHY_CYCLE);
		assert_int_equal(a.path[0].n, 2);
		assert_int_equal(a.path[0].frozen, frozen);
		free_answer(&a);
	}
	unmake(&m);
}

/* The oldest lie in a table that rests, the others go into one that grows. */
static void what_grows_comes_first_where_it_has_some(void **state)
{
	struct why_step rests[] = {{.growth = 0}}, more[] = {{.growth = 0}, {.growth = 7}};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct why_path path[] = {{.share = 0.7, .step = rests, .n = 1},
					  {.share = 0.2, .step = rests, .n = 1},
					  {.share = i ? 0.1 : 0.09, .step = more, .n = 2}};
		struct why_answer a = {.path = path, .n = ARRAY_SIZE(path)};

		answer_growing_first(&a, 0.1);
		assert_int_equal(path[0].n, i ? 2 : 1);
		assert_int_equal(path[1].n, 1);
		assert_int_equal(path[2].n, i ? 1 : 2);
		/* One that grows stays where it is. */
		path[0].step = more;
		path[0].n = 2;
		path[1] = path[0];
		path[1].share = 0.2;
		path[0].share = 0.7;
		answer_growing_first(&a, 0.1);
		assert_true(path[0].share == 0.7);
	}
}

/* Each class has a place in the table of subclasses; most of what it is made of is in the list. */
static void what_the_program_has_comes_before_tables_of_python(void **state)
{
	static const enum why_root first[] = {WHY_STATIC, WHY_INTERPRETER, WHY_MODULE};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(first); i++)
		for (int more = 0; more < 2; more++) {
			struct why_step table[] = {{.entries = 900, .share = 0.2}};
			struct why_step list[] = {{.entries = 900, .share = more ? 0.7 : 0.2},
						  {.entries = WHY_UNKNOWN, .share = 0.01}};
			struct why_step class[] = {{.entries = WHY_UNKNOWN, .share = 0.9}};
			struct why_path path[] = {
				{.root = first[i], .share = 0.2, .step = table, .n = 1},
				{.root = WHY_STACK, .share = 0.1, .step = class, .n = 1},
				{.root = WHY_MODULE, .share = 0.05, .step = class, .n = 1},
				{.root = WHY_MODULE, .share = 0.01, .step = list, .n = 2}};
			struct why_answer a = {.path = path, .n = ARRAY_SIZE(path)};
			bool gives_way = more && first[i] != WHY_MODULE;

			answer_program_first(&a);
			assert_ptr_equal(path[0].step, gives_way ? list : table);
			assert_ptr_equal(path[3].step, gives_way ? table : list);
		}
}

/* Each kind of step, with a label and without. */
static void a_step_reads_as_what_it_is(void **state)
{
	static const char *const text[] = {"r (T)",
					   ".a (T)",
					   "[key] → T",
					   "key → T",
					   "[i] → T",
					   "local a (T)",
					   "closure variable a (T)",
					   "default argument (T)",
					   "a → T"};
	static const char *const bare[] = {[WHY_ATTRIBUTE] = ".? (T)",
					   [WHY_VARIABLE] = "local ? (T)",
					   [WHY_CELL] = "closure variable ? (T)",
					   [WHY_FIELD] = "T"};

	(void)state;
	for (enum why_edge e = WHY_ATTRIBUTE; e <= WHY_FIELD; e++)
		for (int named = 0; named < 2; named++) {
			const char *want = named || !bare[e] ? text[e] : bare[e];
			struct why_step step[] = {
				{.label = (char *)"r",
				 .type = (char *)"T",
				 .entries = WHY_UNKNOWN,
				 .bound = WHY_UNKNOWN},
				{.edge = e,
				 .label = named ? (char *)"a" : NULL,
				 .type = (char *)"T",
				 .entries = WHY_UNKNOWN,
				 .bound = WHY_UNKNOWN},
			};
			struct why_path p = {.step = step, .n = 2};
			char whole[64];

			snprintf(whole, sizeof(whole), "%s → %s", text[WHY_ROOT], want);
			assert_int_equal(paths_text(&p), 0);
			assert_string_equal(p.text, whole);
			p.root = WHY_CYCLE;
			p.n = 1;
			assert_int_equal(paths_text(&p), 0);
			assert_string_equal(p.text, "r: T");
			free(p.text);
		}
}

#define S 1000000000ull

/* It was found with 3,040 entries, and has been read since. */
static void a_length_is_the_newest_that_is_known(void **state)
{
	static const char *const text[] = {
		"kept (list, 3,040 entries, +192/s) → [i] → dict",
		"kept (list, 3,400 entries, +192/s) → [i] → dict",
		"kept (list, 4,040 entries, +100/s) → [i] → dict",
		"kept (list, 5 entries, +100/s) → [i] → dict",
	};
	struct why_step step[] = {
		{.edge = WHY_ROOT,
		 .label = (char *)"kept",
		 .type = (char *)"list",
		 .entries = 3040,
		 .growth = 192,
		 .bound = WHY_UNKNOWN,
		 .addr = 7},
		{.edge = WHY_ITEM, .type = (char *)"dict", .entries = 1, .bound = WHY_UNKNOWN},
	};
	struct why_path p = {.step = step, .n = 2};
	struct fill f = {.addr = 7, .first = 3040, .last = 3040, .first_ns = S, .last_ns = S};

	(void)state;
	assert_int_equal(fill_tell(&f, &p), 0);
	assert_string_equal(p.text, text[0]);
	f.last = 3400; /* so soon a rate is chance */
	f.last_ns = 3 * S;
	assert_int_equal(fill_tell(&f, &p), 0);
	assert_string_equal(p.text, text[1]);
	f.last = 4040;
	f.last_ns = 11 * S;
	assert_int_equal(fill_tell(&f, &p), 0);
	assert_string_equal(p.text, text[2]);
	f.first = f.last = 5; /* it was emptied just now */
	f.first_ns = f.last_ns = 12 * S;
	assert_int_equal(fill_tell(&f, &p), 0);
	assert_string_equal(p.text, text[3]);
	f.addr = 0; /* nothing is known of it any more */
	f.last = 9;
	assert_int_equal(fill_tell(&f, &p), 0);
	assert_string_equal(p.text, text[3]);
	free(p.text);
}

/* The rate that is told of a list when it has had @more entries each second for so long. */
static double told_rate(struct fill *f, struct fill_steps *steps, struct why_path *p, uint64_t more,
			unsigned seconds)
{
	for (unsigned i = 0; i < seconds; i++)
		fill_read(f, steps, f->last + more, f->last_ns + S);
	assert_int_equal(fill_tell(f, p), 0);
	return p->step->growth;
}

/* ... until it grows again; a long one does, though it takes long to be much longer. */
static void a_list_that_rests_has_no_rate(void **state)
{
	(void)state;
	for (uint64_t n = 1000; n <= 1000000; n *= 1000) {
		struct why_step step = {
			.type = (char *)"list", .bound = WHY_UNKNOWN, .addr = 7, .growth = 192};
		struct why_path p = {.step = &step, .n = 1};
		struct fill f = {.addr = 7, .first = n, .last = n, .calm = n};
		struct fill_steps steps = {0};

		assert_true(told_rate(&f, &steps, &p, 0, 4) == 192);
		assert_true(told_rate(&f, &steps, &p, 0, 4) == 0);
		assert_true(told_rate(&f, &steps, &p, 100, 12) == 60);
		assert_true(told_rate(&f, &steps, &p, 100, 20) == 80);
		assert_true(told_rate(&f, &steps, &p, 0, 4) > 0);
		if (n == 1000)
			assert_true(told_rate(&f, &steps, &p, 0, 20) == 0);
		free(p.text);
	}
}

/* Looks may be rare: one that finds it as the last one left it tells that it stands, unless so few
 * came that none was due. */
static void a_list_that_stands_between_rare_looks_has_no_rate(void **state)
{
	(void)state;
	for (uint64_t n = 10; n <= 2000; n += 1990) {
		struct why_step step = {
			.type = (char *)"list", .bound = WHY_UNKNOWN, .addr = 7, .growth = 24};
		struct why_path p = {.step = &step, .n = 1};
		struct fill f = {.addr = 7, .first_ns = 5 * S, .calm_ns = 5 * S};
		struct fill_steps steps = {0};

		fill_read(&f, &steps, n, 66 * S);
		assert_int_equal(fill_tell(&f, &p), 0);
		assert_true(step.growth > 0);
		fill_read(&f, &steps, n, 75 * S);
		assert_int_equal(fill_tell(&f, &p), 0);
		assert_int_equal(step.growth > 0, n == 10);
		free(p.text);
	}
}

/* It grew by 80 a second, and grows by 50: 0.5 % more of so many take ten seconds to come. */
static void a_list_that_grows_more_slowly_has_a_rate(void **state)
{
	struct why_step step = {
		.type = (char *)"list", .bound = WHY_UNKNOWN, .addr = 7, .growth = 192};
	struct why_path p = {.step = &step, .n = 1};
	struct fill f = {.addr = 7, .first = 100000, .last = 100000, .calm = 100000};
	struct fill_steps steps = {0};

	(void)state;
	for (int i = 0; i < 60; i++)
		assert_true(told_rate(&f, &steps, &p, 80, 1) > 40);
	for (int i = 0; i < 60; i++)
		assert_true(told_rate(&f, &steps, &p, 50, 1) > 40);
	free(p.text);
}

/* A buffer of C code, below static data: how many it has nobody knows, and all hang on it. */
static void what_holds_a_few_does_not_come_before_what_holds_all(void **state)
{
	struct why_step buffer[] = {{.entries = WHY_UNKNOWN, .share = 0.98}};
	struct why_step list[] = {{.entries = 40, .share = 0.02}};
	struct why_path path[] = {{.root = WHY_STATIC, .share = 0.98, .step = buffer, .n = 1},
				  {.root = WHY_FRAME, .share = 0.02, .step = list, .n = 1}};
	struct why_answer a = {.path = path, .n = ARRAY_SIZE(path)};

	(void)state;
	answer_program_first(&a);
	assert_ptr_equal(path[0].step, buffer);
	list[0].share = 1;
	answer_program_first(&a);
	assert_ptr_equal(path[0].step, list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_path_may_be_of_many_containers),
		cmocka_unit_test(a_callback_at_exit_may_have_no_arguments),
		cmocka_unit_test(what_hangs_from_a_frozen_cycle_is_frozen),
		cmocka_unit_test(many_modules_are_one_holder),
		cmocka_unit_test(ways_may_part_in_memory_of_c_code),
		cmocka_unit_test(what_grows_comes_first_where_it_has_some),
		cmocka_unit_test(what_the_program_has_comes_before_tables_of_python),
		cmocka_unit_test(a_step_reads_as_what_it_is),
		cmocka_unit_test(a_length_is_the_newest_that_is_known),
		cmocka_unit_test(a_list_that_rests_has_no_rate),
		cmocka_unit_test(a_list_that_stands_between_rare_looks_has_no_rate),
		cmocka_unit_test(a_list_that_grows_more_slowly_has_a_rate),
		cmocka_unit_test(what_holds_a_few_does_not_come_before_what_holds_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
