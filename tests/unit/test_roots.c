/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where a search begins in static data: this program's own, beside a heap of one block. */
#include "unit/self.h"

#include "why/label.h"
#include "why/roots.h"

#define FLAGS 21	/* tp_flags, in words */
#define BLOCK 0x2005500 /* where the block is: the flags of a class that extends list */

static uint64_t runtime, interp[8], metaclass[FLAGS + 1], class[FLAGS + 1];
static volatile uint64_t holder;

static bool begins_at(const struct reach *r, const volatile uint64_t *word)
{
	for (size_t i = 0; i < r->root.n; i++)
		if (r->root.v[i].kind >= REACH_LIBRARY && r->root.v[i].kind <= REACH_STATIC &&
		    r->root.v[i].at == (uintptr_t)word)
			return true;
	return false;
}

/* A class of a library, and one of CPython's own. */
static void the_flags_of_a_class_are_no_address(void **state)
{
	(void)state;
	runtime = (uintptr_t)interp;
	holder = class[FLAGS] = BLOCK;
	class[1] = metaclass[1] = (uintptr_t)metaclass;
	metaclass[FLAGS] = TPF_TYPE | 1 << 12; /* it is ready */
	for (int is_python = 0; is_python < 2; is_python++) {
		struct graph_block block = {BLOCK, 64, 0};
		struct graph_region region = {BLOCK, BLOCK + 64, 0, 1, NULL};
		struct graph_type types[] = {{.kind = GRAPH_BUFFER}};
		uint16_t type[] = {0};
		struct py_runtime rt = {
			.runtime = (uintptr_t)&runtime,
			.type_type = (uintptr_t)metaclass,
			.layout = {.ob_type = 8, .tp_flags = 8 * FLAGS},
		};
		struct heap h = {.rt = &rt, .static_end = is_python ? UINT64_MAX : 0};
		struct graph g = {.h = &h,
				  .types = {types, 1, 1},
				  .type = {type, 1, 1},
				  .block = {&block, 1, 1},
				  .region = {&region, 1, 1},
				  .n = 1};
		struct reach r = {.g = &g};
		struct proc *p = self_open();

		rt.proc = p;
		assert_int_equal(reach_find_roots(&r), 0);
		assert_true(begins_at(&r, &holder));
		assert_false(begins_at(&r, &class[FLAGS]));
		class[1] = 0; /* it is no class */
		reach_free(&r);
		r = (struct reach){.g = &g};
		assert_int_equal(reach_find_roots(&r), 0);
		assert_true(begins_at(&r, &class[FLAGS]));
		class[1] = (uintptr_t)metaclass;
		reach_free(&r);
		proc_close(p);
	}
}

/* The method cache has a version, a name, and what was found; the state of module ast two names in
 * front of a class, of which the first is CPython's own. */
static void a_class_behind_two_names_is_held(void **state)
{
	static uint64_t type[40], meta[40], name[4], own_name[4], found[8];
	const uint64_t remembered[] = {77, (uintptr_t)name, (uintptr_t)found};
	const uint64_t held[] = {(uintptr_t)own_name, (uintptr_t)name, (uintptr_t)found};
	struct graph_block block = {(uintptr_t)found, sizeof(found), 0};
	struct graph_region region = {block.addr, block.addr + sizeof(found), 0, 1, NULL};
	struct graph_type types[] = {{.addr = 1, .kind = GRAPH_TYPE}};
	uint16_t of[] = {0};
	struct py_runtime rt = {
		.type_type = (uintptr_t)meta,
		.layout = {.ob_type = 8, .tp_flags = 8 * FLAGS, .tp_basicsize = 32},
	};
	struct heap h = {.rt = &rt,
			 .static_start = (uintptr_t)own_name,
			 .static_end = (uintptr_t)own_name + sizeof(own_name)};
	struct graph g = {.h = &h,
			  .types = {types, 1, 1},
			  .type = {of, 1, 1},
			  .block = {&block, 1, 1},
			  .region = {&region, 1, 1},
			  .n = 1};
	const struct reach r = {.g = &g};
	struct proc *p = self_open();

	(void)state;
	rt.proc = p;
	name[1] = (uintptr_t)type;
	type[1] = (uintptr_t)meta;
	type[4] = 40;
	type[FLAGS] = TPF_UNICODE | 1 << 12;
	assert_true(roots_is_borrowed(&r, remembered, ARRAY_SIZE(remembered), 2));
	assert_false(roots_is_borrowed(&r, held, ARRAY_SIZE(held), 2));
	free(h.type);
	proc_close(p);
}

/* mimalloc's memory that a state names holds nothing; a block of malloc's does, and so does an
 * object. */
static void a_state_holds_no_memory_of_mimalloc(void **state)
{
	struct graph_block block[] = {{BLOCK, 64, 0}, {BLOCK + 64, 64, 1}};
	struct graph_region region = {BLOCK, BLOCK + 128, 0, 2, NULL};
	struct graph_type types[] = {{.kind = GRAPH_BUFFER}, {.addr = 1, .kind = GRAPH_PLAIN}};
	uint16_t type[] = {0, 1};
	struct heap_arena arena = {.start = BLOCK, .end = BLOCK + 4096, .pools_end = BLOCK + 4096};
	struct py_runtime rt = {0};
	struct heap h = {.rt = &rt, .arena = {&arena, 1, 1}};
	struct graph g = {.h = &h,
			  .types = {types, 2, 2},
			  .type = {type, 2, 2},
			  .block = {block, 2, 2},
			  .region = {&region, 1, 1},
			  .n = 2};
	struct reach r = {.g = &g};

	(void)state;
	assert_non_null(roots_add(&r, REACH_INTERP, BLOCK, 0, 0));
	h.mi = (void *)&rt;
	assert_null(roots_add(&r, REACH_INTERP, BLOCK, 0, 0));
	assert_null(roots_add(&r, REACH_THREAD, BLOCK, 0, 0));
	assert_non_null(roots_add(&r, REACH_STATIC, BLOCK, 0, 0));
	assert_non_null(roots_add(&r, REACH_INTERP, BLOCK + 64, 0, 0));
	arena.start = arena.end;
	assert_non_null(roots_add(&r, REACH_INTERP, BLOCK, 0, 0));
	reach_free(&r);
}

/* Nobody but its frame may hold the function and the code of a script; a chain of frames that
 * leads round is followed once. */
static void a_frame_holds_what_runs(void **state)
{
	static uint64_t thread[8], frame[12], blocks[24];
	uint64_t *const code = blocks, *const function = blocks + 16;
	uint64_t state_of_interp[8] = {0}, head;
	struct graph_block block[] = {{(uintptr_t)code, 128, 0}, {(uintptr_t)function, 64, 0}};
	struct graph_region region[] = {{block[0].addr, block[0].addr + 128, 0, 1, NULL},
					{block[1].addr, block[1].addr + 64, 1, 2, NULL}};
	struct graph_type types[] = {{.addr = 1, .kind = GRAPH_PLAIN}};
	uint16_t of[] = {0, 0};
	struct py_runtime rt = {
		.minor = 12,
		.code_type = 99,
		.walk = {.tstate_frame = 32, .cframe_frame = PL_NONE, .frame_back = 8},
		.layout = {.ob_type = 8,
			   .interp_threads = 16,
			   .tstate_next = 8,
			   .tstate_interp = 16,
			   .tstate_native_id = 40,
			   .frame_func = 16,
			   .frame_globals = 24,
			   .frame_locals = 40,
			   .frame_top = 64,
			   .frame_localsplus = 72,
			   .code_names = PL_NONE,
			   .code_freevars = PL_NONE},
	};
	struct heap h = {.rt = &rt};
	struct graph g = {.h = &h,
			  .types = {types, 1, 1},
			  .type = {of, 2, 2},
			  .block = {block, 2, 2},
			  .region = {region, 2, 2},
			  .n = 2};
	struct reach r = {.g = &g};
	unsigned kinds[REACH_UNKNOWN + 1] = {0};
	struct proc *p = self_open();

	(void)state;
	head = (uintptr_t)state_of_interp;
	rt.proc = p;
	rt.runtime = (uintptr_t)&head;
	state_of_interp[2] = (uintptr_t)thread;
	thread[2] = head;
	thread[4] = (uintptr_t)frame;
	thread[5] = 7; /* not the main one */
	frame[0] = (uintptr_t)code;
	frame[1] = (uintptr_t)frame; /* itself */
	frame[2] = (uintptr_t)function;
	code[1] = rt.code_type;
	assert_int_equal(reach_find_roots(&r), 0);
	for (size_t i = 0; i < r.root.n; i++) {
		kinds[r.root.v[i].kind]++;
		assert_int_equal(r.root.v[i].kind == REACH_TEMPORARY ? 7 : 0, r.root.v[i].thread);
	}
	assert_int_equal(kinds[REACH_TEMPORARY], 2);
	reach_free(&r);
	proc_close(p);
}

/* Returns how much of a search could not be read, in ourselves. */
static uint64_t unreadable_in(struct py_runtime *rt)
{
	struct proc *p = self_open();
	struct heap h = {.rt = rt};
	struct graph g = {.h = &h};
	struct reach r = {.g = &g};
	uint64_t n;

	rt->proc = p;
	assert_int_equal(reach_find_roots(&r), 0);
	n = r.unreadable;
	reach_free(&r);
	proc_close(p);
	return n;
}

#define MOST_THREADS 4096

/* The same, of a process of so many threads. */
static uint64_t unreadable_of(size_t threads)
{
	static uint64_t thread[MOST_THREADS + 1][8];
	uint64_t state_of_interp[8] = {0}, head = (uintptr_t)state_of_interp;
	struct py_runtime rt = {
		.minor = 12,
		.runtime = (uintptr_t)&head,
		.walk = {.tstate_frame = 32, .cframe_frame = PL_NONE},
		.layout = {.interp_size = sizeof(state_of_interp),
			   .interp_threads = 16,
			   .tstate_size = sizeof(*thread),
			   .tstate_next = 8,
			   .tstate_interp = 16,
			   .tstate_native_id = 40},
	};

	for (size_t i = 0; i < threads; i++) {
		thread[i][1] = i + 1 < threads ? (uintptr_t)thread[i + 1] : 0;
		thread[i][2] = head;
	}
	state_of_interp[2] = (uintptr_t)thread[0];
	return unreadable_in(&rt);
}

/* The main one is the last of the list: objects that it holds would seem to be held by nobody. */
static void threads_that_are_left_out_are_told(void **state)
{
	(void)state;
	assert_int_equal(unreadable_of(MOST_THREADS + 1), unreadable_of(MOST_THREADS - 1) + 1);
}

#define MOST_MODULES 65536
#define SLOTS	     131072

/* The same, with so many modules. */
static uint64_t unreadable_among(uint64_t modules)
{
	static struct {
		uint64_t refcnt, size, entries;
		uint32_t index[SLOTS];
		uint64_t entry[MOST_MODULES + 1][3];
	} keys = {.refcnt = 1, .size = SLOTS};
	uint64_t dict[2] = {1, (uintptr_t)&keys};
	uint64_t state_of_interp[8] = {[3] = (uintptr_t)dict}, head = (uintptr_t)state_of_interp;
	struct py_runtime rt = {
		.minor = 10,
		.runtime = (uintptr_t)&head,
		.layout = {.interp_size = sizeof(state_of_interp),
			   .interp_threads = 16,
			   .interp_modules = 24,
			   .dict_keys = 8,
			   .dk_size = 8,
			   .dk_nentries = 16,
			   .dk_indices = 24},
	};

	keys.entries = modules;
	for (uint64_t i = 0; i < modules; i++)
		keys.entry[i][1] = keys.entry[i][2] = 8; /* no address of anything */
	return unreadable_in(&rt);
}

static void modules_that_are_left_out_are_told(void **state)
{
	(void)state;
	assert_int_equal(unreadable_among(MOST_MODULES + 1),
			 unreadable_among(MOST_MODULES - 1) + 1);
}

/* Each interpreter has a module of that name: the path says whose it is. */
static void a_module_of_another_interpreter_is_told_as_such(void **state)
{
	static uint64_t module[8];
	static struct {
		uint64_t refcnt, type, length, hash, state;
		char text[64];
	} name = {1, (uintptr_t) class, 3, 0, 1 | 1 << 3 | 1 << 4, "app"};
	static struct {
		uint64_t refcnt, size, entries, index, entry[3];
	} keys = {1, 8, 1, 0, {0, (uintptr_t)&name, (uintptr_t)module}};
	static uint64_t dict[2] = {1, (uintptr_t)&keys};
	static uint64_t states[2][8] = {{[3] = (uintptr_t)dict, [5] = 7}, {0}};
	static const char *const told[] = {"interpreter 7, module app", "module app"};
	uint64_t head;
	struct graph_block block = {(uintptr_t)module, sizeof(module), 0};
	struct graph_region region = {(uintptr_t)module, (uintptr_t)module + sizeof(module), 0, 1,
				      NULL};
	struct graph_type types[] = {{.kind = GRAPH_BUFFER}};
	uint16_t type[] = {0};
	struct py_runtime rt = {
		.minor = 10,
		.runtime = (uintptr_t)&head,
		.unicode_type = (uintptr_t) class,
		.layout = {.interp_modules = 24,
			   .interp_id = 40,
			   .ob_type = 8,
			   .str_length = 16,
			   .str_state = 32,
			   .str_ascii_data = 40,
			   .dict_keys = 8,
			   .dk_size = 8,
			   .dk_nentries = 16,
			   .dk_indices = 24},
	};
	struct heap h = {.rt = &rt};
	struct graph g = {.h = &h,
			  .types = {types, 1, 1},
			  .type = {type, 1, 1},
			  .block = {&block, 1, 1},
			  .region = {&region, 1, 1},
			  .n = 1};
	struct proc *p = self_open();

	(void)state;
	rt.proc = p;
	states[0][0] = (uintptr_t)states[1]; /* next, the main one */
	for (int is_main = 0; is_main < 2; is_main++) {
		struct reach r = {.g = &g};
		struct why_path path = {0};
		uint32_t node = 0;

		head = (uintptr_t)states[is_main];
		states[1][3] = is_main ? (uintptr_t)dict : 0;
		assert_int_equal(reach_find_roots(&r), 0);
		assert_true(r.root.n && r.root.v[0].kind == REACH_MODULE);
		assert_int_equal(label_path(&r, &r.root.v[0], &node, 1, &path), 0);
		assert_string_equal(path.step[0].label, told[is_main]);
		free(path.step[0].label);
		free(path.step[0].type);
		free(path.step);
		reach_free(&r);
	}
	proc_close(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_flags_of_a_class_are_no_address),
		cmocka_unit_test(a_class_behind_two_names_is_held),
		cmocka_unit_test(a_state_holds_no_memory_of_mimalloc),
		cmocka_unit_test(a_frame_holds_what_runs),
		cmocka_unit_test(threads_that_are_left_out_are_told),
		cmocka_unit_test(modules_that_are_left_out_are_told),
		cmocka_unit_test(a_module_of_another_interpreter_is_told_as_such),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
