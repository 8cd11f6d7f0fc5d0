/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Writes a path as a line of text. */
#include "why/paths.h"

struct text {
	char *v;
	size_t n, cap;
	bool failed;
};

static void put(struct text *t, const char *s)
{
	size_t k = strlen(s);

	if (!vec_grow((void **)&t->v, &t->cap, t->n + k + 1, 1)) {
		t->failed = true;
		return;
	}
	memcpy(t->v + t->n, s, k + 1);
	t->n += k;
}

/* ", 3 entries", ", 3 entries of at most 50" */
static void put_entries(struct text *t, const struct why_step *s)
{
	char n[32];

	put(t, ", ");
	put(t, fmt_integer(n, sizeof(n), s->entries));
	put(t, s->entries == 1 ? " entry" : " entries");
	if (s->bound == WHY_UNKNOWN)
		return;
	put(t, " of at most ");
	put(t, fmt_integer(n, sizeof(n), s->bound));
}

/* "(dict, 3 entries)"; for the last step the bare type. */
static void put_type(struct text *t, const struct why_step *s, bool paren)
{
	char growth[48];

	if (!s->type)
		return;
	put(t, paren ? " (" : "");
	put(t, s->type);
	if (s->entries != WHY_UNKNOWN && (paren || s->growth > 0 || s->bound != WHY_UNKNOWN)) {
		put_entries(t, s);
		if (s->growth > 0) {
			put(t, ", +");
			put(t, fmt_count(growth, sizeof(growth), s->growth));
			put(t, "/s");
		}
	}
	put(t, paren ? ")" : "");
}

static bool same_step(const struct why_step *a, const struct why_step *b)
{
	return a->edge == b->edge && !strcmp(a->label ? a->label : "", b->label ? b->label : "") &&
	       !strcmp(a->type ? a->type : "", b->type ? b->type : "");
}

/* How many steps from @i on repeat the @period steps before them, in whole periods. */
static size_t repeats(const struct why_path *p, size_t i, size_t *period)
{
	for (*period = 1; *period <= 3 && *period < i; ++*period) {
		size_t k = 0;

		while (i + k < p->n && same_step(&p->step[i + k], &p->step[i + k - *period]))
			k++;
		k -= k % *period;
		if (k)
			return k;
	}
	return 0;
}

static void put_step(struct text *t, enum why_root root, const struct why_step *s)
{
	static const char *const before[WHY_FIELD + 1] = {
		[WHY_ATTRIBUTE] = ".",
		[WHY_KEY] = "[key] → ",
		[WHY_AS_KEY] = "key → ",
		[WHY_ITEM] = "[i] → ",
		[WHY_VARIABLE] = "local ",
		[WHY_CELL] = "closure variable ",
		[WHY_DEFAULT] = "default argument",
	};
	bool is_named = s->edge == WHY_ATTRIBUTE || s->edge == WHY_VARIABLE || s->edge == WHY_CELL;
	bool is_held = s->edge == WHY_ROOT && root != WHY_NOBODY && root != WHY_CYCLE;

	put(t, before[s->edge] ? before[s->edge] : "");
	if (is_named || s->edge == WHY_ROOT || s->edge == WHY_FIELD)
		put(t, s->label ? s->label : is_named ? "?" : "");
	if (s->edge == WHY_ROOT && !is_held)
		put(t, ": ");
	if (s->edge == WHY_FIELD && s->label)
		put(t, " → ");
	put_type(t, s, is_named || is_held || s->edge == WHY_DEFAULT);
}

int paths_text(struct why_path *p)
{
	struct text t = {0};

	for (size_t i = 0; i < p->n;) {
		const struct why_step *s = &p->step[i];
		size_t period, skip = i > 1 ? repeats(p, i, &period) : 0;

		if (skip && i + skip <= p->n) {
			put(&t, " → …");
			for (size_t k = 0; k < skip; k++)
				p->step[i + k].repeats = true;
			i += skip;
			continue;
		}
		if (i)
			put(&t, " → ");
		put_step(&t, p->root, s);
		i++;
	}
	free(p->text);
	p->text = t.v;
	return t.failed || !t.v ? fail(-ENOMEM, "out of memory for a path") : 0;
}
