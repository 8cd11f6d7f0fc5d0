/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "report/place.h"

#include <xxhash.h>

#define MOST_TEXT 1024 /* bytes of a line that count */

/* The low bits of a place say what it rests on. Never 0: that is no place. */
enum { IS_OFFSET = 2, IS_SOURCE = 3, BY_BITS = 3 };

struct row {
	const char *at; /* text after the indentation */
	size_t n, indent;
};

struct name {
	const char *at;
	size_t n;
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\f' || c == '\r';
}

/* Reads the next line; false: there is none. */
static bool next_row(const char **at, const char *end, struct row *r)
{
	const char *from = *at, *stop;

	if (from >= end)
		return false;
	stop = memchr(from, '\n', (size_t)(end - from));
	*at = stop ? stop + 1 : end;
	stop = stop ? stop : end;
	r->at = from;
	while (r->at < stop && is_space(*r->at))
		r->at++;
	r->indent = (size_t)(r->at - from);
	while (stop > r->at && is_space(stop[-1]))
		stop--;
	r->n = (size_t)(stop - r->at);
	return true;
}

/* Hash of a line, with runs of spaces as one. */
static uint64_t hash_row(const struct row *r)
{
	char text[MOST_TEXT];
	size_t n = 0;

	for (size_t i = 0; i < r->n && n < sizeof(text); i++)
		if (!is_space(r->at[i]))
			text[n++] = r->at[i];
		else if (n && text[n - 1] != ' ')
			text[n++] = ' ';
	return XXH64(text, n, 0);
}

static bool skip(struct row *r, const char *word)
{
	size_t n = strlen(word);

	if (r->n <= n || memcmp(r->at, word, n) != 0)
		return false;
	r->at += n;
	r->n -= n;
	return true;
}

/* Does a function or class begin here ("def f(x):", "class C:")? Then @name is its name. */
static bool begins(struct row r, struct name *name)
{
	skip(&r, "async ");
	if (!skip(&r, "def ") && !skip(&r, "class "))
		return false;
	name->at = r.at;
	name->n = 0;
	while (name->n < r.n && !is_space(r.at[name->n]) && !strchr("(:[", r.at[name->n]))
		name->n++;
	return true;
}

struct search {
	struct name name;
	size_t indent;	   /* indentation of the line that the function begins with */
	bool is_anonymous; /* a lambda, a comprehension */
	bool is_module;
	bool is_inside; /* within a function of this name */
	uint64_t wanted;
	uint64_t before; /* lines with the same text before */
};

static struct name last_name(const char *function)
{
	const char *dot = strrchr(function, '.');
	const char *at = dot ? dot + 1 : function;

	return (struct name){at, strlen(at)};
}

static void look(struct search *s, const struct row *r, bool has_begun)
{
	struct name name;

	if (!r->n)
		return;
	if (!begins(*r, &name)) {
		if (s->is_module && !r->indent)
			s->is_inside = true;
	} else if (r->indent < s->indent) {
		s->before = 0; /* another block begins */
		s->is_inside = s->is_anonymous;
	} else if (s->is_module && !r->indent) {
		s->is_inside = false;
	} else if (!s->is_anonymous && !s->is_module && r->indent == s->indent) {
		s->is_inside = name.n == s->name.n && !memcmp(name.at, s->name.at, s->name.n);
	}
	if ((s->is_inside || (has_begun && !s->is_module)) && hash_row(r) == s->wanted)
		s->before++;
}

/* Finds the first line of the function, and the line asked for. */
static bool find(struct search *s, const char *text, size_t len, int first, int line)
{
	const char *at = text, *end = text + len;
	struct row r;
	int i = 0;

	while (i < line && next_row(&at, end, &r))
		if (++i == first)
			s->indent = r.indent;
	if (i < line || !r.n)
		return false;
	s->wanted = hash_row(&r);
	return true;
}

static uint32_t place(uint64_t a, uint64_t b, uint32_t by)
{
	uint64_t h = XXH64(&b, sizeof(b), a);

	return ((uint32_t)(h ^ (h >> 32)) & ~(uint32_t)BY_BITS) | by;
}

uint32_t place_of_source(const char *text, size_t len, const char *function, int first, int line)
{
	const char *at = text, *end = text + len;
	struct search s = {.name = last_name(function)};
	struct row r;

	s.is_module = !strcmp(function, "<module>");
	s.is_anonymous = s.is_inside = !s.is_module && *s.name.at == '<';
	s.is_inside |= s.is_module;
	if (line < 1 || (!s.is_module && (first < 1 || first > line)) ||
	    !find(&s, text, len, s.is_module ? 0 : first, line))
		return 0;
	for (int i = 1; i < line && next_row(&at, end, &r); i++)
		look(&s, &r, i >= first);
	return place(s.wanted, s.before, IS_SOURCE);
}

uint32_t place_of_offset(int first, int line)
{
	return line > 0 && first >= 0 ? place((uint64_t)((int64_t)line - first), 0, IS_OFFSET) : 0;
}

enum place_by place_by(uint32_t p)
{
	return !p ? PLACE_BY_LINE : (p & BY_BITS) == IS_SOURCE ? PLACE_BY_SOURCE : PLACE_BY_OFFSET;
}
