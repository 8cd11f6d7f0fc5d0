/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The full-screen view without a terminal: keys go in, and a picture of the reports so far comes
 * out. Not thread-safe. */
#ifndef PYLEAK_SCREEN_VIEW_H
#define PYLEAK_SCREEN_VIEW_H

#include "out/out.h"
#include "screen/canvas.h"
#include "screen/history.h"

/* Keys that are no characters, behind all of Unicode. */
enum view_key {
	VIEW_UP = 0x110000,
	VIEW_DOWN,
	VIEW_LEFT,
	VIEW_RIGHT,
	VIEW_PAGE_UP,
	VIEW_PAGE_DOWN,
	VIEW_HOME,
	VIEW_END,
	VIEW_ENTER,
	VIEW_BACK, /* Esc */
	VIEW_ERASE,
	VIEW_NEXT, /* F3 */
	VIEW_REDRAW,
};

/* Wishes that the view cannot fulfil itself. */
enum view_wish {
	VIEW_NOTHING,
	VIEW_QUIT,
	VIEW_SAVE,    /* the report that is shown, as .save_as */
	VIEW_EARLIER, /* another moment of a recording */
	VIEW_LATER,
};

enum view_page {
	PAGE_PROCESSES,
	PAGE_SITES,
	PAGE_SITE,
	PAGE_TYPES,
	PAGE_FDS,
	PAGE_MEMORY,
	PAGE_LOG,
	PAGE_HELP,
};

enum view_sort { SORT_FIRST, SORT_BYTES, SORT_COUNT, SORT_LIVE, SORT_AGE, SORT_LINE, SORTS };

#define VIEW_FIND  48 /* bytes of what is searched for */
#define VIEW_DEPTH 8

/* Facts beside the report. */
struct view_now {
	const char *doing;	/* NULL: nothing that takes long */
	double doing_s;		/* for so long */
	double left_s;		/* until the end; NAN: until somebody ends it */
	size_t moment, moments; /* of a recording, from 1; 0: of a process that runs */
	const char *const *log; /* lines that were said, the last one last */
	size_t n_log;
};

struct view {
	const struct report *r; /* not ours; NULL: none yet */
	struct history history;
	struct view_now now;

	enum view_page page, back[VIEW_DEPTH];
	size_t depth;
	int pid; /* the process that was gone into or that is selected */
	bool is_tree;
	char site[17];
	size_t at, first;	   /* selected row, and the first one shown */
	size_t scroll;		   /* of a page of text */
	size_t rows_shown, n_rows; /* as drawn last */
	enum view_sort sort;
	bool is_ascii; /* the terminal has no other characters */
	int width;     /* of a page of text, as drawn last */
	bool is_reverse, is_paused, is_searching, is_saving, is_shown_once;
	char find[VIEW_FIND];
	char message[160]; /* "" = none */
	enum out_format save_as;
};

void view_init(struct view *v);
void view_free(struct view *v);
/* A new report, which stays the caller's and must be there until the next one. */
void view_show(struct view *v, const struct report *r);
void view_say(struct view *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* @key: a character, or one of those above. */
enum view_wish view_key(struct view *v, uint32_t key);
void view_draw(struct view *v, struct canvas *c);

#endif
