/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "screen/text.h"

static int add(struct text *t, const char *line)
{
	char **slot = vec_push(&t->lines);

	if (slot)
		*slot = strdup(line);
	if (slot && *slot)
		return 0;
	t->lines.n -= slot != NULL;
	return fail(-ENOMEM, "out of memory");
}

int text_make(struct text *t, int (*write)(FILE *f, const void *ctx), const void *ctx)
{
	auto_free char *all = NULL;
	size_t size;
	FILE *f = open_memstream(&all, &size);
	char *rest, *line;
	int err;

	*t = (struct text){0};
	if (!f)
		return fail(-ENOMEM, "out of memory");
	err = write(f, ctx);
	if (fclose(f) != 0 && !err)
		err = fail(-ENOMEM, "out of memory");
	rest = err ? NULL : all;
	while (!err && rest && (line = strsep(&rest, "\n")))
		if (rest || *line)
			err = add(t, line);
	return err;
}

void text_free(struct text *t)
{
	for (size_t i = 0; i < t->lines.n; i++)
		free(t->lines.v[i]);
	vec_free(&t->lines);
}

/* Returns a copy without colours, which the caller frees. Only colours begin with an escape here,
 * because escapes of the target are spelt out. */
static char *without_colours(const char *line)
{
	char *plain = strdup(line), *to = plain;

	for (const char *at = line; plain && *at; at++)
		if (*at == '\x1b')
			at += strcspn(at, "m") - (strchr(at, 'm') == NULL);
		else
			*to++ = *at;
	if (plain)
		*to = '\0';
	return plain;
}

bool text_has(const char *line, const char *find)
{
	auto_free char *plain = without_colours(line);

	return *find && plain && strcasestr(plain, find);
}

void text_draw(const struct text *t, struct canvas *c, int row, int end, size_t first,
	       const char *find)
{
	for (; row < end && first < t->lines.n; row++, first++) {
		canvas_line(c, row, 0, c->cols, t->lines.v[first]);
		if (text_has(t->lines.v[first], find))
			canvas_reverse(c, row, 0, c->cols);
	}
}

size_t text_find(const struct text *t, const char *find, size_t from)
{
	for (size_t i = 0; i < t->lines.n; i++)
		if (text_has(t->lines.v[(from + i) % t->lines.n], find))
			return (from + i) % t->lines.n;
	return TEXT_NOWHERE;
}
