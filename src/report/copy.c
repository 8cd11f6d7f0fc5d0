/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copies structures, so that the source may be freed. A member that has a row in a shape is copied
 * by that. */
#include "report/shape.h"

static bool own(struct report *r, const struct shape *s, void *base);

/* Copies a text. NULL stays NULL, here and below. */
static bool own_text(struct report *r, const char **text)
{
	return !*text || (*text = report_strdup(r, *text));
}

/* Copies @n things of @size without pointers. */
static bool own_plain(struct report *r, void **at, size_t n, size_t size)
{
	void *copy = *at ? report_alloc(r, (n + 1) * size) : NULL;

	if (copy && n)
		memcpy(copy, *at, n * size);
	if (*at && !copy)
		return false;
	*at = copy;
	return true;
}

static bool own_texts(struct report *r, void **at, size_t n)
{
	const char **text;

	if (!own_plain(r, at, n, sizeof(*text)))
		return false;
	text = *at;
	for (size_t i = 0; text && i < n; i++)
		if (!own_text(r, &text[i]))
			return false;
	return true;
}

static bool own_frames(struct report *r, const struct field *f, void **at, size_t n)
{
	struct report_frame *v;

	if (!own_plain(r, at, n, sizeof(*v)))
		return false;
	v = *at;
	for (size_t i = 0; v && i < n; i++)
		if (!own(r, &f->of[v[i].native], &v[i]))
			return false;
	return true;
}

static bool own_lost(struct report *r, struct report_process *p)
{
	if (!own_plain(r, (void **)&p->lost, p->n_lost, sizeof(*p->lost)))
		return false;
	for (size_t i = 0; p->lost && i < p->n_lost; i++)
		if (!own_text(r, &p->lost[i].key) || !own_text(r, &p->lost[i].text))
			return false;
	return true;
}

static bool own_field(struct report *r, const struct field *f, void *base)
{
	void **at = (void **)((char *)base + f->offset);

	switch (f->kind) {
	case FIELD_TEXT:
	case FIELD_MAYBE:
		return own_text(r, (const char **)at);
	case FIELD_GROUP:
	case FIELD_PART:
	case FIELD_INSIDE:
		return own(r, f->of, at);
	case FIELD_POINTED:
	case FIELD_OWNED:
		return !*at || (*at = shape_copy(r, f->of, *at, 1));
	case FIELD_ARRAY:
		return (*at = shape_copy(r, f->of, *at, field_count(f, base))) != NULL;
	case FIELD_FRAMES:
		return own_frames(r, f, at, field_count(f, base));
	case FIELD_STRINGS:
		return own_texts(r, at, field_count(f, base));
	case FIELD_PARTS:
		return own_plain(r, at, 1, sizeof(struct report_parts));
	case FIELD_LOST:
		return own_lost(r, base);
	default: /* FIELD_PARTS has copied FIELD_TRIMMABLE */
		return true;
	}
}

/* Makes the copy at @base share nothing with its source. */
static bool own(struct report *r, const struct shape *s, void *base)
{
	shape_each(f, s) if (!own_field(r, f, base)) return false;
	return true;
}

void *shape_copy(struct report *r, const struct shape *s, const void *from, size_t n)
{
	char *v = report_alloc(r, (n + 1) * s->size);

	if (v && n)
		memcpy(v, from, n * s->size);
	for (size_t i = 0; v && i < n; i++)
		if (!own(r, s, v + i * s->size))
			return NULL;
	return v;
}

int report_copy(const struct report *from, struct report **out)
{
	struct report *r = NULL;
	struct report_arena *arena;
	int err = report_new(&r);

	if (err)
		return err;
	arena = r->arena;
	*r = *from;
	r->arena = arena;
	if (own(r, &shape_report, r)) {
		*out = r;
		return 0;
	}
	report_free(r);
	return fail(-ENOMEM, "no memory for a report");
}
