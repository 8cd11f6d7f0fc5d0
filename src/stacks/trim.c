/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Forgets stacks that are not needed any more, and code that no stack names. */
#include "stacks/stacks_priv.h"

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

/* Frees the codes of one address that are not in use. With @keep_newest the newest stays in any
 * case: frames further out are taken for the newest without a comparison. */
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

/* Forgets codes that no stack names: those of a program that compiles all the time would fill our
 * memory. */
static void trim_codes(struct stacks *s)
{
	struct map64 used = {0}, kept = {0};
	bool ok = list_used(s, &used);

	/* make all places first: nothing can fail after that */
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

/* Forgets ids of stacks that are gone. Without memory some others are forgotten, too. */
static void trim_current(struct stacks *s)
{
	struct map64 kept = {0};

	for (size_t i = 0; i < s->current.cap; i++) {
		uint64_t key = s->current.slot[2 * i], id = s->current.slot[2 * i + 1];
		uint64_t *to = key && stacks_find(s, id) ? map64_put(&kept, key) : NULL;

		if (to)
			*to = id;
	}
	map64_free(&s->current);
	s->current = kept;
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
			if (st)
				((struct stack *)(uintptr_t)st)->without = NULL;
		} else if (id) {
			const struct stack *old = (struct stack *)(uintptr_t)st;

			/* a hash that means another stack by now is not to be told again */
			if (!old || (old->key && stacks_current(s, old->key) == old))
				ids[(*n)++] = old ? old->key : id;
			if (old)
				s->bytes -= stack_bytes(old->n);
			free((void *)(uintptr_t)st);
		}
	}
	map64_free(&s->stack);
	s->stack = kept;
	trim_current(s);
	trim_codes(s);
	*gone = ids;
	return 0;
}
