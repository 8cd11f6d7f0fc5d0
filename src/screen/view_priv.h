/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Functions that the files of a view share. */
#ifndef PYLEAK_SCREEN_VIEW_PRIV_H
#define PYLEAK_SCREEN_VIEW_PRIV_H

#include "out/term.h"
#include "screen/chart.h"
#include "screen/text.h"
#include "screen/view.h"

/* frame.c */

/* Draws the title and the last line. */
void frame_draw(struct view *v, struct canvas *c);
/* Writes a text into rows [@row, @end), broken at blanks. Returns the row behind it. */
int frame_words(struct canvas *c, int row, int end, int col, int style, const char *text);
/* Shows a row as headings of a table, in reverse. */
void frame_heading(struct canvas *c, int row);

/* rows.c: the rows of a table, in the order in which they are shown */

/* Returns the process that the page is about; NULL: there is none. */
const struct report_process *rows_process(const struct view *v);
size_t rows_processes(const struct view *v);
/* Returns the process of row @i; NULL: there is none. When children are followed, row 0 is all of
 * them as one. */
const struct report_process *rows_process_at(const struct view *v, size_t i);
/* Returns the sorted indices of p->sites, which the caller frees; NULL: memory ran out. */
size_t *rows_sites(const struct view *v, const struct report_process *p);
const struct report_site *rows_site(const struct view *v);
/* Return the frame to show of a site (NULL = none), and its place: "shop.py:25". */
const struct report_frame *rows_frame(const struct report_site *s);
char *rows_where(const struct report_site *s, char *buf, size_t size);
/* Returns the first row from @from on that has the searched text, going round, or TEXT_NOWHERE. */
size_t rows_find(const struct view *v, size_t from);
/* Finds the row of the selected thing in a new report. */
void rows_follow(struct view *v);
/* Selects a row: keeps its pid or site id in the view. */
void rows_select(struct view *v, size_t row);
/* Scrolls the table, which is drawn in rows [@row, @end), so that the selected row is shown. */
void rows_scroll(struct view *v, int row, int end);

/* Pages. */
void sites_draw(struct view *v, struct canvas *c);
void processes_draw(struct view *v, struct canvas *c);
void starting_draw(struct view *v, struct canvas *c);
/* Draws and searches pages of text. */
void page_draw(struct view *v, struct canvas *c);
void page_find(struct view *v);

#endif
