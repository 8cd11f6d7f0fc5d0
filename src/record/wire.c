/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "record/wire.h"

#define MOST_ROOM (256ull << 20) /* bytes that may be read by one wire */

static void put(struct wire *w, const void *from, size_t n)
{
	if (w->wrong || !vec_grow((void **)&w->v, &w->cap, w->n + n, 1)) {
		w->wrong = w->wrong ? w->wrong : "out of memory";
		return;
	}
	memcpy(w->v + w->n, from, n);
	w->n += n;
}

static size_t left(const struct wire *w)
{
	return (w->end ? w->end : w->n) - w->at;
}

/* Was the object written before it had this member? */
static bool is_absent(const struct wire *w)
{
	return w->reads && w->end && !left(w);
}

static bool get(struct wire *w, void *to, size_t n)
{
	if (w->wrong || n > left(w)) {
		w->wrong = w->wrong ? w->wrong : "it ends in the middle";
		memset(to, 0, n);
		return false;
	}
	memcpy(to, w->v + w->at, n);
	w->at += n;
	return true;
}

/* Writes a number, seven bits a byte, low ones first. */
static void put_number(struct wire *w, uint64_t v)
{
	unsigned char text[10];
	size_t n = 0;

	do {
		text[n] = (unsigned char)(v & 0x7f) | (v > 0x7f ? 0x80 : 0);
		n++;
		v >>= 7;
	} while (v);
	put(w, text, n);
}

static uint64_t get_number(struct wire *w)
{
	uint64_t v = 0;
	unsigned char c = 0x80;

	for (unsigned shift = 0; c & 0x80 && get(w, &c, 1); shift += 7) {
		if (shift > 63) {
			w->wrong = "a number is too long";
			return 0;
		}
		v |= (uint64_t)(c & 0x7f) << shift;
	}
	return w->wrong ? 0 : v;
}

void wire_u64(struct wire *w, uint64_t *v)
{
	if (!w->reads)
		put_number(w, *v);
	else if (!is_absent(w))
		*v = get_number(w);
}

void wire_double(struct wire *w, double *v)
{
	if (!w->reads)
		put(w, v, sizeof(*v));
	else if (!is_absent(w))
		get(w, v, sizeof(*v));
}

void wire_numbers(struct wire *w, uint64_t *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		wire_u64(w, &v[i]);
}

void wire_doubles(struct wire *w, double *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		wire_double(w, &v[i]);
}

void wire_known(struct wire *w, double *v, double most)
{
	if (is_absent(w))
		*v = 0;
	wire_double(w, v);
	if (!w->reads || (*v >= -most && *v <= most))
		return;
	w->wrong = w->wrong ? w->wrong : "a number is out of all bounds";
	*v = 0;
}

size_t wire_count(struct wire *w, size_t n, size_t least)
{
	uint64_t v = w->reads ? 0 : n;

	wire_u64(w, &v);
	if (w->reads && v > left(w) / (least ? least : 1)) {
		w->wrong = w->wrong ? w->wrong : "it ends in the middle";
		return 0;
	}
	return w->wrong ? 0 : (size_t)v;
}

bool wire_room(struct wire *w, void **v, size_t n, size_t size)
{
	if (w->wrong)
		return false;
	if (!w->reads)
		return true;
	if (n > MOST_ROOM / size || report_bytes(w->r) - w->had + n * size > MOST_ROOM) {
		w->wrong = "it would take too much memory";
		return false;
	}
	*v = report_alloc(w->r, (n + 1) * size);
	if (*v)
		memset(*v, 0, (n + 1) * size);
	else
		w->wrong = "out of memory";
	return *v;
}

/* Writes a text with its length + 1 before it; 0 = there is none. */
static void put_string(struct wire *w, const char *v)
{
	size_t n = v ? strlen(v) : 0;

	put_number(w, v ? n + 1 : 0);
	put(w, v ? v : "", n);
}

static const char *get_string(struct wire *w)
{
	uint64_t n = get_number(w);
	char *to = NULL;

	if (!n || w->wrong)
		return NULL;
	if (n - 1 > left(w))
		w->wrong = "it ends in the middle";
	if (wire_room(w, (void **)&to, n, 1) && to)
		get(w, to, n - 1);
	return to;
}

void wire_string(struct wire *w, const char **v)
{
	if (!w->reads)
		put_string(w, *v);
	else if (!is_absent(w))
		*v = get_string(w);
}

void wire_chars(struct wire *w, char *v, size_t size)
{
	const char *text = v;

	if (is_absent(w))
		return;
	wire_string(w, &text);
	if (!w->reads)
		return;
	memset(v, 0, size);
	if (text)
		memcpy(v, text, strnlen(text, size - 1));
}

size_t wire_open(struct wire *w)
{
	size_t before = w->end;
	uint64_t n = 0;

	if (!w->reads)
		return w->n;
	wire_u64(w, &n);
	if (n > left(w)) {
		w->wrong = w->wrong ? w->wrong : "it ends in the middle";
		n = 0;
	}
	w->end = w->at + n;
	return before;
}

static void put_length(struct wire *w, size_t mark)
{
	size_t n = w->n - mark, behind;
	unsigned char length[10];

	put_number(w, n);
	behind = w->n - mark - n;
	if (w->wrong)
		return;
	/* moves the length, which was put behind the object, before it */
	memcpy(length, w->v + mark + n, behind);
	memmove(w->v + mark + behind, w->v + mark, n);
	memcpy(w->v + mark, length, behind);
}

void wire_shut(struct wire *w, size_t mark)
{
	if (!w->reads) {
		put_length(w, mark);
	} else {
		w->at = w->end;
		w->end = mark;
	}
}

int wire_error(const struct wire *w)
{
	if (!w->wrong)
		return 0;
	return fail(!strcmp(w->wrong, "out of memory") ? -ENOMEM : -EINVAL, "%s", w->wrong);
}
