/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Writes the stack of a site: innermost frame first, recursion folded, deep stacks cut in the
 * middle. The end of the path and the line number are always visible. */
#include <ctype.h>
#include <inttypes.h>

#include "out/term_priv.h"

#define INDENT	      3
#define SOURCE_INDENT 7
#define HEAD_ROWS     12 /* innermost rows shown without -v */
#define TAIL_ROWS     2	 /* outermost rows shown without -v */
#define SOURCE_ROWS   3	 /* rows shown with source text without -v */
#define OUTER_FRAMES  3	 /* outer frames of libraries are folded if there are so many */
#define NATIVE_ROWS   3	 /* native frames shown of one run without -v */
#define ALIGN_MAX     44 /* longer locations do not push away the functions of all others */

struct row {
	size_t first, times; /* index of the first of .times equal frames in a row */
};

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_frame(const struct report_frame *a, const struct report_frame *b)
{
	return a->native == b->native && a->line == b->line && a->offset == b->offset &&
	       same_text(a->function, b->function) && same_text(a->file, b->file) &&
	       same_text(a->module, b->module);
}

/* The row that begins at frame @from. */
static struct row next_row(const struct report_site *s, size_t from)
{
	struct row r = {.first = from, .times = 1};

	while (from + r.times < s->n_frames &&
	       same_frame(&s->stack[from], &s->stack[from + r.times]))
		r.times++;
	return r;
}

static size_t count_rows(const struct report_site *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_frames; i += next_row(s, i).times)
		n++;
	return n;
}

static const char *where(const struct report_frame *f)
{
	if (!f->native)
		return f->file ? f->file : "?";
	if (f->file)
		return f->file;
	return f->module ? file_name(f->module) : "?";
}

/* ":42", or "+0x1f" for a native frame without a line. */
static void position(const struct report_frame *f, char *buf, size_t size)
{
	if (f->native && !f->file)
		snprintf(buf, size, "+0x%" PRIx64, f->offset);
	else if (f->line > 0)
		snprintf(buf, size, ":%d", f->line);
	else
		snprintf(buf, size, ":?");
}

static int location_columns(const struct report_frame *f)
{
	char pos[32];

	position(f, pos, sizeof(pos));
	return line_columns(where(f)) + (int)strlen(pos);
}

/* Columns of the widest location, behind which functions are lined up. */
static int alignment(const struct report_site *s)
{
	int max = 0;

	for (size_t i = 0; i < s->n_frames; i++) {
		int cols = location_columns(&s->stack[i]);

		if (cols > max && cols <= ALIGN_MAX)
			max = cols;
	}
	return max;
}

/* The index of the innermost Python frame: the line to look at. */
static size_t guilty(const struct report_site *s)
{
	size_t i = 0;

	while (i < s->n_frames && s->stack[i].native)
		i++;
	return i;
}

static void put_frame(struct line *l, const struct report_site *s, struct row r, int align)
{
	const struct report_frame *f = &s->stack[r.first];
	const char *function = f->function ? f->function : "?";
	int room = 0;
	char pos[32];

	position(f, pos, sizeof(pos));
	line_pad(l, INDENT);
	if (f->native)
		line_style(l, STYLE_DIM);
	else if (r.first == guilty(s))
		line_style(l, STYLE_BOLD);
	if (l->width) { /* cuts the path in front rather than the line number behind it */
		room = l->width - INDENT - 2 - (int)strlen(pos);
		room -= line_columns(function) < l->width / 3 ? line_columns(function)
							      : l->width / 3;
	}
	if (l->width && room >= 8)
		line_tail(l, where(f), room);
	else
		line_text(l, where(f));
	line_text(l, pos);
	line_pad(l, INDENT + align);
	line_text(l, "  ");
	line_text(l, function);
	if (f->native || r.first == guilty(s))
		line_style(l, STYLE_PLAIN);
	if (r.times > 1)
		line_printf(l, "  (%zu times)", r.times);
	line_end(l);
}

static void put_source(struct line *l, const struct report_frame *f)
{
	auto_free char *text = NULL;
	size_t n;

	if (!f->source)
		return;
	text = strdup(f->source + strspn(f->source, " \t\f"));
	n = text ? strlen(text) : 0;
	while (n > 0 && isspace((unsigned char)text[n - 1]))
		text[--n] = '\0';
	if (n == 0)
		return;
	line_pad(l, SOURCE_INDENT);
	line_text(l, text);
	line_end(l);
}

/* Leaves out native frames that say little, and all but the innermost few of each run. @out gets a
 * copy of the frames that stay, in @room; all if none would stay. Returns how many are left out. */
static size_t fold(const struct report_site *s, struct report_site *out, struct report_frame *room)
{
	size_t n = 0, run = 0;

	for (size_t i = 0; i < s->n_frames; i++) {
		const struct report_frame *f = &s->stack[i];

		run = f->native ? run : 0;
		if (f->native && (f->minor || run == NATIVE_ROWS))
			continue;
		run += f->native;
		room[n++] = *f;
	}
	*out = *s;
	if (n) {
		out->stack = room;
		out->n_frames = n;
	}
	return s->n_frames - out->n_frames;
}

static void put_stack(struct line *l, const struct report_site *s, bool verbose);

static void put_folded(struct line *l, size_t n, const char *what, const char *where)
{
	if (!n)
		return;
	line_pad(l, INDENT);
	line_style(l, STYLE_DIM);
	line_printf(l, "%zu %s frame%s%s folded (-v shows %s)", n, what, n > 1 ? "s" : "", where,
		    n > 1 ? "them" : "it");
	line_style(l, STYLE_PLAIN);
	line_end(l);
}

void term_stack(struct line *l, const struct report_site *s, bool verbose)
{
	auto_free struct report_frame *room = calloc(s->n_frames + 1, sizeof(*room));
	struct report_site shown;
	size_t folded, outer;

	if (verbose || !room) {
		put_stack(l, s, verbose);
		return;
	}
	folded = fold(s, &shown, room);
	outer = shown.truncated ? 0 : report_outer_frames(&shown);
	outer = outer >= OUTER_FRAMES ? outer : 0;
	shown.n_frames -= outer;
	put_stack(l, &shown, verbose);
	put_folded(l, outer, "library", " further out");
	put_folded(l, folded, "native", "");
}

static void put_stack(struct line *l, const struct report_site *s, bool verbose)
{
	size_t rows = count_rows(s), i = 0, hidden = 0;
	bool all = verbose || rows <= HEAD_ROWS + TAIL_ROWS + 1;
	const struct report_frame *own = report_own_frame(s);
	int align = alignment(s);
	struct row r;

	for (size_t n = 0; n < rows; n++, i += r.times) {
		r = next_row(s, i);
		if (!all && n >= HEAD_ROWS && n < rows - TAIL_ROWS) {
			hidden += r.times;
			continue;
		}
		if (hidden) {
			line_pad(l, INDENT);
			line_put(l, "... %zu frames between (-v shows them)", hidden);
			hidden = 0;
		}
		put_frame(l, s, r, align);
		if (verbose || n < SOURCE_ROWS || &s->stack[i] == own)
			put_source(l, &s->stack[i]);
	}
	if (s->n_frames == 0 || s->truncated) {
		line_pad(l, INDENT);
		line_put(l, "%s",
			 s->n_frames ? "... cut: the outer frames were not recorded"
				     : "no Python stack: a thread without Python frames");
	}
}
