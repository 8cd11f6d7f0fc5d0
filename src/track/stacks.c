/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Stacks and code objects by address. A code object's address can be reused by another one after
 * it died: the cache entry is checked whenever a new stack mentions it innermost, or further out
 * when it has not been checked of late; a survivor's whole stack is checked before it counts. */
#include "track/stacks.h"

#include "base/map64.h"
#include "base/spend.h"

/* A look at a code object per frame of each new stack would be most of our work. */
#define CHECKED_NS 200000000
/* What all stacks and code together may take: big programs come to a third of it. */
#define MAX_BYTES (32u << 20)

struct code_slot {
	uint64_t addr, checked_ns;
	struct py_code *code;
	size_t bytes;		 /* counted for it */
	struct code_slot *older; /* codes that lived at this address before */
};

struct stacks {
	const struct py_runtime *rt;
	struct map64 stack; /* id -> struct stack * */
	struct map64 code;  /* address -> struct code_slot * */
	uint64_t unread, frames, added, left_out;
	size_t bytes; /* of stacks and code */
	struct spend spend;
};

int stacks_new(const struct py_runtime *rt, struct stacks **out)
{
	struct stacks *s = calloc(1, sizeof(*s));

	if (!s)
		return fail(-ENOMEM, "out of memory");
	s->rt = rt;
	*out = s;
	return 0;
}

static void free_slots(struct code_slot *c)
{
	while (c) {
		struct code_slot *older = c->older;

		py_code_free(c->code);
		free(c);
		c = older;
	}
}

void stacks_free(struct stacks *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->stack.cap; i++)
		if (s->stack.slot[2 * i])
			free((void *)(uintptr_t)s->stack.slot[2 * i + 1]);
	for (size_t i = 0; i < s->code.cap; i++)
		if (s->code.slot[2 * i])
			free_slots((struct code_slot *)(uintptr_t)s->code.slot[2 * i + 1]);
	map64_free(&s->stack);
	map64_free(&s->code);
	free(s);
}

static bool is_same(struct stacks *s, struct code_slot *slot, uint64_t now_ns, bool check)
{
	if (!check && now_ns - slot->checked_ns < CHECKED_NS)
		return true;
	slot->checked_ns = now_ns;
	return py_code_same(s->rt, slot->code);
}

/* The code object now at @addr, from the cache when it is known; @check: by a look in any case. */
static struct code_slot *code_at(struct stacks *s, uint64_t addr, bool check)
{
	uint64_t *v = map64_get(&s->code, addr);
	struct code_slot *slot = v ? (struct code_slot *)(uintptr_t)*v : NULL;
	uint64_t now_ns = clock_ns();
	struct code_slot *fresh;

	if (slot && is_same(s, slot, now_ns, check))
		return slot;
	fresh = calloc(1, sizeof(*fresh));
	if (!fresh || py_code_read(s->rt, addr, &fresh->code)) {
		free(fresh);
		return NULL;
	}
	/* A place only for what is there: any number may be said to be the address of code. */
	v = map64_put(&s->code, addr);
	if (!v) {
		py_code_free(fresh->code);
		free(fresh);
		return NULL;
	}
	fresh->addr = addr;
	fresh->checked_ns = now_ns;
	fresh->older = slot;
	*v = (uintptr_t)fresh;
	return fresh;
}

static void count_code(struct stacks *s, struct code_slot *c)
{
	s->bytes -= c->bytes;
	c->bytes = sizeof(*c) + py_code_bytes(c->code);
	s->bytes += c->bytes;
}

/* One frame of a new stack: names and line, or neither. */
static void read_frame(struct stacks *s, const struct pl_frame *raw, bool innermost,
		       struct stack_frame *f)
{
	int line = -ESTALE;

	f->entry = raw->code & PL_FRAME_ENTRY || s->rt->walk.frame_owner == PL_NONE;
	/* What was taken for known without a look may turn out to be another one: then with a look.
	 */
	for (int look = innermost; look < 2 && line == -ESTALE; look++) {
		struct code_slot *c = code_at(s, raw->code & ~PL_FRAME_ENTRY, look);

		if (!c)
			break;
		line = py_code_line(s->rt, c->code, py_code_instr(s->rt, c->code, raw->instr));
		f->code = line >= 0 ? c->code : NULL;
		count_code(s, c);
	}
	f->line = f->code ? line : 0;
	s->unread += !f->code;
}

static size_t stack_bytes(uint32_t frames)
{
	return sizeof(struct stack) + frames * sizeof(struct stack_frame);
}

void stacks_add(struct stacks *s, const struct pl_stack *rec, size_t size)
{
	const size_t head = offsetof(struct pl_stack, frames);
	struct stack *st;
	uint64_t *v;

	if (size < head || rec->n > PL_MAX_FRAMES || size < head + rec->n * sizeof(struct pl_frame))
		return;
	v = map64_put(&s->stack, rec->id);
	if (!v || *v)
		return;
	st = s->bytes < MAX_BYTES && spend_begin(&s->spend) ? calloc(1, stack_bytes(rec->n)) : NULL;
	if (!st) {
		s->left_out++; /* its id stays: told again when it has been forgotten */
		return;
	}
	st->id = rec->id;
	st->n = rec->n;
	st->flags = rec->flags;
	for (uint32_t i = 0; i < rec->n; i++)
		read_frame(s, &rec->frames[i], i == 0, &st->frame[i]);
	spend_end(&s->spend);
	s->bytes += stack_bytes(rec->n);
	s->frames += rec->n;
	s->added++;
	*v = (uintptr_t)st;
}

struct stack *stacks_find(struct stacks *s, uint64_t id)
{
	uint64_t *v = map64_get(&s->stack, id);

	return v ? (struct stack *)(uintptr_t)*v : NULL;
}

bool stacks_verify(struct stacks *s, struct stack *st)
{
	for (uint32_t i = 0; i < st->n && !st->stale; i++)
		if (!st->frame[i].code || !py_code_same(s->rt, st->frame[i].code))
			st->stale = true;
	return !st->stale;
}

static bool list_used(const struct stacks *s, struct map64 *used)
{
	for (size_t i = 0; i < s->stack.cap; i++) {
		const struct stack *st = (struct stack *)(uintptr_t)s->stack.slot[2 * i + 1];

		for (uint32_t k = 0; st && k < st->n; k++)
			if (st->frame[k].code && !map64_put(used, (uintptr_t)st->frame[k].code))
				return false;
	}
	return true;
}

/* The newest stays with the older ones that are in use: a frame further out is taken for the newest
 * without a look. */
static struct code_slot *keep_used(struct stacks *s, struct code_slot *c, const struct map64 *used,
				   bool keep_newest)
{
	struct code_slot *head = NULL, **to = &head;

	while (c) {
		struct code_slot *older = c->older;

		if ((keep_newest && !head) || map64_get(used, (uintptr_t)c->code)) {
			*to = c;
			to = &c->older;
		} else {
			s->bytes -= c->bytes;
			py_code_free(c->code);
			free(c);
		}
		c = older;
	}
	*to = NULL;
	return head;
}

static struct code_slot *slot_at(const struct stacks *s, size_t i)
{
	return (struct code_slot *)(uintptr_t)s->code.slot[2 * i + 1];
}

/* Codes that no stack names any more: those of a program that compiles as it goes would fill our
 * memory. */
static void trim_codes(struct stacks *s)
{
	struct map64 used = {0}, kept = {0};
	bool ok = list_used(s, &used);

	/* Places first: from there on nothing can fail. */
	for (size_t i = 0; i < s->code.cap && ok; i++) {
		const struct code_slot *c = slot_at(s, i);

		for (; c && ok; c = c->older)
			if (map64_get(&used, (uintptr_t)c->code))
				ok = map64_put(&kept, s->code.slot[2 * i]);
	}
	for (size_t i = 0; i < s->code.cap && ok; i++) {
		uint64_t *to = map64_get(&kept, s->code.slot[2 * i]);
		struct code_slot *c = keep_used(s, slot_at(s, i), &used, to);

		if (to)
			*to = (uintptr_t)c;
	}
	if (ok) {
		map64_free(&s->code);
		s->code = kept;
	} else {
		map64_free(&kept);
	}
	map64_free(&used);
}

int stacks_trim(struct stacks *s, const struct map64 *keep, uint64_t **gone, size_t *n)
{
	struct map64 kept = {0};
	uint64_t *ids = calloc(s->stack.n + 1, sizeof(*ids));

	*n = 0;
	if (!ids)
		return fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < s->stack.cap; i++) {
		uint64_t id = s->stack.slot[2 * i], st = s->stack.slot[2 * i + 1];
		uint64_t *place = id && map64_get(keep, id) ? map64_put(&kept, id) : NULL;

		if (place) {
			*place = st;
		} else if (id) {
			ids[(*n)++] = id;
			if (st)
				s->bytes -= stack_bytes(((struct stack *)(uintptr_t)st)->n);
			free((void *)(uintptr_t)st);
		}
	}
	map64_free(&s->stack);
	s->stack = kept;
	trim_codes(s);
	*gone = ids;
	return 0;
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
