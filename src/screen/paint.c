/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "screen/paint.h"

#include <curses.h>

#include "screen/view.h"

#define ESCAPE_MS 25 /* farther apart, Esc and a letter are two keys */

static void begin_colors(struct paint *p)
{
	static const short color[STYLE_MAX] = {
		[STYLE_RED] = COLOR_RED,
		[STYLE_YELLOW] = COLOR_YELLOW,
		[STYLE_CYAN] = COLOR_CYAN,
		[STYLE_GREEN] = COLOR_GREEN,
	};

	if (!p->has_color || start_color() == ERR) {
		p->has_color = false;
		return;
	}
	use_default_colors();
	for (int i = STYLE_RED; i < STYLE_MAX; i++)
		init_pair((short)i, color[i], -1);
}

int paint_open(struct paint *p, bool no_color)
{
	SCREEN *s = newterm(NULL, stdout, stdin);

	*p = (struct paint){.term = s, .is_stale = true};
	if (!s)
		return fail(-ENOTTY, "the terminal cannot be painted on (TERM=%s): --no-tui",
			    getenv("TERM"));
	set_escdelay(ESCAPE_MS);
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	curs_set(0);
	p->has_color = !no_color && has_colors();
	begin_colors(p);
	return 0;
}

void paint_close(struct paint *p)
{
	if (!p->term)
		return;
	endwin();
	delscreen(p->term);
	p->term = NULL;
	canvas_free(&p->shown);
}

void paint_size(int *rows, int *cols)
{
	getmaxyx(stdscr, *rows, *cols);
}

static attr_t attributes(const struct paint *p, uint8_t style)
{
	enum style is = style & ~CANVAS_REVERSE;
	attr_t a = style & CANVAS_REVERSE ? A_REVERSE : A_NORMAL;

	if (is == STYLE_BOLD || is == STYLE_RED || is == STYLE_YELLOW)
		a |= A_BOLD;
	if (is == STYLE_DIM)
		a |= A_DIM;
	if (p->has_color && is >= STYLE_RED)
		a |= (attr_t)COLOR_PAIR(is);
	return a;
}

static void draw_row(struct paint *p, const struct canvas *c, int row)
{
	attr_t now = A_NORMAL;

	attrset(A_NORMAL);
	move(row, 0);
	for (int col = 0; col < c->cols; col++) {
		const struct cell *at = canvas_at(c, row, col);
		attr_t a = attributes(p, at->style);

		if (a != now)
			attrset((int)a);
		now = a;
		if (at->cols)
			addstr(*at->text ? at->text : " ");
	}
	attrset(A_NORMAL);
}

void paint_draw(struct paint *p, const struct canvas *c)
{
	size_t row_bytes = (size_t)c->cols * sizeof(*c->cell);
	bool is_other = p->is_stale || p->shown.rows != c->rows || p->shown.cols != c->cols;

	if (is_other) {
		canvas_free(&p->shown);
		if (canvas_init(&p->shown, c->rows, c->cols, c->is_ascii))
			return;
		clearok(stdscr, TRUE);
		erase();
	}
	for (int row = 0; row < c->rows; row++) {
		struct cell *old = canvas_at(&p->shown, row, 0), *new = canvas_at(c, row, 0);

		if (!is_other && !memcmp(old, new, row_bytes))
			continue;
		draw_row(p, c, row);
		memcpy(old, new, row_bytes);
	}
	refresh();
	p->is_stale = false;
}

void paint_again(struct paint *p)
{
	p->is_stale = true;
}

static uint32_t key_of(int code)
{
	switch (code) {
	case KEY_UP:
		return VIEW_UP;
	case KEY_DOWN:
		return VIEW_DOWN;
	case KEY_LEFT:
		return VIEW_LEFT;
	case KEY_RIGHT:
		return VIEW_RIGHT;
	case KEY_PPAGE:
		return VIEW_PAGE_UP;
	case KEY_NPAGE:
		return VIEW_PAGE_DOWN;
	case KEY_HOME:
		return VIEW_HOME;
	case KEY_END:
		return VIEW_END;
	case KEY_ENTER:
		return VIEW_ENTER;
	case KEY_BACKSPACE:
		return VIEW_ERASE;
	case KEY_F(1):
		return 'h';
	case KEY_F(3):
		return VIEW_NEXT;
	case KEY_F(6):
		return '>';
	case KEY_F(10):
		return 'q';
	default:
		return VIEW_REDRAW;
	}
}

bool paint_key(struct paint *p, uint32_t *key)
{
	wint_t c;
	int kind = get_wch(&c);

	if (kind == ERR)
		return false;
	if (kind == KEY_CODE_YES && c == KEY_RESIZE)
		paint_again(p);
	if (kind == KEY_CODE_YES)
		*key = key_of((int)c);
	else if (c == '\r' || c == '\n')
		*key = VIEW_ENTER;
	else if (c == 0x1b)
		*key = VIEW_BACK;
	else if (c == 0x7f || c == '\b')
		*key = VIEW_ERASE;
	else if (c == 0x0c)
		*key = VIEW_REDRAW;
	else
		*key = (uint32_t)c;
	if (c == 0x0c && kind != KEY_CODE_YES)
		paint_again(p);
	return true;
}
