/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Draws the frame of each page: the title, the keys, and the text that is typed. */
#include <math.h>

#include "screen/view_priv.h"

#define NARROW 50 /* columns: narrower screens have no times in the title */

int frame_words(struct canvas *c, int row, int end, int col, int style, const char *text)
{
	int at = col;
	auto_free char *copy = strdup(text);
	char *rest = copy, *word;

	while (rest && row < end && (word = strsep(&rest, " \n"))) {
		int cols = canvas_columns(c, word);

		if (at > col && at + 1 + cols > c->cols && row + 1 < end) {
			at = col;
			row++;
		}
		if (at > col)
			at = canvas_put(c, row, at, c->cols, style, " ");
		at = canvas_put(c, row, at, c->cols, style, word);
	}
	return row < end ? row + 1 : end;
}

void frame_heading(struct canvas *c, int row)
{
	canvas_reverse(c, row, 0, c->cols);
}

static void put_title(const struct view *v, struct canvas *c)
{
	const struct report_process *p = rows_process(v);
	char name[256] = "", text[128] = "", n[32];
	bool is_one = p && v->page != PAGE_PROCESSES;
	int col, end = c->cols;

	if (v->r && isfinite(v->r->duration_s))
		snprintf(text, sizeof(text), "watched %s",
			 fmt_duration(n, sizeof(n), v->r->duration_s));
	if (v->now.moments)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), ", moment %zu of %zu",
			 v->now.moment, v->now.moments);
	else if (isfinite(v->now.left_s))
		snprintf(text + strlen(text), sizeof(text) - strlen(text), ", %s left",
			 fmt_duration(n, sizeof(n), v->now.left_s));
	if (*text && !v->is_paused)
		strcat(text, " ");
	else if (v->is_paused)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "  PAUSED (p) ");
	if (c->cols < NARROW)
		*text = '\0';
	end -= canvas_columns(c, text) + 1;
	col = canvas_put(c, 0, 1, end, STYLE_BOLD, "pyleak-bpf");
	if (is_one)
		term_name(p, name, sizeof(name));
	col = canvas_put(c, 0, col + 2, end, STYLE_PLAIN, name);
	if (is_one && p->python_version)
		canvas_printf(c, 0, col, end, STYLE_PLAIN, ", CPython %s%s", p->python_version,
			      p->free_threaded ? " free-threaded" : "");
	canvas_right(c, 0, end, c->cols, STYLE_PLAIN, text);
	frame_heading(c, 0);
}

struct key_help {
	const char *key, *does;
};

static int put_keys(struct canvas *c, const struct key_help *k, size_t n)
{
	int col = 0, row = c->rows - 1;

	for (size_t i = 0; i < n; i++) {
		if (col + canvas_columns(c, k[i].key) + canvas_columns(c, k[i].does) + 1 > c->cols)
			break;
		col = canvas_put(c, row, col, c->cols, STYLE_BOLD, k[i].key);
		col = canvas_put(c, row, col, c->cols, STYLE_DIM, " ");
		col = canvas_put(c, row, col, c->cols, STYLE_PLAIN, k[i].does) + 2;
	}
	return col;
}

static void put_footer(const struct view *v, struct canvas *c)
{
	/* keys at the end are left out where there is no room */
	static const struct key_help table[] = {
		{"Enter", "open"}, {"/", "find"}, {"s", "sort"}, {"t", "types"}, {"f", "fds"},
		{"m", "memory"},   {"S", "save"}, {"h", "help"}, {"q", "quit"},	 {"p", "pause"},
	};
	static const struct key_help text[] = {
		{"Esc", "back"}, {"/", "find"},	  {"t", "types"},
		{"f", "fds"},	 {"m", "memory"}, {"S", "save"},
		{"h", "help"},	 {"q", "quit"},	  {"Up Down", "scroll"},
	};
	static const struct key_help replay[] = {
		{"Left Right", "moments"},
		{"Enter", "open"},
		{"/", "find"},
		{"s", "sort"},
		{"m", "memory"},
		{"S", "save"},
		{"h", "help"},
		{"q", "quit"},
		{"t", "types"},
		{"f", "fds"},
	};
	bool is_table = v->page == PAGE_PROCESSES || v->page == PAGE_SITES;

	if (is_table && v->now.moments > 1)
		put_keys(c, replay, ARRAY_SIZE(replay));
	else if (is_table)
		put_keys(c, table, ARRAY_SIZE(table));
	else
		put_keys(c, text, ARRAY_SIZE(text));
}

static void put_formats(struct canvas *c)
{
#define X(name, text, suffix, ...) suffix,
	static const char *const suffixes[] = {OUT_FORMATS(X, )};
#undef X
	int col = canvas_put(c, c->rows - 1, 0, c->cols, STYLE_BOLD, "save as:");

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++)
		col = canvas_printf(c, c->rows - 1, col + 1, c->cols, STYLE_PLAIN, " %zu %.*s",
				    i + 1, (int)strcspn(suffixes[i] + 1, " "), suffixes[i] + 1);
	canvas_put(c, c->rows - 1, col + 2, c->cols, STYLE_DIM, "Esc: do not save");
}

void frame_draw(struct view *v, struct canvas *c)
{
	int row = c->rows - 1, col;

	canvas_clear(c, 0);
	canvas_clear(c, row);
	put_title(v, c);
	if (v->is_searching) {
		col = canvas_printf(c, row, 0, c->cols, STYLE_BOLD, "/%s", v->find);
		col = canvas_put(c, row, col, c->cols, STYLE_PLAIN | CANVAS_REVERSE, " ");
		canvas_put(c, row, col + 1, c->cols, STYLE_YELLOW, v->message);
	} else if (v->is_saving) {
		put_formats(c);
	} else if (*v->message) {
		canvas_put(c, row, 0, c->cols, STYLE_YELLOW, v->message);
	} else {
		put_footer(v, c);
	}
}
