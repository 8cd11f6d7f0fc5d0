/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "screen/canvas.h"

#include <stdarg.h>
#include <wchar.h>

#include "base/utf8.h"

#define MAX_CELLS   (1 << 20)
#define MAX_COLUMNS 4096 /* bound for one string: a name may be a megabyte long */

int canvas_init(struct canvas *c, int rows, int cols, bool is_ascii)
{
	*c = (struct canvas){.rows = rows, .cols = cols, .is_ascii = is_ascii};
	if (rows < 1 || cols < 1 || (long)rows * cols > MAX_CELLS)
		return fail(-EINVAL, "a screen of %d lines and %d columns cannot be drawn on", rows,
			    cols);
	c->cell = calloc((size_t)rows * (size_t)cols, sizeof(*c->cell));
	if (!c->cell)
		return fail(-ENOMEM, "out of memory");
	for (int i = 0; i < rows * cols; i++)
		c->cell[i].cols = 1;
	return 0;
}

void canvas_free(struct canvas *c)
{
	free(c->cell);
	c->cell = NULL;
}

struct cell *canvas_at(const struct canvas *c, int row, int col)
{
	if (row < 0 || row >= c->rows || col < 0 || col >= c->cols)
		return NULL;
	return &c->cell[(size_t)row * (size_t)c->cols + (size_t)col];
}

/* Returns the ASCII form of a character that reports use; NULL: it has none. */
static const char *in_ascii(uint32_t c)
{
	switch (c) {
	case 0x2192:
		return "->";
	case 0x2026:
		return "...";
	case 0x00d7:
		return "x";
	case 0x2013:
		return "-";
	default:
		return NULL;
	}
}

/* Finds how the next character of @s is shown: its text and columns. Returns the bytes taken; 0 at
 * the end of @s. */
static size_t form_of(const struct canvas *c, const char *s, char form[UTF8_FORM], int *cols)
{
	const char *other;
	uint32_t u;
	size_t n = utf8_form(s, form, &u);

	*cols = 0;
	if (n == 0)
		return 0;
	if ((uint8_t)*form >= 0x80) {
		other = c->is_ascii ? in_ascii(u) : NULL;
		*cols = c->is_ascii ? -1 : wcwidth((wchar_t)u);
		/* its width is not known, and the terminal may take it for another */
		if (other)
			snprintf(form, UTF8_FORM, "%s", other);
		else if (*cols < 0)
			snprintf(form, UTF8_FORM, "\\u%04x", (unsigned)u);
	}
	if ((uint8_t)*form < 0x80)
		*cols = (int)strlen(form);
	return n;
}

/* Clears a cell. When it is half of a wide character, the other half goes too. */
static void clear(struct canvas *c, int row, int col)
{
	struct cell *left = canvas_at(c, row, col - 1), *at = canvas_at(c, row, col);
	struct cell *right = canvas_at(c, row, col + 1);

	if (at->cols == 0 && left) {
		*left->text = '\0';
		left->cols = 1;
	}
	if (at->cols == 2 && right)
		right->cols = 1;
	*at->text = '\0';
	at->marks = 0;
	at->cols = 1;
}

static void put_wide(struct canvas *c, int row, int col, int cols, int style, const char *form)
{
	for (int i = 0; i < cols; i++) {
		clear(c, row, col + i);
		canvas_at(c, row, col + i)->style = (uint8_t)style;
	}
	strcpy(canvas_at(c, row, col)->text, form);
	canvas_at(c, row, col)->cols = (uint8_t)cols;
	if (cols == 2)
		canvas_at(c, row, col + 1)->cols = 0;
}

/* Puts a character; one that is spelt out takes a cell per letter. */
static void put_form(struct canvas *c, int row, int col, int cols, int style, const char *form)
{
	char one[2] = "";

	if ((uint8_t)*form >= 0x80) {
		put_wide(c, row, col, cols, style, form);
		return;
	}
	for (; *form; form++, col++) {
		*one = *form;
		put_wide(c, row, col, 1, style, one);
	}
}

/* Puts a mark onto the character before it. False: there is none, or it has enough marks, so the
 * mark is spelt out. */
static bool put_mark(struct canvas *c, int row, int col, const char *form)
{
	struct cell *at = canvas_at(c, row, col);

	if (at && at->cols == 0)
		at = canvas_at(c, row, col - 1);
	if (!at || !*at->text || at->marks == CANVAS_MARKS)
		return false;
	at->marks++;
	strcat(at->text, form);
	return true;
}

struct place {
	int row, col, end, style;
	int first; /* column where the text began */
	bool is_cut;
};

static void put_next(struct canvas *c, struct place *p, const char *at, char *form, int cols)
{
	uint32_t u;

	if (cols == 0 && p->col > p->first && put_mark(c, p->row, p->col - 1, form))
		return;
	if (cols == 0) {
		utf8_next(at, &u);
		snprintf(form, UTF8_FORM, "\\u%04x", (unsigned)u);
		cols = (int)strlen(form);
	}
	p->is_cut = p->col + cols > p->end;
	if (p->is_cut)
		return;
	put_form(c, p->row, p->col, cols, p->style, form);
	p->col += cols;
}

static bool begin(const struct canvas *c, struct place *p)
{
	p->first = p->col;
	p->end = p->end < c->cols ? p->end : c->cols;
	return p->row >= 0 && p->row < c->rows && p->col >= 0 && p->col < p->end;
}

/* Puts the mark of a cut text into the last column. Returns the column behind it. */
static int end_cut(struct canvas *c, struct place *p)
{
	put_wide(c, p->row, p->end - 1, 1, p->style, ">");
	return p->end;
}

int canvas_put(struct canvas *c, int row, int col, int end, int style, const char *text)
{
	struct place p = {row, col, end, style, col, false};
	char form[UTF8_FORM];
	int cols;
	size_t n;

	if (!begin(c, &p))
		return col;
	for (; !p.is_cut && (n = form_of(c, text, form, &cols)) > 0; text += n)
		put_next(c, &p, text, form, cols);
	return p.is_cut ? end_cut(c, &p) : p.col;
}

int canvas_printf(struct canvas *c, int row, int col, int end, int style, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return canvas_put(c, row, col, end, style, text);
}

int canvas_columns(const struct canvas *c, const char *text)
{
	char form[UTF8_FORM];
	int cols, sum = 0;
	size_t n;

	for (; sum < MAX_COLUMNS && (n = form_of(c, text, form, &cols)) > 0; text += n)
		sum += cols;
	return sum;
}

void canvas_right(struct canvas *c, int row, int col, int end, int style, const char *text)
{
	int from = end - canvas_columns(c, text);

	canvas_put(c, row, from > col ? from : col, end, style, text);
}

/* Returns the length of the sequence of line_style() at @s, and its style; 0: there is none. */
static size_t style_at(const char *s, int *style)
{
	static const struct {
		const char *text;
		enum style is;
	} known[] = {
		{"\x1b[0m", STYLE_PLAIN},  {"\x1b[1m", STYLE_BOLD},	 {"\x1b[2m", STYLE_DIM},
		{"\x1b[1;31m", STYLE_RED}, {"\x1b[1;33m", STYLE_YELLOW}, {"\x1b[36m", STYLE_CYAN},
		{"\x1b[32m", STYLE_GREEN},
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (!strncmp(s, known[i].text, strlen(known[i].text))) {
			*style = known[i].is;
			return strlen(known[i].text);
		}
	return 0;
}

void canvas_line(struct canvas *c, int row, int col, int end, const char *line)
{
	struct place p = {row, col, end, STYLE_PLAIN, col, false};
	char form[UTF8_FORM];
	int cols;
	size_t n;

	if (!begin(c, &p))
		return;
	while (!p.is_cut && *line) {
		n = style_at(line, &p.style);
		if (!n && (n = form_of(c, line, form, &cols)) > 0)
			put_next(c, &p, line, form, cols);
		line += n;
	}
	if (p.is_cut)
		end_cut(c, &p);
}

void canvas_clear(struct canvas *c, int row)
{
	for (int col = 0; canvas_at(c, row, col); col++)
		*canvas_at(c, row, col) = (struct cell){.cols = 1};
}

void canvas_reverse(struct canvas *c, int row, int col, int end)
{
	for (; col < end && canvas_at(c, row, col); col++)
		canvas_at(c, row, col)->style |= CANVAS_REVERSE;
}

void canvas_print(const struct canvas *c, FILE *f)
{
	for (int row = 0; row < c->rows; row++) {
		int end = c->cols;

		while (end &&
		       (!*canvas_at(c, row, end - 1)->text ||
			!strcmp(canvas_at(c, row, end - 1)->text, " ")) &&
		       canvas_at(c, row, end - 1)->cols)
			end--;
		for (int col = 0; col < end; col++) {
			const struct cell *at = canvas_at(c, row, col);

			if (at->cols)
				fputs(*at->text ? at->text : " ", f);
		}
		fputc('\n', f);
	}
}
