/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Numbers rely on LC_NUMERIC being "C": libc_settle() sets LC_CTYPE alone. */
#include "out/json_writer.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>

#include "base/utf8.h"

/* Keeps the errno of the write that failed: a later one may succeed, or say something else. */
static void note_error(struct json *j)
{
	if (j->err == 0 && ferror(j->f))
		j->err = errno ? errno : EIO;
}

/* Writes @c without a byte beyond ASCII. */
static void escaped(struct json *j, uint32_t c)
{
	if (c >= 0x10000) {
		fprintf(j->f, "\\u%04x", (unsigned)(0xd7c0 + (c >> 10)));
		c = 0xdc00 + (c & 0x3ff);
	}
	fprintf(j->f, "\\u%04x", (unsigned)c);
}

static void quoted(struct json *j, const char *s)
{
	uint32_t c;
	size_t n;

	fputc('"', j->f);
	for (; (n = utf8_next(s, &c)) > 0; s += n) {
		if (c == '"' || c == '\\')
			fprintf(j->f, "\\%c", (int)c);
		else if (c == '\n')
			fputs("\\n", j->f);
		else if (c == '\t')
			fputs("\\t", j->f);
		else if (c == UTF8_INVALID)
			fprintf(j->f, "\\u00%02x", (unsigned)(uint8_t)*s);
		else if (c < 0x20 || (c >= 0x7f && (c < 0xa0 || j->is_dense)) ||
			 (c == '<' && j->is_dense))
			escaped(j, c);
		else
			fwrite(s, 1, n, j->f);
	}
	fputc('"', j->f);
}

static void newline(struct json *j)
{
	if (!j->is_dense)
		fprintf(j->f, "\n%*s", j->depth, "");
}

/* Writes all that comes before a value: comma, new line, key. */
static void lead_in(struct json *j, const char *key)
{
	if (j->depth > 0) {
		bool is_flat = j->level[j->depth - 1].is_flat;

		if (!j->level[j->depth - 1].is_empty)
			fputs(is_flat && !j->is_dense ? ", " : ",", j->f);
		if (!is_flat)
			newline(j);
		j->level[j->depth - 1].is_empty = false;
	}
	if (key) {
		quoted(j, key);
		fputs(j->is_dense ? ":" : ": ", j->f);
	}
}

static void open_level(struct json *j, const char *key, bool is_array, bool is_flat)
{
	lead_in(j, key);
	fputc(is_array ? '[' : '{', j->f);
	if (j->depth >= JSON_MAX_DEPTH) { /* our shapes nest too deep, whatever the data */
		j->err = j->err ? j->err : EOVERFLOW;
		return;
	}
	j->level[j->depth].is_array = is_array;
	j->level[j->depth].is_flat = is_flat;
	j->level[j->depth].is_empty = true;
	j->depth++;
}

void json_begin(struct json *j, FILE *f)
{
	*j = (struct json){.f = f};
	errno = 0;
}

int json_end(struct json *j)
{
	fputc('\n', j->f);
	if (fflush(j->f) != 0 && j->err == 0)
		j->err = errno;
	note_error(j);
	return -j->err;
}

void json_object(struct json *j, const char *key, bool is_flat)
{
	open_level(j, key, false, is_flat);
}

void json_array(struct json *j, const char *key, bool is_flat)
{
	open_level(j, key, true, is_flat);
}

void json_close(struct json *j)
{
	if (j->depth == 0)
		return;
	j->depth--;
	if (!j->level[j->depth].is_flat && !j->level[j->depth].is_empty)
		newline(j);
	fputc(j->level[j->depth].is_array ? ']' : '}', j->f);
	note_error(j);
}

void json_string(struct json *j, const char *key, const char *s)
{
	if (!s) {
		json_null(j, key);
		return;
	}
	lead_in(j, key);
	quoted(j, s);
	note_error(j);
}

void json_number(struct json *j, const char *key, double v)
{
	if (!isfinite(v)) {
		json_null(j, key);
		return;
	}
	lead_in(j, key);
	if (fabs(v) >= 1e5 && fabs(v) < 0x1p49)
		v = round(v * 10) / 10; /* 123456.04 is written as a whole number, too */
	/* doubles hold whole numbers exactly up to 2^53 */
	if (v == round(v) && fabs(v) < 0x1p53)
		fprintf(j->f, "%" PRId64, (int64_t)v);
	else if (fabs(v) < 1e5)
		fprintf(j->f, "%.6g", v);
	else
		fprintf(j->f, "%.1f", v);
	note_error(j);
}

void json_integer(struct json *j, const char *key, int64_t v)
{
	lead_in(j, key);
	fprintf(j->f, "%" PRId64, v);
	note_error(j);
}

void json_unsigned(struct json *j, const char *key, uint64_t v)
{
	if (v == UINT64_MAX) {
		json_null(j, key);
		return;
	}
	lead_in(j, key);
	fprintf(j->f, "%" PRIu64, v);
	note_error(j);
}

void json_bool(struct json *j, const char *key, bool v)
{
	lead_in(j, key);
	fputs(v ? "true" : "false", j->f);
}

void json_null(struct json *j, const char *key)
{
	lead_in(j, key);
	fputs("null", j->f);
}
