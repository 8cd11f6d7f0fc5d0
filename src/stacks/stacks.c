/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Keeps stacks by id. When code died other code may get its address, so it is compared with the
 * target whenever a new stack has it innermost, and further out when it was not of late, or was
 * found gone; all code of a survivor's stack is compared before the survivor counts. */
#include "stacks/stacks_priv.h"

/* Limit of all stacks and code together: big programs take a third of it. */
#define MAX_BYTES (32u << 20)

int stacks_new(const struct py_runtime *rt, struct stacks **out)
{
	struct stacks *s = calloc(1, sizeof(*s));

	if (!s)
		return fail(-ENOMEM, "out of memory");
	s->rt = rt;
	*out = s;
	return 0;
}

void stacks_free(struct stacks *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->stack.cap; i++)
		if (s->stack.slot[2 * i])
			free((void *)(uintptr_t)s->stack.slot[2 * i + 1]);
	codes_free(s);
	map64_free(&s->stack);
	map64_free(&s->current);
	map64_free(&s->turns);
	vec_free(&s->stale);
	free(s);
}

/* Reads one frame of a new stack: names and line, or neither. */
static void read_frame(struct stacks *s, const struct pl_frame *raw, bool innermost,
		       struct stack_frame *f)
{
	int line = -ESTALE;

	f->entry = raw->code & PL_FRAME_ENTRY || s->rt->walk.frame_owner == PL_NONE;
	/* -ESTALE: the known code at this address was replaced, so it is compared and read again */
	for (int look = innermost; look < 2 && line == -ESTALE; look++) {
		struct code_slot *c = codes_at(s, raw->code & ~PL_FRAME_ENTRY, look);

		if (!c)
			break;
		line = py_code_line(s->rt, c->code, py_code_instr(s->rt, c->code, raw->instr));
		f->code = line >= 0 ? c->code : NULL;
		codes_count(s, c);
	}
	f->line = f->code ? line : 0;
	s->unread += !f->code;
}

/* Makes an id of our own, which differs from all hashes but for a chance of 1 in 2^63. */
static uint64_t name_of(uint64_t key, uint64_t what)
{
	uint64_t v = key ^ (what * 0x9e3779b97f4a7c15ull);

	v = (v ^ (v >> 30)) * 0xbf58476d1ce4e5b9ull;
	v = (v ^ (v >> 27)) * 0x94d049bb133111ebull;
	return (v ^ (v >> 31)) | 1;
}

/* The kernel half is to tell the hash again when it meets it next. */
static void tell_again(struct stacks *s, struct stack *st)
{
	uint64_t *key = NULL;

	if (st->key && !st->is_forgotten && stacks_current(s, st->key) == st)
		key = vec_push(&s->stale);
	if (key)
		*key = st->key;
	st->is_forgotten |= key != NULL;
}

/* Is there code that comes and goes, and none that takes turns with it as far as is known? Then
 * its next call is to be told, or other code in its place would have its names. */
static bool may_be_replaced(const struct stacks *s, const struct stack *st)
{
	uint64_t now_ns = clock_ns();

	for (uint32_t i = 0; i < st->n; i++) {
		const struct code_slot *c = codes_newest(s, st->frame[i].code);

		if (c && codes_go(c, now_ns) && !c->in_turn)
			return true;
	}
	return false;
}

static struct stack *read_stack(struct stacks *s, const struct pl_stack *rec)
{
	bool is_pointer = s->rt->walk.instr_kind == PL_INSTR_POINTER;
	struct turn turn = {0};
	struct stack *st = NULL;

	if (s->bytes < MAX_BYTES && spend_begin(&s->spend))
		st = calloc(1, stack_bytes(rec->n));
	if (!st) {
		s->left_out++; /* its id stays: it is told again when stacks_trim() forgets it */
		return NULL;
	}
	st->id = st->key = rec->id;
	st->told_ns = clock_ns();
	st->flags = rec->flags;
	for (uint32_t i = 0; i < rec->n; i++) {
		struct stack_frame *f = &st->frame[st->n];

		read_frame(s, &rec->frames[i], i == 0, f);
		if (f->code && py_code_is_shim(f->code))
			continue;
		turn_add(&turn, &rec->frames[i], f, is_pointer);
		st->n++;
	}
	st->turn = turn_note(s, &turn);
	spend_end(&s->spend);
	return st;
}

/* Do both name the same line? Code that was compiled again from the same source does. */
static bool is_same_line(const struct stack_frame *x, const struct stack_frame *y)
{
	return x->line == y->line &&
	       (x->code == y->code ||
		(x->code && y->code &&
		 codes_same_text(py_code_function(x->code), py_code_function(y->code)) &&
		 codes_same_text(py_code_file(x->code), py_code_file(y->code))));
}

/* Does @b say the same, as far as it could be read? */
static bool agrees(const struct stack *a, const struct stack *b)
{
	bool same = a->n == b->n && a->flags == b->flags;

	for (uint32_t i = 0; i < a->n && same; i++)
		same = (!b->frame[i].code || is_same_line(&a->frame[i], &b->frame[i])) &&
		       a->frame[i].entry == b->frame[i].entry;
	return same;
}

static void renew(struct stack *st, struct stack *with)
{
	for (uint32_t i = 0; i < st->n; i++)
		with->frame[i].is_shared = st->frame[i].is_shared;
	memcpy(st->frame, with->frame, st->n * sizeof(*st->frame));
	st->told_ns = with->told_ns;
	st->turn = with->turn;
	st->stale = false;
	free(with);
}

/* Makes a place for @st, whose hash meant another stack before. */
static uint64_t *place_of_next(struct stacks *s, struct stack *st)
{
	struct stack *first = stacks_find(s, st->key);
	uint64_t *v, *to;

	for (uint32_t i = 0; first && i < first->n && i < st->n; i++) {
		struct stack_frame *f = &first->frame[i];

		/* code that could not be read, or has no line, counts as no difference */
		if (f->line && st->frame[i].line && !is_same_line(f, &st->frame[i]))
			f->is_shared = true;
	}
	st->id = name_of(st->key, st->told_ns);
	v = map64_put(&s->stack, st->id);
	to = v && !*v ? map64_put(&s->current, st->key) : NULL;
	if (to)
		*to = st->id;
	return to ? v : NULL;
}

void stacks_add(struct stacks *s, const struct pl_stack *rec, size_t size)
{
	const size_t head = offsetof(struct pl_stack, frames);
	struct stack *st, *now;
	uint64_t *v;

	if (size < head || rec->n > PL_MAX_FRAMES || size < head + rec->n * sizeof(struct pl_frame))
		return;
	v = map64_put(&s->stack, rec->id);
	now = stacks_current(s, rec->id);
	if (!v || (*v && !(now && (now->stale || now->is_forgotten))))
		return;
	st = read_stack(s, rec);
	if (now)
		now->is_forgotten = false; /* it was told anew */
	if (st && now && agrees(now, st)) {
		if (agrees(st, now))
			renew(now, st);
		else
			free(st);
		if (may_be_replaced(s, now))
			tell_again(s, now);
		return;
	}
	if (st && now)
		v = place_of_next(s, st);
	if (!st || !v) {
		free(st);
		return;
	}
	s->bytes += stack_bytes(st->n);
	s->frames += rec->n;
	s->added++;
	*v = (uintptr_t)st;
	if (may_be_replaced(s, st))
		tell_again(s, st);
}

struct stack *stacks_find(struct stacks *s, uint64_t id)
{
	uint64_t *v = map64_get(&s->stack, id);

	return v ? (struct stack *)(uintptr_t)*v : NULL;
}

struct stack *stacks_current(struct stacks *s, uint64_t key)
{
	const uint64_t *id = map64_get(&s->current, key);

	return stacks_find(s, id ? *id : key);
}

void stacks_find_roots(struct stacks *s, struct traffic *t)
{
	for (size_t i = 1; i < t->n_rows; i++) {
		const struct stack *st = t->row[i].root ? NULL : stacks_current(s, t->row[i].stack);
		uint32_t n = st && !(st->flags & PL_STACK_TRUNCATED) ? st->n : 0;

		for (; n && !t->row[i].root && st->frame[n - 1].code; n--)
			t->row[i].root = traffic_root(py_code_function(st->frame[n - 1].code),
						      py_code_file(st->frame[n - 1].code));
	}
}

/* Remains in free memory prove as much as code that runs, but where other code is known to be
 * called there. */
static bool lies_there(struct stacks *s, const struct stack *st, uint32_t i, bool check)
{
	const struct py_code *c = st->frame[i].code;
	const struct code_slot *now = codes_at(s, py_code_addr(c), check);

	return now && now->code == c && !(now->is_gone && turns_in_lines(s, st, i)) &&
	       (!now->in_turn || (py_code_has_number(c) && st->told_ns > now->since_ns));
}

static bool is_alive(struct stacks *s, const struct stack *st, uint32_t i)
{
	return st->frame[i].code && lies_there(s, st, i, true);
}

/* Is its code there as far as is known? Compares it now and then only, as stacks have most of their
 * code in common. */
static bool seems_alive(struct stacks *s, const struct stack *st, uint32_t i)
{
	return !st->frame[i].code || lies_there(s, st, i, false);
}

/* Was the stack told since its code was seen there? Where code takes turns with other code that is
 * all that can be known. */
static bool was_told_of(const struct stack *st, const struct code_slot *now,
			const struct py_code *c)
{
	return now && now->code == c && now->checked_ns && st->told_ns > now->since_ns;
}

static bool look_at(struct stacks *s, struct stack *st,
		    bool (*is_there)(struct stacks *, const struct stack *, uint32_t))
{
	bool all = !st->stale;

	for (uint32_t i = 0; i < st->n && !st->stale; i++) {
		const struct py_code *c = st->frame[i].code;
		struct code_slot *now;

		if (is_there(s, st, i))
			continue;
		all = false;
		now = codes_newest(s, c);
		st->stale = !was_told_of(st, now, c);
		if (now && st->stale)
			now->checked_ns = 0; /* compare it before it is used again */
	}
	if (st->stale || may_be_replaced(s, st))
		tell_again(s, st);
	return all;
}

bool stacks_verify(struct stacks *s, struct stack *st)
{
	bool alive = look_at(s, st, is_alive);

	if (py_jit_runs(s->rt) && st->n && st->frame[0].line)
		st->frame[0].line = py_code_firstline(st->frame[0].code);
	return alive;
}

/* Was the stack told since its code has replaced other code there? If that had come back they would
 * take turns. */
static bool has_come_after(const struct stack *st, const struct code_slot *now,
			   const struct py_code *c)
{
	return now && now->code == c && !now->in_turn && st->told_ns > now->came_ns;
}

bool stacks_place_is_shared(struct stacks *s, const struct stack *st)
{
	for (uint32_t i = 0; i < st->n; i++) {
		const struct py_code *c = st->frame[i].code;
		const struct code_slot *now;

		if (seems_alive(s, st, i))
			continue;
		if (turns_in_lines(s, st, i))
			return true;
		now = codes_newest(s, c); /* seems_alive() has added the code that is there now */
		if (has_come_after(st, now, c))
			continue;
		for (const struct code_slot *x = now; x; x = x->older)
			if (x->in_turn || !py_code_tells_same(c, x->code))
				return true;
	}
	return false;
}

/* Is it code of exec() whose name may be kept though the code is gone? Its file is no file but a
 * name, such as "<cell>": that holds where all code seen at this address had the same name, as the
 * next cell may have another. */
static bool is_of_exec(struct stacks *s, const struct py_code *c)
{
	const char *file = c ? py_code_file(c) : NULL;
	const struct code_slot *now;

	if (!file || *file != '<' || !codes_same_text(py_code_function(c), "<module>"))
		return false;
	codes_at(s, py_code_addr(c), true); /* adds the code that is there now */
	now = codes_newest(s, c);
	return now && !now->is_of_files;
}

/* Copies @st without the names of some frames: @shared: those in which stacks with this hash
 * differ; else those whose code is gone. */
static struct stack *make_without(struct stacks *s, const struct stack *st, bool shared)
{
	uint64_t name = st->key ? st->key : st->id, *v;
	struct stack *to = malloc(stack_bytes(st->n));

	if (!to)
		return NULL;
	memcpy(to, st, stack_bytes(st->n));
	for (uint32_t i = 0; i < to->n; i++)
		if (shared ? to->frame[i].is_shared : !is_alive(s, to, i)) {
			if (turns_in_files(s, st) || !is_of_exec(s, to->frame[i].code))
				to->frame[i].code = NULL;
			to->frame[i].line = 0;
			name = name_of(name, 2 * i + 1 + !to->frame[i].code);
		}
	to->id = name;
	to->key = 0;
	to->without = NULL;
	v = map64_put(&s->stack, name);
	if (v && !*v) {
		s->bytes += stack_bytes(to->n);
		*v = (uintptr_t)to;
	} else {
		free(to);
	}
	return v ? (struct stack *)(uintptr_t)*v : NULL;
}

struct stack *stacks_without_stale(struct stacks *s, struct stack *st)
{
	uint64_t now_ns = clock_ns();

	if (!st->without || now_ns - st->without_ns > STACKS_CHECKED_NS) {
		st->without = s->bytes < MAX_BYTES ? make_without(s, st, false) : NULL;
		st->without_ns = now_ns;
	}
	return st->without;
}

struct stack *stacks_by_key(struct stacks *s, uint64_t key)
{
	struct stack *st = stacks_find(s, key), *now = stacks_current(s, key);
	bool is_shared = false;

	if (now)
		look_at(s, now, seems_alive);
	for (uint32_t i = 0; st && i < st->n; i++)
		is_shared |= st->frame[i].is_shared;
	if (is_shared)
		return make_without(s, st, true);
	return st ? st : now;
}

uint64_t stacks_id_by_key(struct stacks *s, uint64_t key)
{
	const struct stack *st = stacks_by_key(s, key);

	return st ? st->id : key;
}

size_t stacks_take_stale(struct stacks *s, uint64_t **keys)
{
	size_t n = s->stale.n;

	*keys = s->stale.v;
	memset(&s->stale, 0, sizeof(s->stale));
	return n;
}

size_t stacks_count(const struct stacks *s)
{
	return s->stack.n;
}

bool stacks_are_many(const struct stacks *s)
{
	return s->stack.n > PL_MAX_STACKS / 2 || s->bytes > MAX_BYTES / 2;
}

double stacks_mean_depth(const struct stacks *s)
{
	return s->added ? (double)s->frames / (double)s->added : 0;
}

uint64_t stacks_unread_codes(const struct stacks *s)
{
	return s->unread;
}

uint64_t stacks_left_out(const struct stacks *s)
{
	return s->left_out;
}
