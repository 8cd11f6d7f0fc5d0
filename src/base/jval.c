/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Parses in one pass over the text, with the open containers on a small stack. The NUL after the
 * text ends every loop, as it is in no valid JSON. */
#include "base/jval.h"

#include <math.h>

struct parser {
	char *at, *begin, *end;
	struct jval_doc *d;
	size_t open[JVAL_DEPTH]; /* indices of open containers, as pointers change with growth */
	unsigned depth;
	const char *key; /* key of the member whose value comes next */
};

static bool is_plain(char c)
{
	return (unsigned char)c >= 0x20 && c != '"' && c != '\\';
}

static int bad(const struct parser *p, const char *why)
{
	if (p->at >= p->end)
		return fail(-EINVAL, "cut short: no whole JSON text");
	return fail(-EINVAL, "no JSON: %s at byte %zu", why, (size_t)(p->at - p->begin));
}

static void skip_space(struct parser *p)
{
	while (*p->at == ' ' || *p->at == '\n' || *p->at == '\r' || *p->at == '\t')
		p->at++;
}

static int hex4(struct parser *p, unsigned *out)
{
	unsigned v = 0;

	for (int i = 0; i < 4; i++, p->at++) {
		char c = *p->at, low = c | 0x20;

		if (c >= '0' && c <= '9')
			v = v << 4 | (unsigned)(c - '0');
		else if (low >= 'a' && low <= 'f')
			v = v << 4 | (unsigned)(low - 'a' + 10);
		else
			return bad(p, "an escape that is none");
	}
	*out = v;
	return 0;
}

/* Writes a character, which is never longer than the escape it stands for. */
static char *put_utf8(char *to, unsigned c)
{
	if (c < 0x80) {
		*to++ = (char)c;
		return to;
	}
	if (c < 0x800) {
		*to++ = (char)(0xc0 | c >> 6);
	} else {
		if (c < 0x10000) {
			*to++ = (char)(0xe0 | c >> 12);
		} else {
			*to++ = (char)(0xf0 | c >> 18);
			*to++ = (char)(0x80 | (c >> 12 & 0x3f));
		}
		*to++ = (char)(0x80 | (c >> 6 & 0x3f));
	}
	*to++ = (char)(0x80 | (c & 0x3f));
	return to;
}

/* Reads an escape from after its "\u" on. Half of a pair that stands alone becomes U+FFFD. */
static int unicode(struct parser *p, char **to)
{
	unsigned c, low;
	int err = hex4(p, &c);

	if (!err && c >= 0xd800 && c < 0xdc00 && p->at[0] == '\\' && p->at[1] == 'u') {
		char *back = p->at;

		p->at += 2;
		err = hex4(p, &low);
		if (!err && low >= 0xdc00 && low < 0xe000)
			c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
		else
			p->at = back;
	}
	if (err)
		return err;
	*to = put_utf8(*to, c >= 0xd800 && c < 0xe000 ? 0xfffd : c);
	return 0;
}

static int escape(struct parser *p, char **to)
{
	static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
	char c = *++p->at;
	const char *which = c ? strchr(from, c) : NULL;

	if (c == 'u') {
		p->at++;
		return unicode(p, to);
	}
	if (!which)
		return bad(p, "an escape that is none");
	*(*to)++ = into[which - from];
	p->at++;
	return 0;
}

/* Reads a string from its opening quote on. The part before the first escape stays where it is. */
static int string(struct parser *p, const char **out, uint32_t *len)
{
	char *begin = ++p->at, *to;
	int err = 0;

	while (is_plain(*p->at))
		p->at++;
	to = p->at;
	while (!err && *p->at != '"') {
		if (*p->at == '\\')
			err = escape(p, &to);
		else if (is_plain(*p->at))
			*to++ = *p->at++;
		else
			err = bad(p, "a control character in a string");
	}
	if (err)
		return err;
	p->at++;
	*to = '\0';
	*out = begin;
	*len = (uint32_t)(to - begin);
	return 0;
}

static bool digits(struct parser *p)
{
	char *begin = p->at;

	while (*p->at >= '0' && *p->at <= '9')
		p->at++;
	return p->at > begin;
}

static int number(struct parser *p)
{
	bool ok;

	p->at += *p->at == '-';
	if (*p->at == '0') {
		p->at++;
		ok = true;
	} else {
		ok = digits(p);
	}
	if (ok && *p->at == '.') {
		p->at++;
		ok = digits(p);
	}
	if (ok && (*p->at == 'e' || *p->at == 'E')) {
		p->at++;
		p->at += *p->at == '+' || *p->at == '-';
		ok = digits(p);
	}
	return ok ? 0 : bad(p, "a number that is none");
}

static int word(struct parser *p, const char *w)
{
	for (; *w; w++, p->at++)
		if (*p->at != *w)
			return bad(p, "an unknown word");
	return 0;
}

static int container(struct parser *p, size_t at, enum jval_type type)
{
	if (p->depth == JVAL_DEPTH)
		return bad(p, "nesting too deep");
	p->d->v[at].type = type;
	p->open[p->depth++] = at;
	p->at++;
	return 0;
}

/* Reads a value, but only the opening bracket of a container. */
static int value(struct parser *p)
{
	struct jval *v = vec_push(p->d);
	size_t at = p->d->n - 1;

	if (!v)
		return fail(-ENOMEM, "out of memory");
	v->key = take(p->key);
	v->text = p->at;
	v->span = 1;
	switch (*p->at) {
	case '{':
		return container(p, at, JVAL_OBJECT);
	case '[':
		return container(p, at, JVAL_ARRAY);
	case '"':
		v->type = JVAL_STRING;
		return string(p, &v->text, &v->n);
	case 't':
		v->type = JVAL_BOOL;
		return word(p, "true");
	case 'f':
		v->type = JVAL_BOOL;
		return word(p, "false");
	case 'n':
		return word(p, "null");
	default:
		v->type = JVAL_NUMBER;
		return number(p);
	}
}

static int key(struct parser *p)
{
	uint32_t len;
	int err = *p->at == '"' ? string(p, &p->key, &len) : bad(p, "no name of a member");

	if (err)
		return err;
	skip_space(p);
	if (*p->at != ':')
		return bad(p, "no colon");
	p->at++;
	skip_space(p);
	return 0;
}

/* Reads the end of the innermost container, or the next value in it. */
static int step(struct parser *p)
{
	struct jval *v = &p->d->v[p->open[p->depth - 1]];
	bool object = v->type == JVAL_OBJECT;
	int err = 0;

	if (*p->at == (object ? '}' : ']')) {
		p->at++;
		v->span = (uint32_t)(p->d->n - p->open[--p->depth]);
		return 0;
	}
	if (v->n) {
		if (*p->at != ',')
			return bad(p, "no comma");
		p->at++;
		skip_space(p);
	}
	v->n++;
	if (object)
		err = key(p);
	return err ? err : value(p);
}

int jval_parse_next(char *text, size_t len, struct jval_doc *out)
{
	struct parser p = {.at = text, .begin = text, .end = text + len, .d = out};
	int err = 0;

	out->n = 0;
	if (len >= UINT32_MAX)
		err = fail(-EFBIG, "too long");
	/* room for as many as our texts have, as growing copies all */
	if (!err && !vec_reserve(out, len / 24 + 16))
		err = fail(-ENOMEM, "out of memory");
	skip_space(&p);
	if (!err)
		err = value(&p);
	while (!err && (skip_space(&p), p.depth))
		err = step(&p);
	if (!err && p.at != p.end)
		err = bad(&p, "more behind the end");
	if (err)
		jval_free(out);
	return err;
}

int jval_parse(char *text, size_t len, struct jval_doc *out)
{
	memset(out, 0, sizeof(*out));
	return jval_parse_next(text, len, out);
}

void jval_free(struct jval_doc *d)
{
	vec_free(d);
}

const struct jval *jval_first(const struct jval *outer)
{
	return outer && outer->n && outer->type >= JVAL_ARRAY ? outer + 1 : NULL;
}

const struct jval *jval_next(const struct jval *outer, const struct jval *v)
{
	v += v->span;
	return v < outer + outer->span ? v : NULL;
}

const struct jval *jval_get(const struct jval *object, const char *name)
{
	if (!object || object->type != JVAL_OBJECT)
		return NULL;
	jval_each(v, object) if (!strcmp(v->key, name)) return v->type == JVAL_NULL ? NULL : v;
	return NULL;
}

static const struct jval *typed(const struct jval *v, enum jval_type type)
{
	return v && v->type == type ? v : NULL;
}

const struct jval *jval_object(const struct jval *object, const char *name)
{
	return typed(jval_get(object, name), JVAL_OBJECT);
}

const struct jval *jval_array(const struct jval *object, const char *name)
{
	return typed(jval_get(object, name), JVAL_ARRAY);
}

const char *jval_string(const struct jval *v)
{
	return typed(v, JVAL_STRING) ? v->text : NULL;
}

bool jval_is_number(const struct jval *v)
{
	return v && v->type == JVAL_NUMBER;
}

double jval_double(const struct jval *v)
{
	return jval_is_number(v) ? strtod(v->text, NULL) : NAN;
}

uint64_t jval_u64(const struct jval *v)
{
	char *end;
	uint64_t whole;
	double d;

	if (!jval_is_number(v) || *v->text == '-')
		return 0;
	whole = strtoull(v->text, &end, 10); /* clamps */
	if (*end != '.' && *end != 'e' && *end != 'E')
		return whole;
	d = strtod(v->text, NULL);
	return d < 0x1p64 ? (uint64_t)d : UINT64_MAX;
}

int jval_int(const struct jval *v)
{
	double d = jval_double(v);

	if (isnan(d))
		return 0;
	return d >= INT32_MAX ? INT32_MAX : d <= INT32_MIN ? INT32_MIN : (int)d;
}

bool jval_bool(const struct jval *v)
{
	return v && v->type == JVAL_BOOL && *v->text == 't';
}
