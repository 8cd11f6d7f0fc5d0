/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Keeps the code objects that were seen at each address, the newest first. */
#include "stacks/stacks_priv.h"

#define POOL	16384	    /* of obmalloc; 4096 up to 3.9 */
#define GOES_NS 60000000000 /* so long after it was found gone it may go again */

static void free_slots(struct code_slot *c)
{
	while (c) {
		struct code_slot *older = c->older;

		py_code_free(c->code);
		free(c);
		c = older;
	}
}

void codes_free(struct stacks *s)
{
	for (size_t i = 0; i < s->code.cap; i++)
		if (s->code.slot[2 * i])
			free_slots((struct code_slot *)(uintptr_t)s->code.slot[2 * i + 1]);
	map64_free(&s->code);
}

bool codes_same_text(const char *a, const char *b)
{
	return a && b && !strcmp(a, b);
}

void codes_count(struct stacks *s, struct code_slot *c)
{
	s->bytes -= c->bytes;
	c->bytes = sizeof(*c) + py_code_bytes(c->code);
	s->bytes += c->bytes;
}

/* Is the memory of @c free? A free block of obmalloc begins with the address of the next in its
 * pool, or with 0, where an object has its reference count; the rest still looks like the code that
 * ran there last. In free-threaded builds an object may begin with 0. */
static bool is_free(const struct stacks *s, const struct py_code *c)
{
	uint64_t addr = py_code_addr(c), word;

	return !s->rt->free_threaded && !proc_read_u64(s->rt->proc, addr, &word) &&
	       (!word || (word ^ addr) < POOL);
}

/* Notes after a look at code whether it is gone. That of files stays until one was found gone: a
 * program may give what it compiles the name of a file. */
static void note_look(const struct stacks *s, struct code_slot *c, bool is_there, uint64_t now_ns)
{
	if (is_there && !c->went_ns && !py_code_may_go(c->code))
		return;
	c->is_gone = is_there && is_free(s, c->code);
	if (c->is_gone || !is_there)
		c->went_ns = now_ns;
}

bool codes_go(const struct code_slot *c, uint64_t now_ns)
{
	return c->went_ns && now_ns - c->went_ns < GOES_NS;
}

static bool is_same(struct stacks *s, struct code_slot *slot, uint64_t now_ns, bool check)
{
	if (!check && !codes_go(slot, now_ns) && now_ns - slot->checked_ns < STACKS_CHECKED_NS)
		return true;
	slot->checked_ns = py_code_same(s->rt, slot->code) ? now_ns : 0;
	note_look(s, slot, slot->checked_ns, now_ns);
	return slot->checked_ns;
}

/* Reads the code at @addr, and its lines if only these tell it from @last; NULL: a read failed. */
static struct code_slot *read_code(struct stacks *s, uint64_t addr, const struct code_slot *last)
{
	struct code_slot *c = calloc(1, sizeof(*c));

	if (c && !py_code_read(s->rt, addr, &c->code) &&
	    (!last || !py_code_read_lines(s->rt, c->code) ||
	     !py_code_tells_same(c->code, last->code))) {
		c->addr = addr;
		return c;
	}
	free_slots(c);
	return NULL;
}

/* Puts @fresh before the others that are known to have been at its address. If one of these is the
 * same code, or was compiled from the same source, that one is put first instead. Where code like
 * it comes and goes, or other code was there since, a comparison does not prove that it was there
 * all the time, and it is in_turn: its number alone can prove that then, from since_ns on. */
static struct code_slot *put_first(struct code_slot *first, struct code_slot *fresh,
				   uint64_t now_ns)
{
	struct code_slot **at = &first, *c = fresh;
	bool others = false;

	fresh->since_ns = fresh->came_ns = now_ns;
	for (; *at && !py_code_is_again((*at)->code, fresh->code); at = &(*at)->older)
		if (!py_code_tells_same((*at)->code, fresh->code)) {
			fresh->in_turn |= py_code_is_like((*at)->code, fresh->code);
			others = true;
		}
	if (*at) {
		c = *at;
		c->in_turn |= others;
		if (c != first)
			c->came_ns = now_ns;
		*at = c->older;
		if (py_code_renumber(c->code, fresh->code))
			c->since_ns = now_ns;
		free_slots(fresh);
	}
	c->is_of_files |=
		first && (first->is_of_files ||
			  !codes_same_text(py_code_file(first->code), py_code_file(c->code)));
	if (first && first->went_ns > c->went_ns)
		c->went_ns = first->went_ns;
	c->older = first;
	return c;
}

struct code_slot *codes_at(struct stacks *s, uint64_t addr, bool check)
{
	uint64_t *v = map64_get(&s->code, addr);
	struct code_slot *slot = v ? (struct code_slot *)(uintptr_t)*v : NULL;
	uint64_t now_ns = clock_ns();
	struct code_slot *fresh;

	if (slot && is_same(s, slot, now_ns, check))
		return slot;
	fresh = read_code(s, addr, slot);
	/* no entry without code: a target may call any number the address of code */
	v = fresh ? map64_put(&s->code, addr) : NULL;
	if (!v) {
		free_slots(fresh);
		return NULL;
	}
	slot = put_first(slot, fresh, now_ns);
	slot->checked_ns = now_ns;
	note_look(s, slot, true, now_ns);
	*v = (uintptr_t)slot;
	codes_count(s, slot);
	return slot;
}

struct code_slot *codes_newest(const struct stacks *s, const struct py_code *c)
{
	const uint64_t *v = c ? map64_get(&s->code, py_code_addr(c)) : NULL;

	return v ? (struct code_slot *)(uintptr_t)*v : NULL;
}
