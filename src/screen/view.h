/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The full-screen view without a terminal: keys go in, and a picture of the reports so far comes
 * out. One thread at a time. */
#ifndef PYLEAK_SCREEN_VIEW_H
#define PYLEAK_SCREEN_VIEW_H

#include "out/out.h"
#include "screen/canvas.h"
#include "screen/history.h"

/* Keys that are no characters have numbers above all of Unicode. */
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

/* Wishes of the user that the caller fulfils. */
enum view_wish {
	VIEW_NOTHING,
	VIEW_QUIT,
	VIEW_SAVE,    /* save the shown report as .save_as */
	VIEW_EARLIER, /* show another moment of a recording */
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

#define VIEW_FIND  48 /* bytes of the text that is searched for */
#define VIEW_DEPTH 8  /* pages to go back to */

/* Facts that no report has. */
struct view_now {
	const char *doing;	/* a step that takes long; NULL: none */
	double doing_s;		/* seconds since it began */
	double left_s;		/* seconds until the end; NAN: until the user ends it */
	size_t moment, moments; /* of a recording, from 1 on; 0: the process runs */
	const char *const *log; /* lines that were logged, the newest last */
	size_t n_log;
};

struct view {
	const struct report *r; /* the caller's; NULL: none yet */
	struct history history;
	struct view_now now;

	enum view_page page, back[VIEW_DEPTH];
	size_t depth;		   /* number of pages in back */
	int pid;		   /* the process that was opened or is selected */
	bool is_tree;		   /* ... or it and its children as one */
	char site[17];		   /* id of the selected site; "" = none */
	size_t at, first;	   /* selected row, and the first row shown */
	size_t scroll;		   /* first line shown of a page of text */
	size_t rows_shown, n_rows; /* as last drawn */
	enum view_sort sort;
	bool is_ascii; /* the terminal shows nothing but ASCII */
	int width;     /* columns of a page of text, as last drawn */
	bool is_reverse, is_paused, is_searching, is_saving, is_shown_once;
	char find[VIEW_FIND];
	char message[160]; /* "" = none */
	enum out_format save_as;
};

void view_init(struct view *v);
void view_free(struct view *v);
/* Shows a new report, which stays the caller's and must live until the next one. */
void view_show(struct view *v, const struct report *r);
/* Shows a message in the last line, until the next key or for 5 s. */
void view_say(struct view *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Obeys a key: a character, or enum view_key. Returns the wish for the caller. */
enum view_wish view_key(struct view *v, uint32_t key);
void view_draw(struct view *v, struct canvas *c);

#endif
