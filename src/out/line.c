/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names, paths and source text come from the target and may hold escape sequences, half characters
 * or megabytes: each character passes print_form(). */
#include "out/line.h"

#include <stdarg.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "base/utf8.h"
#include "out/out.h"

#define MAX_COLUMNS 1000 /* also into a pipe: a name may be a megabyte long */
#define ITEM_INDENT 4

/* Finds how the next character of @s is shown, and in how many columns. Returns its bytes in @s; 0
 * at the end. */
static size_t print_form(const char *s, char form[UTF8_FORM], int *cols)
{
	uint32_t c;
	size_t n = utf8_form(s, form, &c);

	if (n == 0)
		return 0;
	/* a character that is spelled out is ASCII */
	*cols = (uint8_t)*form < 0x80 ? (int)strlen(form) : wcwidth((wchar_t)c);
	if (*cols < 0) /* the user's locale does not have it */
		*cols = 1;
	return n;
}

static void append(struct line *l, const char *s)
{
	size_t n = strlen(s);

	if (!vec_reserve(&l->text, l->text.n + n + 1)) {
		l->err = l->err ? l->err : ENOMEM;
		return;
	}
	memcpy(l->text.v + l->text.n, s, n);
	l->text.n += n;
}

static void put_form(struct line *l, const char *form, int cols)
{
	if (l->is_cut)
		return;
	if (l->width && l->col + cols > l->width) {
		l->text.n = l->mark;
		append(l, ">");
		l->is_cut = true;
		return;
	}
	append(l, form);
	l->col += cols;
	if (l->col < l->width)
		l->mark = l->text.n;
}

void line_init(struct line *l, FILE *f, int width, bool want_color)
{
	*l = (struct line){.f = f, .width = width, .want_color = want_color};
	errno = 0;
}

void line_fini(struct line *l)
{
	vec_free(&l->text);
}

void line_style(struct line *l, enum style s)
{
	static const char *const sequence[STYLE_MAX] = {
		[STYLE_PLAIN] = "\x1b[0m",     [STYLE_BOLD] = "\x1b[1m",
		[STYLE_DIM] = "\x1b[2m",       [STYLE_RED] = "\x1b[1;31m",
		[STYLE_YELLOW] = "\x1b[1;33m", [STYLE_CYAN] = "\x1b[36m",
		[STYLE_GREEN] = "\x1b[32m",
	};

	if (!l->want_color || l->is_cut)
		return;
	append(l, sequence[s]);
	l->is_styled = s != STYLE_PLAIN;
}

void line_text(struct line *l, const char *s)
{
	int cols, used = 0;
	char form[UTF8_FORM];
	size_t n;

	for (; (n = print_form(s, form, &cols)) > 0; s += n) {
		used += cols;
		if (used > MAX_COLUMNS) {
			put_form(l, "...", 3);
			return;
		}
		put_form(l, form, cols);
	}
}

static void add_formatted(struct line *l, const char *fmt, va_list ap)
{
	char text[1024];

	vsnprintf(text, sizeof(text), fmt, ap);
	line_text(l, text);
}

void line_printf(struct line *l, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_formatted(l, fmt, ap);
	va_end(ap);
}

void line_put(struct line *l, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_formatted(l, fmt, ap);
	va_end(ap);
	line_end(l);
}

int line_columns(const char *s)
{
	int cols, sum = 0;
	char form[UTF8_FORM];
	size_t n;

	for (; sum <= MAX_COLUMNS && (n = print_form(s, form, &cols)) > 0; s += n)
		sum += cols;
	return sum;
}

void line_tail(struct line *l, const char *s, int cols)
{
	int all = line_columns(s), skip, w;
	char form[UTF8_FORM];
	size_t n;

	if (all <= cols || all > MAX_COLUMNS || cols < 4) {
		line_text(l, s);
		return;
	}
	for (skip = all - (cols - 3); skip > 0 && (n = print_form(s, form, &w)) > 0; s += n)
		skip -= w;
	line_text(l, "...");
	line_text(l, s);
}

void line_pad(struct line *l, int col)
{
	while (l->col < col && !l->is_cut)
		put_form(l, " ", 1);
}

/* Begins a new line if @cols more do not fit in this one. True: it did. */
static bool break_before(struct line *l, int cols)
{
	if (!l->width || l->col <= ITEM_INDENT || l->col + cols <= l->width)
		return false;
	line_end(l);
	line_pad(l, ITEM_INDENT);
	return true;
}

void line_item(struct line *l, const char *s)
{
	if (l->has_items)
		line_text(l, ",");
	/* 2: the space before it and the comma behind it */
	if (!break_before(l, line_columns(s) + 2) && l->has_items)
		line_text(l, " ");
	line_words(l, s);
	l->has_items = true;
}

void line_words(struct line *l, const char *s)
{
	bool is_first = true;
	auto_free char *copy = strdup(s ? s : ""); /* a hostile recording has notes without text */
	char *rest = copy, *word;

	while (rest && (word = strsep(&rest, " "))) {
		if (!break_before(l, line_columns(word) + (is_first ? 0 : 1)) && !is_first)
			line_text(l, " ");
		line_text(l, word);
		is_first = false;
	}
}

void line_end(struct line *l)
{
	while (l->text.n && l->text.v[l->text.n - 1] == ' ')
		l->text.n--;
	if (l->is_styled)
		append(l, "\x1b[0m");
	append(l, "\n");
	if (l->text.n)
		fwrite(l->text.v, 1, l->text.n, l->f);
	if (l->err == 0 && ferror(l->f))
		l->err = errno ? errno : EIO;
	l->text.n = 0;
	l->mark = 0;
	l->col = 0;
	l->is_cut = l->is_styled = l->has_items = false;
}

bool out_want_color(FILE *f, bool no_color)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	if (no_color || (no && *no) || !term || strcmp(term, "dumb") == 0)
		return false;
	return isatty(fileno(f));
}

int out_width(FILE *f)
{
	const char *columns = getenv("COLUMNS");
	struct winsize w;
	long n;

	if (!isatty(fileno(f)))
		return 0;
	if (ioctl(fileno(f), TIOCGWINSZ, &w) == 0 && w.ws_col > 0)
		return w.ws_col < 20 ? 20 : w.ws_col;
	n = columns ? strtol(columns, NULL, 10) : 0;
	return n >= 20 && n <= 10000 ? (int)n : 80;
}
