/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Stacks of code that lives shortly: its address is the next one's. The memory that is read is
 * ours, so that each moment can be made. */
#include "base/map64.h"
#include "py/py_priv.h"
#include "stacks/stacks.h"
#include "unit/self.h"

#define TABLE	  (UNITS / 8 + 1)
#define STACK	  4711
#define UNITS	  (1 << 16) /* of bytecode */
#define OLD_BYTES 8	    /* of it, to 3.10 */

enum { CELL, APP, CODES, ELSEWHERE = CODES, SHIM };

struct world {
	struct proc *self;
	struct py_private priv;
	struct py_runtime rt;
	struct stacks *stacks;
	struct pl_stack *rec;
	uint64_t unicode[64], code_type[64];
	uint64_t bytes_type[64], bytecode[3]; /* an object of its own, to 3.10 */
	bool has_shim;
	_Alignas(8) uint8_t name[5][128], code[SHIM + 1][512], table[SHIM + 1][TABLE + 64];
};

static void put_word(uint8_t *at, uint64_t v)
{
	memcpy(at, &v, sizeof(v));
}

static const uint8_t *text(struct world *w, size_t i, const char *s)
{
	const struct py_layout *l = &w->rt.layout;
	uint8_t *to = w->name[i];

	memset(to, 0, sizeof(w->name[i]));
	put_word(to + l->ob_type, w->rt.unicode_type);
	put_word(to + l->str_length, strlen(s));
	to[l->str_state] = 1 << 2 | 1 << 5 | 1 << 6; /* kind 1, compact, ASCII */
	memcpy(to + l->str_ascii_data, s, strlen(s));
	return to;
}

/* Its first instructions are so far below its first line. */
static void put_lines(struct world *w, uint8_t down)
{
	const uint8_t entry[] = {0x80 | 13 << 3 | 7, (uint8_t)(down << 1)};
	const uint8_t pair[] = {w->rt.walk.instr_kind == PL_INSTR_LASTI_UNITS ? OLD_BYTES : 0,
				down};

	memcpy(w->table[CELL] + w->rt.layout.bytes_data,
	       w->rt.walk.instr_kind == PL_INSTR_POINTER ? entry : pair, sizeof(entry));
}

/* To 3.10. */
static void write_pairs(struct world *w, uint8_t *c, uint8_t *table)
{
	const struct py_layout *l = &w->rt.layout;

	w->bytecode[l->ob_type / 8] = (uintptr_t)w->bytes_type;
	w->bytecode[l->ob_size / 8] = OLD_BYTES;
	put_word(c + l->code_code, (uintptr_t)w->bytecode);
	memset(table, 0, sizeof(w->table[CELL]));
	put_word(table + l->ob_type, (uintptr_t)w->bytes_type);
	put_word(table + l->ob_size, 2);
	table[l->bytes_data] = w->rt.walk.instr_kind == PL_INSTR_LASTI_UNITS ? OLD_BYTES : 0;
}

/* Every instruction is of the first line. */
static void write_code(struct world *w, size_t i, const uint8_t *function, const uint8_t *file,
		       unsigned line)
{
	const struct py_layout *l = &w->rt.layout;
	uint8_t *c = w->code[i], *table = w->table[i];
	uint32_t first = line;

	memset(table, 0, sizeof(w->table[i]));
	put_word(table + l->ob_size, TABLE);
	memset(table + l->bytes_data, 0x80 | 15 << 3 | 7, TABLE + 1);
	put_word(table + l->bytes_data, 0xffffffffffff0000 | 0x80 | 13 << 3 | 7);
	memset(c, 0, sizeof(w->code[i]));
	put_word(c, 1); /* references */
	put_word(c + l->ob_type, w->rt.code_type);
	put_word(c + l->ob_size, UNITS);
	put_word(c + (l->code_qualname != PL_NONE ? l->code_qualname : l->code_name),
		 (uintptr_t)function);
	put_word(c + l->code_filename, (uintptr_t)file);
	put_word(c + l->code_linetable, (uintptr_t)table);
	memcpy(c + l->code_firstlineno, &first, sizeof(first));
	if (w->rt.walk.instr_kind != PL_INSTR_POINTER)
		write_pairs(w, c, table);
}

/* The kernel half says: the cell, called by the program. */
static const struct stack *tell(struct world *w)
{
	w->rec->id = STACK;
	w->rec->n = CODES;
	for (size_t i = 0; i < CODES; i++)
		w->rec->frames[i] = (struct pl_frame){
			.code = (uintptr_t)w->code[i],
			.instr = w->rt.walk.instr_kind != PL_INSTR_POINTER
					 ? 1
					 : (uintptr_t)w->code[i] + w->rt.layout.code_code + 2,
		};
	if (w->has_shim)
		w->rec->frames[w->rec->n++] = (struct pl_frame){
			.code = (uintptr_t)w->code[SHIM],
			.instr = (uintptr_t)w->code[SHIM] + w->rt.layout.code_code + 2};
	stacks_add(w->stacks, w->rec, sizeof(*w->rec));
	return stacks_current(w->stacks, STACK);
}

static void a_cell(struct world *w, size_t at, const char *function, unsigned line)
{
	write_code(w, CELL, text(w, at, function), w->name[2], line);
}

static int make(void **state)
{
	struct world *w = aligned_alloc(64, (sizeof(*w) + 63) / 64 * 64);

	assert_non_null(w);
	memset(w, 0, sizeof(*w));
	w->self = self_open();
	w->priv.build = py_table(11);
	w->rt = (struct py_runtime){.proc = w->self,
				    .priv = &w->priv,
				    .minor = 11,
				    .layout = w->priv.build.layout,
				    .walk = w->priv.build.walk,
				    .unicode_type = (uintptr_t)w->unicode,
				    .code_type = (uintptr_t)w->code_type};
	w->rec = calloc(1, sizeof(*w->rec));
	assert_non_null(w->rec);
	text(w, 2, "<cell>");
	write_code(w, APP, text(w, 3, "serve"), w->name[2], 30);
	a_cell(w, 0, "first", 7);
	assert_int_equal(stacks_new(&w->rt, &w->stacks), 0);
	*state = w;
	return 0;
}

static int drop(void **state)
{
	struct world *w = *state;

	stacks_free(w->stacks);
	proc_close(w->self);
	free(w->rec);
	free(w);
	return 0;
}

/* The world of another version, where nothing was told yet. */
static void begin_anew(struct world *w, unsigned minor)
{
	stacks_free(w->stacks);
	w->priv.build = py_table(minor);
	w->rt.minor = minor;
	w->rt.layout = w->priv.build.layout;
	w->rt.walk = w->priv.build.walk;
	write_code(w, APP, text(w, 3, "serve"), w->name[2], 30);
	a_cell(w, 0, "first", 7);
	assert_int_equal(stacks_new(&w->rt, &w->stacks), 0);
}

/* How many hashes are to be told anew? */
static size_t forgotten(struct world *w)
{
	uint64_t *keys;
	size_t n = stacks_take_stale(w->stacks, &keys);

	free(keys);
	return n;
}

static void assert_forgotten(struct world *w, size_t n)
{
	uint64_t *keys;

	assert_int_equal(stacks_take_stale(w->stacks, &keys), n);
	if (n)
		assert_int_equal(keys[0], STACK);
	free(keys);
}

static void code_that_lives_stays_what_it_is(void **state)
{
	struct world *w = *state;
	const struct stack *first = tell(w);

	assert_string_equal(py_code_function(first->frame[CELL].code), "first");
	assert_true(stacks_verify(w->stacks, (struct stack *)(uintptr_t)first));
	assert_forgotten(w, 0);
	assert_ptr_equal(tell(w), first);
	assert_int_equal(first->id, STACK);
}

/* The next cell has the address of the last: another stack, of the same hash. */
static void the_next_cell_is_another_stack(void **state)
{
	struct world *w = *state;
	struct stack *first = (struct stack *)(uintptr_t)tell(w);
	const struct stack *next;

	a_cell(w, 1, "second", 9);
	assert_false(stacks_verify(w->stacks, first));
	assert_false(stacks_verify(w->stacks, first));
	assert_forgotten(w, 1); /* once */
	next = tell(w);
	assert_ptr_not_equal(next, first);
	assert_int_not_equal(next->id, first->id);
	assert_string_equal(py_code_function(next->frame[CELL].code), "second");
	/* A holder of the first one has it still. */
	assert_ptr_equal(stacks_find(w->stacks, STACK), first);
	assert_string_equal(py_code_function(first->frame[CELL].code), "first");
	assert_ptr_equal(stacks_find(w->stacks, next->id), next);
}

/* Module threading begins all threads but the first: what it calls says which one. */
static void what_a_thread_begins_with(void **state)
{
	struct world *w = *state;
	struct traffic t = {.n_rows = 3, .row = {{0}, {.stack = STACK}, {.stack = STACK + 1}}};

	stacks_find_roots(w->stacks, &t);
	assert_int_equal(t.row[1].root, 0); /* it is not known yet */
	tell(w);
	stacks_find_roots(w->stacks, &t);
	assert_int_equal(t.row[1].root, traffic_root("serve", "<cell>"));
	assert_int_equal(t.row[2].root, 0);

	t.row[1].root = 0;
	begin_anew(w, 11);
	write_code(w, APP, w->name[3], text(w, 4, "/usr/lib/python3.11/threading.py"), 30);
	tell(w);
	stacks_find_roots(w->stacks, &t);
	assert_int_equal(t.row[1].root, traffic_root("first", "<cell>"));

	t.row[1].root = 0;
	begin_anew(w, 11);
	w->rec->flags = PL_STACK_TRUNCATED;
	tell(w);
	stacks_find_roots(w->stacks, &t);
	assert_int_equal(t.row[1].root, 0);
}

/* CPython's own step into __init__() has that for its function and its file, and no line. */
static void what_nobody_wrote_is_left_out(void **state)
{
	struct world *w = *state;
	const uint8_t *name = text(w, 1, "__init__");
	const struct stack *st;

	write_code(w, CELL, name, name, 0);
	st = tell(w);
	assert_int_equal(st->n, CODES - 1);
	assert_string_equal(py_code_function(st->frame[0].code), "serve");
	assert_int_equal(st->frame[0].line, 30);
}

/* A rule may have the name of a file: once one was found gone, each call there is told. */
static void rules_of_a_file_are_told_each_time(void **state)
{
	struct world *w = *state;
	struct stack *st;

	text(w, 2, "/rules/price.py");
	st = (struct stack *)(uintptr_t)tell(w);
	assert_true(stacks_verify(w->stacks, st));
	assert_forgotten(w, 0);
	put_word(w->code[CELL], 0); /* a free block */
	assert_true(stacks_verify(w->stacks, st));
	assert_forgotten(w, 0);
	put_word(w->code[CELL] + w->rt.layout.ob_type, (uintptr_t)w->unicode);
	assert_false(stacks_verify(w->stacks, st));
	assert_forgotten(w, 1);
	for (int call = 0; call < 3; call++) {
		a_cell(w, 0, "first", 7);
		assert_ptr_equal(tell(w), st);
		assert_true(stacks_verify(w->stacks, st));
		assert_forgotten(w, 1);
	}
}

/* Told again, though nobody has found the first to be stale. */
static void what_is_not_stale_is_not_told_twice(void **state)
{
	struct world *w = *state;
	const struct stack *first = tell(w);

	a_cell(w, 1, "second", 9);
	assert_ptr_equal(tell(w), first);
}

static void the_same_source_again_is_the_same_stack(void **state)
{
	struct world *w = *state;
	struct stack *first = (struct stack *)(uintptr_t)tell(w);
	uint64_t told_ns = first->told_ns;

	a_cell(w, 1, "first", 7); /* other strings, with the same text */
	assert_false(stacks_verify(w->stacks, first));
	assert_forgotten(w, 1);
	assert_ptr_equal(tell(w), first);
	assert_int_equal(stacks_count(w->stacks), 1);
	assert_true(first->told_ns > told_ns);
	assert_true(stacks_verify(w->stacks, first));
	a_cell(w, 0, "first", 8);
	assert_false(stacks_verify(w->stacks, first));
	assert_forgotten(w, 1); /* each time anew */
}

/* Told once in a window, of code that lives for one call: another call's may have its hash. */
static void other_code_in_its_place_is_known(void **state)
{
	struct world *w = *state;
	struct stack *first = (struct stack *)(uintptr_t)tell(w);

	assert_false(stacks_place_is_shared(w->stacks, first));
	a_cell(w, 1, "first", 7); /* the same source again */
	assert_false(stacks_verify(w->stacks, first));
	assert_false(stacks_place_is_shared(w->stacks, first));
	a_cell(w, 0, "first", 8);
	usleep(250000); /* it is looked again */
	assert_true(stacks_place_is_shared(w->stacks, first));
	memset(w->code[CELL], 0, sizeof(w->code[CELL]));
	assert_true(stacks_place_is_shared(w->stacks, first));
}

static void code_that_is_gone_leaves_its_place_alone(void **state)
{
	struct world *w = *state;
	struct stack *first = (struct stack *)(uintptr_t)tell(w);

	memset(w->code[CELL], 0, sizeof(w->code[CELL]));
	assert_false(stacks_verify(w->stacks, first));
	assert_false(stacks_place_is_shared(w->stacks, first));
}

/* A frame that is not sure has no name; those around it keep their own. */
static void only_the_frame_that_is_gone_is_unknown(void **state)
{
	struct world *w = *state;
	struct stack *first = (struct stack *)(uintptr_t)tell(w), *without;

	memset(w->code[CELL], 0, sizeof(w->code[CELL]));
	assert_false(stacks_verify(w->stacks, first));
	without = stacks_without_stale(w->stacks, first);
	assert_non_null(without);
	assert_int_not_equal(without->id, first->id);
	assert_null(without->frame[CELL].code);
	assert_string_equal(py_code_function(without->frame[APP].code), "serve");
	assert_int_equal(without->frame[APP].line, first->frame[APP].line);
	assert_ptr_equal(stacks_find(w->stacks, without->id), without);
	assert_ptr_equal(stacks_without_stale(w->stacks, first), without);
	assert_ptr_equal(stacks_current(w->stacks, STACK), first);
}

/* Code of exec() and eval(): what ran there was of no file, at whatever line. */
static void exec_has_no_line_any_more(void **state)
{
	struct world *w = *state;
	const struct stack *without;
	struct stack *first;

	a_cell(w, 0, "<module>", 7);
	first = (struct stack *)(uintptr_t)tell(w);
	assert_true(first->frame[CELL].line > 0);
	memset(w->code[CELL], 0, sizeof(w->code[CELL]));
	assert_false(stacks_verify(w->stacks, first));
	without = stacks_without_stale(w->stacks, first);
	assert_string_equal(py_code_file(without->frame[CELL].code), "<cell>");
	assert_int_equal(without->frame[CELL].line, 0);
}

/* A block has the hash alone: which of the two made it is not known. */
static void what_has_the_hash_alone_is_of_neither(void **state)
{
	struct world *w = *state;
	const struct stack *first = tell(w), *by;
	struct map64 keep = {0};
	uint64_t *gone;
	size_t n;

	assert_ptr_equal(stacks_by_key(w->stacks, STACK), first);
	assert_forgotten(w, 0);
	a_cell(w, 1, "second", 9);
	usleep(250000); /* it is looked again */
	assert_ptr_equal(stacks_by_key(w->stacks, STACK), first);
	assert_forgotten(w, 1);
	assert_ptr_not_equal(tell(w), first);
	for (size_t again = 0; again < 3; again++) {
		by = stacks_by_key(w->stacks, STACK);
		assert_int_not_equal(by->id, STACK);
		assert_ptr_equal(stacks_find(w->stacks, by->id), by);
		assert_null(by->frame[CELL].code);
		assert_string_equal(py_code_function(by->frame[APP].code), "serve");
		assert_string_equal(py_code_function(first->frame[CELL].code), "first");
		/* The first comes back; then the process has ended. */
		if (again == 0) {
			map64_put(&keep, STACK);
			assert_int_equal(stacks_trim(w->stacks, &keep, &gone, &n), 0);
			free(gone);
			a_cell(w, 0, "first", 7);
			assert_ptr_equal(tell(w), first);
		} else {
			memset(w->code, 0, sizeof(w->code));
		}
	}
	map64_free(&keep);
}

/* No other code was told: a cell that is gone keeps its blocks. */
static void what_is_gone_keeps_the_name_of_its_blocks(void **state)
{
	struct world *w = *state;
	const struct stack *first = tell(w);

	memset(w->code, 0, sizeof(w->code));
	usleep(250000);
	assert_ptr_equal(stacks_by_key(w->stacks, STACK), first);
	assert_string_equal(py_code_function(first->frame[CELL].code), "first");
	assert_forgotten(w, 1);
}

/* A terminal's cells have names of their own: at an address where one was another may have run. */
static void the_name_of_an_older_cell_is_not_told(void **state)
{
	struct world *w = *state;
	const struct stack *without;
	struct stack *first;

	a_cell(w, 0, "<module>", 7);
	first = (struct stack *)(uintptr_t)tell(w);
	a_cell(w, 1, "<module>", 9); /* of the same name */
	assert_false(stacks_verify(w->stacks, first));
	without = stacks_without_stale(w->stacks, first);
	assert_string_equal(py_code_file(without->frame[CELL].code), "<cell>");
	text(w, 3, "<cell 2>");
	write_code(w, CELL, text(w, 0, "<module>"), w->name[3], 11);
	first->without = NULL; /* later */
	without = stacks_without_stale(w->stacks, first);
	assert_null(without->frame[CELL].code);
	/* Nor when that one is gone. */
	memset(w->code[CELL], 0, sizeof(w->code[CELL]));
	first->without = NULL;
	without = stacks_without_stale(w->stacks, first);
	assert_null(without->frame[CELL].code);
}

static void what_is_forgotten_is_told_anew(void **state)
{
	struct world *w = *state;
	struct stack *first = (struct stack *)(uintptr_t)tell(w);
	struct map64 keep = {0};
	const struct stack *next;
	uint64_t *gone, id;
	size_t n;

	a_cell(w, 1, "second", 9);
	stacks_verify(w->stacks, first);
	next = tell(w);
	id = next->id;
	/* An old meaning goes: the kernel half keeps the hash. */
	map64_put(&keep, id);
	assert_int_equal(stacks_trim(w->stacks, &keep, &gone, &n), 0);
	assert_int_equal(n, 0);
	free(gone);
	assert_null(stacks_find(w->stacks, STACK));
	assert_ptr_equal(stacks_current(w->stacks, STACK), next);
	/* The present one goes: the kernel half is to tell it again. */
	map64_clear(&keep);
	assert_int_equal(stacks_trim(w->stacks, &keep, &gone, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(gone[0], STACK);
	free(gone);
	map64_free(&keep);
	next = tell(w);
	assert_int_equal(next->id, STACK);
	assert_string_equal(py_code_function(next->frame[CELL].code), "second");
}

/* Code whose bytecode the instruction is not in is not the code that ran. */
static void an_instruction_of_other_code_has_no_name(void **state)
{
	struct world *w = *state;
	uint64_t addr = (uintptr_t)w->code[CELL], first = addr + w->rt.layout.code_code;
	const struct stack *st = tell(w);
	struct py_code *c;

	assert_string_equal(py_code_function(st->frame[APP].code), "serve");
	for (size_t i = 0; i < CODES; i++)
		w->rec->frames[i].instr += UNITS * 2 - 4 * i;
	w->rec->id = STACK + 1;
	stacks_add(w->stacks, w->rec, sizeof(*w->rec));
	st = stacks_current(w->stacks, STACK + 1);
	assert_null(st->frame[CELL].code);
	assert_int_equal(st->frame[CELL].line, 0);
	assert_string_equal(py_code_function(st->frame[APP].code), "serve"); /* its last one */

	assert_int_equal(py_code_read(&w->rt, addr, &c), 0);
	assert_int_equal(py_code_line(&w->rt, c, first - 2), 7); /* not begun */
	assert_int_equal(py_code_line(&w->rt, c, first - 4), -ESTALE);
	assert_int_equal(py_code_line(&w->rt, c, first + 2 * UNITS - 2), 7);
	assert_int_equal(py_code_line(&w->rt, c, first + 2 * UNITS), -ESTALE);
	/* With copies for threads it may be in one that is gone, while the code is there. */
	w->rt.layout.code_tlbc = w->rt.layout.code_code - 8;
	assert_int_equal(py_code_line(&w->rt, c, first + 2 * UNITS), 0);
	a_cell(w, 1, "second", 9);
	assert_int_equal(py_code_line(&w->rt, c, first + 2 * UNITS), -ESTALE);
	py_code_free(c);
	/* To 3.10 the number before the first. */
	w->rt.walk.instr_kind = PL_INSTR_LASTI_UNITS;
	assert_int_equal(py_code_read(&w->rt, addr, &c), 0);
	assert_int_equal(py_code_line(&w->rt, c, (uint32_t)-1), 9);
	py_code_free(c);
}

static struct stack *tell_again(struct world *w)
{
	return (struct stack *)(uintptr_t)tell(w);
}

/* They are compiled anew for each use: where one lay lies the other, with the same members. That it
 * is the first one again says nothing of what ran in between. */
static void rules_of_one_shape_are_told_apart(void **state)
{
	struct world *w = *state;
	struct stack *first, *next;
	struct map64 keep = {0};
	uint64_t *gone;
	size_t n;

	a_cell(w, 0, "<module>", 1);
	put_lines(w, 0);
	first = tell_again(w);
	assert_int_equal(first->frame[CELL].line, 1);
	assert_true(stacks_verify(w->stacks, first));
	put_lines(w, 1);
	assert_false(stacks_verify(w->stacks, first));
	assert_true(stacks_place_is_shared(w->stacks, first));
	next = tell_again(w);
	assert_int_not_equal(next->id, first->id);
	assert_int_equal(next->frame[CELL].line, 2);
	for (uint8_t turn = 0; turn < 4; turn++) {
		put_lines(w, turn & 1);
		stacks_verify(w->stacks, stacks_current(w->stacks, STACK));
		next = tell_again(w);
		assert_int_equal(next->frame[CELL].line, 1 + (turn & 1));
		assert_false(stacks_verify(w->stacks, next));
		assert_true(stacks_place_is_shared(w->stacks, next));
		next = stacks_without_stale(w->stacks, next);
		assert_string_equal(py_code_file(next->frame[CELL].code), "<cell>");
		assert_int_equal(next->frame[CELL].line, 0);
		assert_int_equal(next->frame[APP].line, first->frame[APP].line);
	}
	/* The other one is forgotten, not that there was one. */
	next = stacks_current(w->stacks, STACK);
	map64_put(&keep, next->id);
	assert_int_equal(stacks_trim(w->stacks, &keep, &gone, &n), 0);
	assert_int_equal(stacks_count(w->stacks), 1);
	assert_true(stacks_place_is_shared(w->stacks, next));
	map64_free(&keep);
	free(gone);
}

/* The bytecode is elsewhere, and a table of no pairs is of one line. What a table is not any more
 * is no other's. */
static void rules_of_before_are_told_apart(void **state)
{
	struct world *w = *state;
	struct stack *st;

	for (unsigned minor = 8; minor <= 10; minor++) {
		uint8_t *type = w->table[CELL] + w->rt.layout.ob_type;

		begin_anew(w, minor);
		st = tell_again(w);
		assert_int_equal(st->frame[CELL].line, 7);
		assert_true(stacks_verify(w->stacks, st));
		put_word(type, (uintptr_t)w->unicode);
		put_lines(w, 5);
		assert_true(stacks_verify(w->stacks, st));
		put_word(type, (uintptr_t)w->bytes_type);
		put_lines(w, 3);
		assert_false(stacks_verify(w->stacks, st));
		assert_true(stacks_place_is_shared(w->stacks, st));
		st = tell_again(w);
		assert_int_equal(st->frame[CELL].line, 10);
		if (minor < 10) {
			put_word(w->table[CELL] + w->rt.layout.ob_size, 0);
			assert_false(stacks_verify(w->stacks, st));
			st = tell_again(w);
			assert_int_equal(st->frame[CELL].line, 7);
		}
		/* At the first look, too. */
		begin_anew(w, minor);
		put_word(type, (uintptr_t)w->unicode);
		assert_int_equal(tell(w)->frame[CELL].line, 0);
	}
}

static struct stack *tell_elsewhere(struct world *w, uint64_t id, const uint8_t *file, uint8_t down)
{
	uint64_t at = (uintptr_t)w->code[ELSEWHERE];

	write_code(w, ELSEWHERE, w->name[0], file, 7);
	w->table[ELSEWHERE][w->rt.layout.bytes_data + 1] = (uint8_t)(down << 1);
	w->rec->id = id;
	w->rec->frames[CELL].code = at;
	w->rec->frames[CELL].instr = at + w->rt.layout.code_code + 2;
	stacks_add(w->stacks, w->rec, sizeof(*w->rec));
	return stacks_find(w->stacks, id);
}

/* No two of them are seen in one place, and the first is gone: it is told as long as the line that
 * calls it runs no other. */
static void rules_that_never_meet_are_told_apart(void **state)
{
	struct world *w = *state;
	struct stack *first, *other;
	const struct stack *without;

	a_cell(w, 0, "<module>", 7);
	first = tell_again(w);
	memset(w->code[CELL], 0, sizeof(w->code[CELL]));
	assert_false(stacks_verify(w->stacks, first));
	assert_false(stacks_place_is_shared(w->stacks, first));
	other = tell_elsewhere(w, STACK + 1, w->name[2], 0); /* the same source */
	assert_int_equal(other->frame[CELL].line, 7);
	assert_false(stacks_place_is_shared(w->stacks, first));
	other = tell_elsewhere(w, STACK + 2, w->name[2], 2);
	assert_int_equal(other->frame[CELL].line, 9);
	assert_true(stacks_place_is_shared(w->stacks, first));
	without = stacks_without_stale(w->stacks, first);
	assert_string_equal(py_code_file(without->frame[CELL].code), "<cell>");
	assert_int_equal(without->frame[CELL].line, 0);
	assert_int_equal(without->frame[APP].line, first->frame[APP].line);
	/* Nor has it a name where another has another. */
	tell_elsewhere(w, STACK + 3, text(w, 1, "<cell 2>"), 2);
	first->without = NULL; /* later */
	without = stacks_without_stale(w->stacks, first);
	assert_null(without->frame[CELL].code);
}

/* CPython's own step into __init__() below them has no line, and is none of theirs. */
static void a_step_into_init_hides_none_of_them(void **state)
{
	struct world *w = *state;
	const uint8_t *name = text(w, 4, "__init__");

	write_code(w, SHIM, name, name, 0);
	w->has_shim = true;
	rules_that_never_meet_are_told_apart(state);
}

/* With members of their own they come and go, too; other code there is trusted as ever. */
static void what_comes_again_was_not_there_meanwhile(void **state)
{
	struct world *w = *state;
	struct stack *st = tell_again(w);

	a_cell(w, 1, "second", 9);
	assert_false(stacks_verify(w->stacks, st));
	st = tell_again(w);
	assert_true(stacks_verify(w->stacks, st));
	for (size_t turn = 0; turn < 4; turn++) {
		a_cell(w, turn & 1, turn & 1 ? "second" : "first", turn & 1 ? 9 : 7);
		assert_false(stacks_verify(w->stacks, st));
		st = tell_again(w);
		assert_false(stacks_verify(w->stacks, st));
		assert_true(stacks_place_is_shared(w->stacks, st));
	}
	a_cell(w, 1, "third", 12);
	assert_false(stacks_verify(w->stacks, st));
	st = tell_again(w);
	assert_true(stacks_verify(w->stacks, st));
}

/* Whether it was there all the time is never known, and telling it anew does not help. */
static void what_stays_after_others_is_told_once(void **state)
{
	struct world *w = *state;
	struct stack *st = tell_again(w);

	put_lines(w, 3);
	assert_false(stacks_verify(w->stacks, st));
	assert_forgotten(w, 1);
	st = tell_again(w);
	for (size_t look = 0; look < 4; look++) {
		assert_false(stacks_verify(w->stacks, st));
		assert_true(stacks_place_is_shared(w->stacks, st));
		assert_forgotten(w, 0);
		assert_ptr_equal(tell_again(w), st);
	}
	/* Until it goes, though nothing can be read where it was. */
	memset(w->code[CELL], 0, sizeof(w->code[CELL]));
	assert_false(stacks_verify(w->stacks, st));
	assert_forgotten(w, 1);
}

static void put_references(struct world *w, uint64_t first_word)
{
	put_word(w->code[CELL], first_word);
}

/* Freed memory looks as the code did that ran there last. Each call is told from then on, and until
 * another is seen in its place nothing speaks against it. */
static void code_in_freed_memory_is_told_again(void **state)
{
	struct world *w = *state;
	uint64_t of_the_pool = (uintptr_t)w->code[CELL] ^ 64;
	struct stack *st = tell_again(w);

	assert_true(stacks_verify(w->stacks, st));
	assert_forgotten(w, 0);
	put_references(w, 0);
	assert_true(stacks_verify(w->stacks, st));
	assert_forgotten(w, 1);
	for (size_t call = 0; call < 3; call++) {
		put_references(w, 1);
		assert_ptr_equal(tell_again(w), st);
		assert_forgotten(w, 1);
		put_references(w, of_the_pool);
		assert_true(stacks_verify(w->stacks, st));
		assert_false(stacks_place_is_shared(w->stacks, st));
	}
	tell_elsewhere(w, STACK + 1, w->name[2], 2); /* another, which the same line calls */
	assert_false(stacks_verify(w->stacks, st));
	assert_true(stacks_place_is_shared(w->stacks, st));
	put_references(w, 1);
	assert_true(stacks_verify(w->stacks, st)); /* it runs */
}

/* The cell is called by code that stays, which is told innermost. */
static struct stack *tell_below(struct world *w)
{
	struct pl_frame cell;

	tell(w); /* fills the record */
	cell = w->rec->frames[CELL];
	w->rec->id = STACK + 1;
	w->rec->frames[0] = w->rec->frames[APP];
	w->rec->frames[0].instr += 2; /* another call */
	w->rec->frames[1] = cell;
	stacks_add(w->stacks, w->rec, sizeof(*w->rec));
	return stacks_current(w->stacks, STACK + 1);
}

/* A look holds for a while for code that stays, but here the next rule may be there by now. */
static void code_that_goes_is_looked_at_further_out_too(void **state)
{
	struct world *w = *state;
	struct stack *st = tell_below(w);

	assert_string_equal(py_code_function(st->frame[1].code), "first");
	put_references(w, 0);
	assert_true(stacks_verify(w->stacks, st));
	assert_true(forgotten(w));
	a_cell(w, 1, "second", 7);
	st = tell_below(w);
	assert_string_equal(py_code_function(st->frame[1].code), "second");
	assert_true(stacks_place_is_shared(w->stacks, stacks_find(w->stacks, STACK + 1)));
}

/* Its memory is another's before it could be read: that speaks for no other code, nor for this. */
static void a_call_that_could_not_be_read_is_told_again(void **state)
{
	struct world *w = *state;
	struct stack *st = tell_again(w);
	uint64_t told_ns;
	size_t n;

	put_references(w, 0);
	assert_true(stacks_verify(w->stacks, st));
	assert_forgotten(w, 1);
	put_word(w->code[CELL] + w->rt.layout.ob_type, 0);
	told_ns = st->told_ns;
	n = stacks_count(w->stacks);
	for (size_t call = 0; call < 3; call++) {
		assert_ptr_equal(tell_again(w), st);
		assert_forgotten(w, 1);
		assert_string_equal(py_code_function(st->frame[CELL].code), "first");
		assert_true(st->told_ns == told_ns);
		assert_false(stacks_verify(w->stacks, st));
	}
	assert_int_equal(stacks_count(w->stacks), n);
	a_cell(w, 0, "first", 7);
	assert_ptr_equal(tell_again(w), st);
	assert_true(st->told_ns > told_ns);
}

/* Other code lay there once, which another line had called. */
static void what_replaced_other_code_once_has_its_line(void **state)
{
	struct world *w = *state;
	struct stack *st;

	*w->rec = (struct pl_stack){.id = STACK + 1, .n = 1};
	w->rec->frames[0] = (struct pl_frame){
		(uintptr_t)w->code[CELL], (uintptr_t)w->code[CELL] + w->rt.layout.code_code + 2};
	stacks_add(w->stacks, w->rec, sizeof(*w->rec));
	assert_true(stacks_verify(w->stacks, stacks_current(w->stacks, STACK + 1)));
	for (size_t call = 0; call < 3; call++) {
		a_cell(w, 1, "second", 9);
		st = tell_again(w);
		assert_string_equal(py_code_function(st->frame[CELL].code), "second");
		put_word(w->code[CELL] + w->rt.layout.ob_type, 0);
		assert_false(stacks_verify(w->stacks, st));
		assert_true(forgotten(w));
		assert_int_equal(stacks_place_is_shared(w->stacks, st), !call);
	}
	a_cell(w, 0, "first", 7);
	assert_false(stacks_verify(w->stacks, st));
	assert_true(stacks_place_is_shared(w->stacks, st));
}

/* There a count of 0 is of an object whose owner has let it go to other threads. */
static void a_free_threaded_count_of_none_is_alive(void **state)
{
	struct world *w = *state;
	struct stack *st = tell_again(w);

	w->rt.free_threaded = true;
	put_references(w, 0);
	assert_true(stacks_verify(w->stacks, st));
	assert_forgotten(w, 0);
}

static void spoil_table(struct world *w, bool spoilt)
{
	memset(w->table[CELL] + w->rt.layout.bytes_data + 9, spoilt ? 0xd8 | 3 : 0x80 | 15 << 3 | 7,
	       9);
}

/* A rule is gone at the first look, and its table is another's: that line is not the next one's. */
static void a_line_of_a_table_that_is_gone_is_not_kept(void **state)
{
	struct world *w = *state;
	struct stack *st;

	for (int of_file = 0; of_file < 2; of_file++) {
		text(w, 2, of_file ? "/rule.py" : "<cell>");
		put_lines(w, 50);
		spoil_table(w, true);
		st = tell_again(w);
		assert_non_null(st->frame[CELL].code);
		assert_int_equal(st->frame[CELL].line, 0);
		put_lines(w, 2);
		spoil_table(w, false);
		if (of_file) {
			w->rec->id = STACK + 1;
			stacks_add(w->stacks, w->rec, sizeof(*w->rec));
			st = stacks_find(w->stacks, STACK + 1);
		} else {
			assert_false(stacks_verify(w->stacks, st));
			st = tell_again(w);
		}
		assert_int_equal(st->frame[CELL].line, 9);
		assert_true(stacks_verify(w->stacks, st));
		stacks_free(w->stacks);
		assert_int_equal(stacks_new(&w->rt, &w->stacks), 0);
	}
}

/* ... nor does a table that could not be read share the place for good. */
static void unknown_lines_are_no_other_lines(void **state)
{
	struct world *w = *state;
	struct stack *st;

	put_word(w->table[CELL] + w->rt.layout.ob_size, UINT64_MAX);
	st = tell_again(w);
	assert_null(st->frame[CELL].code);
	assert_false(stacks_verify(w->stacks, st));
	a_cell(w, 1, "first", 7); /* the same source again */
	put_lines(w, 2);
	st = tell_again(w);
	assert_int_equal(st->frame[CELL].line, 9);
	memset(w->code[CELL], 0, sizeof(w->code[CELL]));
	assert_false(stacks_verify(w->stacks, st));
	assert_false(stacks_place_is_shared(w->stacks, st));
}

static void a_table_without_a_length_is_not_read(void **state)
{
	struct world *w = *state;
	struct py_code *c;

	put_word(w->table[CELL] + w->rt.layout.ob_size, UINT64_MAX);
	assert_int_equal(py_code_read(&w->rt, (uintptr_t)w->code[CELL], &c), 0);
	assert_int_equal(py_code_read_lines(&w->rt, c), -EILSEQ);
	py_code_free(c);
	/* Nor is one that tells by no code: nothing is told by it. */
	put_word(w->code[CELL] + w->rt.layout.ob_size, 0);
	assert_int_equal(py_code_read(&w->rt, (uintptr_t)w->code[CELL], &c), 0);
	assert_int_equal(py_code_read_lines(&w->rt, c), 0);
	py_code_free(c);
	begin_anew(w, 10);
	put_word(w->table[CELL] + w->rt.layout.ob_size, UINT64_MAX);
	assert_int_equal(py_code_read(&w->rt, (uintptr_t)w->code[CELL], &c), 0);
	assert_int_equal(py_code_read_lines(&w->rt, c), -EILSEQ);
	py_code_free(c);
}

/* The same source, compiled again and again, here and there. */
static void the_same_source_is_no_other_code(void **state)
{
	struct world *w = *state;
	struct stack *first = tell_again(w), *st = first;

	for (size_t turn = 0; turn < 8; turn++) {
		if (turn == 4) { /* from before the lines had a table of entries */
			begin_anew(w, 10);
			first = st = tell_again(w);
		}
		a_cell(w, turn & 1, "first", 7);
		stacks_verify(w->stacks, st);
		st = tell_again(w);
		assert_ptr_equal(st, first);
		assert_true(stacks_verify(w->stacks, st));
		assert_false(stacks_place_is_shared(w->stacks, st));
	}
}

/* The same object, or its table, cannot be read for a moment. */
static void a_look_that_fails_changes_nothing(void **state)
{
	struct world *w = *state;
	const struct py_layout *l = &w->rt.layout;
	struct stack *st;

	for (int of_file = 0; of_file < 2; of_file++) {
		uint8_t *object = w->code[CELL] + l->ob_type, *table = w->table[CELL] + l->ob_size;

		text(w, 2, of_file ? "/app.py" : "<cell>");
		st = tell_again(w);
		assert_true(stacks_verify(w->stacks, st));
		put_word(object, 0);
		assert_false(stacks_verify(w->stacks, st));
		put_word(object, w->rt.code_type);
		put_word(table, UINT64_MAX);
		stacks_verify(w->stacks, st);
		assert_false(stacks_place_is_shared(w->stacks, st));
		put_word(table, TABLE);
		assert_ptr_equal(tell_again(w), st);
		assert_true(stacks_verify(w->stacks, st));
		assert_false(stacks_place_is_shared(w->stacks, st));
		stacks_free(w->stacks);
		assert_int_equal(stacks_new(&w->rt, &w->stacks), 0);
	}
}

/* That another one is there is known by its names; or else neither that nor that it is the same. */
static void code_without_a_table_is_other_code(void **state)
{
	struct world *w = *state;
	struct stack *st = tell_again(w);

	for (int other = 0; other < 2; other++) {
		a_cell(w, 1, other ? "second" : "first", 7);
		put_word(w->table[CELL] + w->rt.layout.ob_size, UINT64_MAX);
		assert_false(stacks_verify(w->stacks, st));
		assert_int_equal(stacks_place_is_shared(w->stacks, st), other);
		a_cell(w, 0, "first", 7);
		st = tell_again(w);
		assert_int_equal(stacks_verify(w->stacks, st), !other);
	}
}

/* A build of 3.13, where the cell's instructions are two lines below its first. */
static struct stack *tell_of_3_13(struct world *w)
{
	static const uint8_t two_down[] = {0x80 | 13 << 3 | 7, 2 << 1};

	w->priv.build = py_table(13);
	w->rt.minor = 13;
	w->rt.layout = w->priv.build.layout;
	w->rt.walk = w->priv.build.walk;
	text(w, 2, "app.py");
	write_code(w, APP, text(w, 3, "serve"), w->name[2], 30);
	a_cell(w, 0, "grow", 7);
	for (size_t i = 0; i < CODES; i++)
		memcpy(w->table[i] + w->rt.layout.bytes_data, two_down, sizeof(two_down));
	return (struct stack *)(uintptr_t)tell(w);
}

static void put_number(struct world *w, uint32_t number)
{
	memcpy(w->code[CELL] + w->rt.layout.code_version, &number, sizeof(number));
}

/* A rule that is gone leaves its table to anything: that is no other rule. From 3.12 on the next
 * one has a number of its own, and is not known to be the same. */
static void a_table_that_is_gone_is_no_other_code(void **state)
{
	struct world *w = *state;
	struct stack *st;

	for (uint32_t number = 0; number < 2; number++) {
		st = number ? tell_of_3_13(w) : tell_again(w);
		assert_true(stacks_verify(w->stacks, st));
		if (number)
			put_number(w, number);
		spoil_table(w, true);
		assert_int_equal(stacks_verify(w->stacks, st), !number);
		assert_false(stacks_place_is_shared(w->stacks, st));
		spoil_table(w, false);
		assert_ptr_equal(tell_again(w), st);
		assert_true(stacks_verify(w->stacks, st));
		stacks_free(w->stacks);
		assert_int_equal(stacks_new(&w->rt, &w->stacks), 0);
	}
}

/* A look at it is one read, as ever: what else lies there in its likeness is not looked for. */
static void code_of_a_file_is_known_by_its_members(void **state)
{
	static const char *const file[] = {"/app", "/app.py", "app.py", "pkg/app.py"};
	struct world *w = *state;
	struct stack *st;

	for (uint8_t i = 0; i < ARRAY_SIZE(file); i++) {
		text(w, 2, file[i]);
		st = tell_again(w);
		put_lines(w, i + 3);
		assert_true(stacks_verify(w->stacks, st));
		stacks_free(w->stacks);
		assert_int_equal(stacks_new(&w->rt, &w->stacks), 0);
	}
}

/* From 3.12 on each code object has one: while it stays, nothing else is looked at. */
static void code_with_another_number_is_other_code(void **state)
{
	struct world *w = *state;
	struct stack *st = tell_of_3_13(w);

	put_number(w, 5);
	st = tell_again(w);
	assert_true(stacks_verify(w->stacks, st));
	put_lines(w, 4);
	assert_true(stacks_verify(w->stacks, st));
	put_lines(w, 2);
	/* The same source again; it may be longer where the lines are as they were. */
	put_number(w, 6);
	put_word(w->code[CELL] + w->rt.layout.ob_size, UNITS + 8);
	put_word(w->table[CELL] + w->rt.layout.ob_size, TABLE + 1);
	assert_true(stacks_verify(w->stacks, st));
	assert_ptr_equal(tell(w), st);
	assert_int_equal(st->frame[CELL].line, 9);
	w->rec->id = STACK + 1;
	w->rec->frames[CELL].instr += 2 * UNITS;
	stacks_add(w->stacks, w->rec, sizeof(*w->rec));
	assert_ptr_equal(stacks_find(w->stacks, STACK + 1)->frame[CELL].code, st->frame[CELL].code);
	/* Another one, at another line. */
	put_number(w, 7);
	put_lines(w, 3);
	assert_false(stacks_verify(w->stacks, st));
	assert_true(stacks_place_is_shared(w->stacks, st));
	st = tell_again(w);
	assert_int_equal(st->frame[CELL].line, 10);
	assert_true(stacks_verify(w->stacks, st));
}

/* It was told since it was seen to have the number that it has: it was there all the time. */
static void code_that_stays_has_its_line_by_its_number(void **state)
{
	struct world *w = *state;
	struct stack *st = tell_of_3_13(w);

	for (uint32_t number = 1; number < 6; number++) {
		put_number(w, number);
		put_lines(w, 2 + number % 2);
		assert_false(stacks_verify(w->stacks, st));
		assert_forgotten(w, 1);
		st = tell_again(w);
		assert_int_equal(st->frame[CELL].line, 9 + number % 2);
		for (size_t look = 0; look < 3; look++) {
			assert_true(stacks_verify(w->stacks, st));
			assert_forgotten(w, 0);
			assert_ptr_equal(tell_again(w), st);
		}
	}
	/* The same source again, after others: what it was told of may have been theirs. */
	put_number(w, 6);
	put_lines(w, 3);
	assert_false(stacks_verify(w->stacks, st));
	assert_true(stacks_place_is_shared(w->stacks, st));
	st = tell_again(w);
	assert_true(stacks_verify(w->stacks, st));
}

/* Met for the first time when its stack is told: the record may be another one's. */
static void what_is_met_with_its_stack_is_told_again(void **state)
{
	struct world *w = *state;
	struct stack *st = tell_of_3_13(w);

	put_number(w, 1);
	put_lines(w, 3);
	w->rec->id = STACK + 1;
	stacks_add(w->stacks, w->rec, sizeof(*w->rec));
	st = stacks_find(w->stacks, STACK + 1);
	assert_int_equal(st->frame[CELL].line, 10);
	assert_false(stacks_verify(w->stacks, st));
	stacks_add(w->stacks, w->rec, sizeof(*w->rec));
	assert_true(stacks_verify(w->stacks, st));
}

/* Nuitka gives 3.11 a table of before: its functions are told by their first line. */
static void a_table_of_another_format_tells_the_first_line(void **state)
{
	struct world *w = *state;
	struct stack *st;

	text(w, 2, "/srv/nuitka.py");
	memset(w->table[CELL] + w->rt.layout.bytes_data, 2, 18);
	st = tell_again(w);
	assert_non_null(st->frame[CELL].code);
	assert_int_equal(st->frame[CELL].line, py_code_firstline(st->frame[CELL].code));
}

/* The one that calls the evaluator is static, and its table says less than its bytecode is long. */
static void code_of_the_interpreter_itself_has_no_number(void **state)
{
	struct world *w = *state;
	struct stack *st;

	tell_of_3_13(w);
	stacks_free(w->stacks);
	assert_int_equal(stacks_new(&w->rt, &w->stacks), 0);
	text(w, 2, "<sys>");
	put_number(w, 0);
	spoil_table(w, true);
	st = tell_again(w);
	assert_non_null(st->frame[CELL].code);
	for (int i = 0; i < 3; i++) {
		assert_true(stacks_verify(w->stacks, st));
		st = tell_again(w);
		assert_non_null(st->frame[CELL].code);
	}
}

/* A rule was gone at the first look, as its line is: the next one with its number is itself. */
static void a_garbage_line_goes_with_its_number(void **state)
{
	struct world *w = *state;
	struct stack *st;

	tell_of_3_13(w);
	stacks_free(w->stacks);
	assert_int_equal(stacks_new(&w->rt, &w->stacks), 0);
	put_number(w, 1);
	put_lines(w, 50);
	spoil_table(w, true);
	st = tell_again(w);
	assert_non_null(st->frame[CELL].code);
	assert_int_equal(st->frame[CELL].line, 0);
	for (uint32_t number = 2; number < 5; number++) {
		a_cell(w, 0, "grow", 7);
		put_lines(w, 2);
		put_number(w, number);
		assert_int_equal(stacks_verify(w->stacks, st), number > 2);
		st = tell_again(w);
		assert_int_equal(st->frame[CELL].line, 9);
		assert_true(stacks_verify(w->stacks, st));
	}
}

/* The loop of the caller was compiled, with what it calls. */
static void where_the_jit_runs_a_birth_has_no_line(void **state)
{
	struct world *w = *state;
	struct stack *st = tell_of_3_13(w);
	const int32_t traces[] = {1, 4};

	assert_true(stacks_verify(w->stacks, st));
	assert_false(py_jit_runs(&w->rt));
	assert_int_equal(st->frame[CELL].line, 9);
	put_word(w->code[APP] + w->rt.layout.code_linetable + 16, (uintptr_t)traces);
	assert_true(stacks_verify(w->stacks, st));
	assert_true(py_jit_runs(&w->rt));
	assert_int_equal(st->frame[CELL].line, 7);
	assert_int_equal(st->frame[APP].line, 32); /* a call tells its line */
}

static void what_is_no_array_of_traces_is_none(void **state)
{
	static const int32_t others[][2] = {{0, 4}, {5, 4}, {1, 257}, {-1, 4}};
	struct world *w = *state;
	struct stack *st = tell_of_3_13(w);
	uint8_t *member = w->code[CELL] + w->rt.layout.code_linetable + 16;

	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		put_word(member, (uintptr_t)others[i]);
		assert_true(stacks_verify(w->stacks, st));
		assert_false(py_jit_runs(&w->rt));
	}
	put_word(member, 8);
	assert_true(stacks_verify(w->stacks, st));
	assert_int_equal(st->frame[CELL].line, 9);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(code_that_lives_stays_what_it_is),
		TEST(the_next_cell_is_another_stack),
		TEST(what_a_thread_begins_with),
		TEST(what_nobody_wrote_is_left_out),
		TEST(rules_of_a_file_are_told_each_time),
		TEST(what_is_not_stale_is_not_told_twice),
		TEST(the_same_source_again_is_the_same_stack),
		TEST(only_the_frame_that_is_gone_is_unknown),
		TEST(exec_has_no_line_any_more),
		TEST(the_name_of_an_older_cell_is_not_told),
		TEST(what_has_the_hash_alone_is_of_neither),
		TEST(what_is_gone_keeps_the_name_of_its_blocks),
		TEST(an_instruction_of_other_code_has_no_name),
		TEST(what_is_forgotten_is_told_anew),
		TEST(other_code_in_its_place_is_known),
		TEST(code_that_is_gone_leaves_its_place_alone),
		TEST(rules_of_one_shape_are_told_apart),
		TEST(rules_of_before_are_told_apart),
		TEST(rules_that_never_meet_are_told_apart),
		TEST(a_step_into_init_hides_none_of_them),
		TEST(what_comes_again_was_not_there_meanwhile),
		TEST(what_stays_after_others_is_told_once),
		TEST(code_in_freed_memory_is_told_again),
		TEST(code_that_goes_is_looked_at_further_out_too),
		TEST(a_call_that_could_not_be_read_is_told_again),
		TEST(what_replaced_other_code_once_has_its_line),
		TEST(a_free_threaded_count_of_none_is_alive),
		TEST(the_same_source_is_no_other_code),
		TEST(a_line_of_a_table_that_is_gone_is_not_kept),
		TEST(unknown_lines_are_no_other_lines),
		TEST(a_table_without_a_length_is_not_read),
		TEST(a_look_that_fails_changes_nothing),
		TEST(code_without_a_table_is_other_code),
		TEST(a_table_that_is_gone_is_no_other_code),
		TEST(code_of_a_file_is_known_by_its_members),
		TEST(code_with_another_number_is_other_code),
		TEST(code_that_stays_has_its_line_by_its_number),
		TEST(what_is_met_with_its_stack_is_told_again),
		TEST(a_garbage_line_goes_with_its_number),
		TEST(code_of_the_interpreter_itself_has_no_number),
		TEST(a_table_of_another_format_tells_the_first_line),
		TEST(where_the_jit_runs_a_birth_has_no_line),
		TEST(what_is_no_array_of_traces_is_none),
	};

	return cmocka_run_group_tests_name("stacks", tests, NULL, NULL);
}
