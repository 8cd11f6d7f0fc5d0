/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Draws the page of many processes, worst first, and the page before there is a report. */
#include <inttypes.h>
#include <math.h>

#include "screen/view_priv.h"

#define ABOUT 4 /* rows about the selected process */

static int put_sum(const struct view *v, struct canvas *c, int row)
{
	size_t n[CLASS_MAX] = {0}, all = v->r->n_processes, early = 0;
	char word[16];
	int col;

	for (size_t i = 0; i < all; i++)
		if (report_is_too_early(&v->r->processes[i]))
			early++;
		else if ((unsigned)v->r->processes[i].verdict < CLASS_MAX)
			n[v->r->processes[i].verdict]++;
	col = canvas_printf(c, row, 0, c->cols, STYLE_BOLD, "%zu Python process%s", all,
			    all == 1 ? "" : "es");
	for (int k = 0; k < CLASS_MAX; k++)
		if (n[k])
			col = canvas_printf(
				c, row, col + 2, c->cols, term_class_style((enum report_class)k),
				"%zu %s", n[k],
				term_class_word((enum report_class)k, word, sizeof(word)));
	if (early)
		col = canvas_printf(c, row, col + 2, c->cols, STYLE_DIM, "%zu too early to say",
				    early);
	if (v->r->not_watched)
		canvas_printf(c, row, col + 2, c->cols, STYLE_YELLOW,
			      "%" PRIu64 " could not be looked at", v->r->not_watched);
	return row + 1;
}

struct columns {
	int rss, rate, spark, spark_end, name;
};

static struct columns columns_of(const struct canvas *c)
{
	struct columns k = {.rss = 20, .rate = 33, .spark = 34};

	k.spark_end = k.spark + (c->cols < 110 ? 10 : 24);
	k.name = k.spark_end + 1;
	return k;
}

static void put_row(const struct view *v, struct canvas *c, int row, struct columns k,
		    const struct report_process *p)
{
	const struct history_line *h = history_process(&v->history, p);
	int style = term_verdict_style(p), col;
	char text[256];

	canvas_put(c, row, 0, k.rss, style, term_verdict_word(p, text, sizeof(text)));
	if (p->rss_bytes != REPORT_UNKNOWN)
		canvas_right(c, row, 10, k.rss, STYLE_PLAIN,
			     fmt_bytes(text, sizeof(text), (double)p->rss_bytes));
	if (isfinite(p->rss_growth_bytes_per_s))
		canvas_right(c, row, k.rss, k.rate, STYLE_PLAIN,
			     term_rate(text, sizeof(text), p->rss_growth_bytes_per_s, false));
	if (h && h->n > 1)
		chart_spark(c, row, k.spark, k.spark_end - k.spark,
			    p->verdict <= CLASS_GROWING ? style : STYLE_DIM, h->v, h->n);
	if (v->r->tree && p == v->r->tree->merged)
		snprintf(text, sizeof(text), "all of them as one");
	else
		term_name(p, text, sizeof(text));
	col = canvas_put(c, row, k.name, c->cols, STYLE_PLAIN, text);
	if (p->exited)
		col = canvas_printf(c, row, col, c->cols, STYLE_DIM, ", %s", term_end(p));
	if (p->container.id)
		canvas_printf(c, row, col, c->cols, STYLE_DIM, ", %s",
			      term_container(&p->container, text, sizeof(text)));
}

static void put_about(struct canvas *c, int row, const struct report_process *p)
{
	char text[256], word[16];
	const struct report_frame *f;
	int col;

	if (!p)
		return;
	canvas_printf(c, row, 0, c->cols, term_verdict_style(p), "%s ",
		      term_verdict_word(p, word, sizeof(word)));
	row = frame_words(c, row, row + 2, (int)strlen(word) + 1, STYLE_PLAIN,
			  p->reason ? p->reason : "");
	f = p->n_sites ? rows_frame(p->sites) : NULL;
	if (!f)
		return;
	col = canvas_put(c, row, 0, c->cols, STYLE_BOLD, rows_where(p->sites, text, sizeof(text)));
	if (!report_caller_frame(p->sites))
		canvas_printf(c, row, col, c->cols, STYLE_PLAIN, "  %.200s",
			      f->function ? f->function : "?");
}

void processes_draw(struct view *v, struct canvas *c)
{
	struct columns k = columns_of(c);
	int row = put_sum(v, c, 1), end = c->rows - 1 - ABOUT;

	canvas_put(c, row, 0, k.rss, STYLE_BOLD, "VERDICT");
	canvas_right(c, row, 10, k.rss, STYLE_BOLD, "RSS");
	canvas_right(c, row, k.rss, k.rate, STYLE_BOLD, "GROWTH");
	canvas_put(c, row, k.spark, k.spark_end, STYLE_BOLD, "TREND");
	canvas_put(c, row, k.name, c->cols, STYLE_BOLD, "PROCESS");
	frame_heading(c, row++);
	v->n_rows = rows_processes(v);
	rows_scroll(v, row, end);
	for (size_t i = v->first; i < v->n_rows && row < end; i++, row++) {
		put_row(v, c, row, k, rows_process_at(v, i));
		if (i == v->at)
			canvas_reverse(c, row, 0, c->cols);
	}
	put_about(c, end + 1, rows_process_at(v, v->at));
}

void starting_draw(struct view *v, struct canvas *c)
{
	char n[32];
	int row = 2;

	v->n_rows = 0;
	if (v->now.doing)
		canvas_printf(c, row++, 2, c->cols, STYLE_BOLD, "%s ... %s", v->now.doing,
			      fmt_duration(n, sizeof(n), v->now.doing_s));
	row = frame_words(c, row + 1, c->rows - 1, 2, STYLE_PLAIN,
			  "1. The interpreter is found, its memory layout checked, and probes are "
			  "loaded: a second or two, on a busy host or an older kernel ten.");
	row = frame_words(
		c, row, c->rows - 1, 2, STYLE_PLAIN,
		"2. Windows of some milliseconds show which lines make objects; later looks "
		"from outside show which objects are still there.");
	row = frame_words(
		c, row, c->rows - 1, 2, STYLE_PLAIN,
		"3. A line that grows is named after some seconds, and called a leak after 15 "
		"at the earliest, 20 to 30 on a busy machine. A slow leak takes minutes.");
	frame_words(c, row + 1, c->rows - 1, 2, STYLE_DIM,
		    "Nothing is written into the program, and it is never stopped.");
}
