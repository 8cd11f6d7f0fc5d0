/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The pages of a view. */
#ifndef PYLEAK_SCREEN_VIEW_PRIV_H
#define PYLEAK_SCREEN_VIEW_PRIV_H

#include "out/term.h"
#include "screen/chart.h"
#include "screen/text.h"
#include "screen/view.h"

/* frame.c */

/* Title and last line. */
void frame_draw(struct view *v, struct canvas *c);
/* A sentence in rows [@row, @end), broken at blanks; returns the row behind it. */
int frame_words(struct canvas *c, int row, int end, int col, int style, const char *text);
/* Headings of a table, up to the end of the row. */
void frame_heading(struct canvas *c, int row);

/* rows.c: the lines of a table, in the order they are shown */

/* The process that the page is about; NULL: there is none. */
const struct report_process *rows_process(const struct view *v);
size_t rows_processes(const struct view *v);
/* All of them and those they started, as one, comes first. */
const struct report_process *rows_process_at(const struct view *v, size_t i);
/* Indices of p->sites, which the caller frees; NULL when memory ran out. */
size_t *rows_sites(const struct view *v, const struct report_process *p);
const struct report_site *rows_site(const struct view *v);
/* The frame to show of a site, NULL = none, and where it is: "shop.py:25". */
const struct report_frame *rows_frame(const struct report_site *s);
char *rows_where(const struct report_frame *f, char *buf, size_t size);
/* The next row from @from on that has what is searched for, going round; TEXT_NOWHERE. */
size_t rows_find(const struct view *v, size_t from);
/* Where the selected thing of the last report is now. */
void rows_follow(struct view *v);
/* The row that is selected, into v->pid or v->site. */
void rows_select(struct view *v, size_t row);
/* The table is drawn from line @row to before @end: the selected row is among those shown. */
void rows_scroll(struct view *v, int row, int end);

/* Pages. */
void sites_draw(struct view *v, struct canvas *c);
void processes_draw(struct view *v, struct canvas *c);
void starting_draw(struct view *v, struct canvas *c);
/* Those of text. */
void page_draw(struct view *v, struct canvas *c);
void page_find(struct view *v);

#endif
