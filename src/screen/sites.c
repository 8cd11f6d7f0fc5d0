/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Draws the page of one process: the verdict, its memory over time, and the lines that grow. */
#include <inttypes.h>
#include <math.h>

#include "screen/view_priv.h"

#define TALL	     40 /* rows: a screen with room for more */
#define WIDE	     110
#define LINE_S	     15 /* seconds: no leak is called one earlier */
#define SLOW_S	     60
#define MEMORY_GROWS 1024 /* bytes per second: slower growth is not mentioned */

/* Columns where parts of the table begin or end; without room for types, types == end. */
struct columns {
	int class, bytes, count, live, spark, spark_end, where, types, end;
};

static struct columns columns_of(const struct canvas *c)
{
	struct columns k = {.class = 0, .bytes = 21, .count = 31, .live = 42, .spark = 43};

	k.spark_end = k.spark + (c->cols < WIDE ? 10 : 24);
	k.where = k.spark_end + 1;
	k.end = c->cols;
	k.types = k.end - (c->cols < WIDE ? 0 : (k.end - k.where) / 3);
	return k;
}

static void put_headings(const struct view *v, struct canvas *c, int row, struct columns k)
{
	const char *mark = c->is_ascii ? (v->is_reverse ? "^" : "v") : v->is_reverse ? "▲" : "▼";
	bool is_marked = v->sort != SORT_FIRST || v->is_reverse;
	char text[32];

#define HEAD(is, word) \
	(snprintf(text, sizeof(text), "%s%s", word, is_marked && v->sort == (is) ? mark : ""), text)
	canvas_put(c, row, k.class, k.bytes, STYLE_BOLD, HEAD(SORT_FIRST, "VERDICT"));
	canvas_right(c, row, k.class, k.bytes, STYLE_BOLD, HEAD(SORT_BYTES, "GROWTH"));
	canvas_right(c, row, k.bytes, k.count, STYLE_BOLD, HEAD(SORT_COUNT, "NUMBER/S"));
	canvas_right(c, row, k.count, k.live, STYLE_BOLD, HEAD(SORT_LIVE, "STAYS"));
	canvas_put(c, row, k.spark, k.spark_end, STYLE_BOLD, HEAD(SORT_AGE, "TREND"));
	canvas_put(c, row, k.where, k.end, STYLE_BOLD, HEAD(SORT_LINE, "LINE"));
	if (k.types < k.end)
		canvas_put(c, row, k.types, k.end, STYLE_BOLD, "TYPES");
#undef HEAD
	frame_heading(c, row);
}

static void put_types(struct canvas *c, int row, int col, int end, const struct report_site *s)
{
	char share[32];

	for (size_t i = 0; i < s->n_types && col < end; i++) {
		col = canvas_put(c, row, col, end, STYLE_PLAIN, i ? ", " : "");
		col = canvas_put(c, row, col, end, STYLE_PLAIN,
				 s->types[i].name ? s->types[i].name : "?");
		if (isfinite(s->types[i].share) && s->types[i].share < 0.995)
			col = canvas_printf(
				c, row, col, end, STYLE_DIM, " %s",
				term_percent(share, sizeof(share), 100 * s->types[i].share));
	}
}

static void put_numbers(struct canvas *c, int row, struct columns k, const struct report_site *s)
{
	char n[48], text[64];

	if (isfinite(s->growth_bytes_per_s))
		canvas_right(c, row, k.class + 8, k.bytes, STYLE_PLAIN,
			     term_rate(n, sizeof(n), s->growth_bytes_per_s, s->estimated));
	if (isfinite(s->growth_count_per_s)) {
		fmt_count(n, sizeof(n), fabs(s->growth_count_per_s));
		snprintf(text, sizeof(text), "%c%s", s->growth_count_per_s < 0 ? '-' : '+', n);
		canvas_right(c, row, k.bytes, k.count, STYLE_PLAIN, text);
	}
	if (isfinite(s->outstanding_bytes))
		fmt_bytes(n, sizeof(n), s->outstanding_bytes);
	else
		fmt_count(n, sizeof(n), s->outstanding_count);
	if (isfinite(s->outstanding_bytes) || isfinite(s->outstanding_count))
		canvas_right(c, row, k.count, k.live, STYLE_PLAIN, n);
}

static void put_row(const struct view *v, struct canvas *c, int row, struct columns k,
		    const struct report_process *p, const struct report_site *s)
{
	const struct history_line *h = history_site(&v->history, p, s);
	const struct report_frame *f = rows_frame(s);
	int style = term_class_style(s->verdict);
	bool grows = s->verdict <= CLASS_GROWING;
	char text[256];
	int col;

	canvas_put(c, row, k.class, k.class + 9, style,
		   term_class_word(s->verdict, text, sizeof(text)));
	put_numbers(c, row, k, s);
	if (h && h->n > 1)
		chart_spark(c, row, k.spark, k.spark_end - k.spark, grows ? style : STYLE_DIM, h->v,
			    h->n);
	rows_where(s, text, sizeof(text));
	col = canvas_put(c, row, k.where, k.types, grows ? STYLE_BOLD : STYLE_PLAIN, text);
	if (f && f->function && !report_caller_frame(s))
		col = canvas_printf(c, row, col, k.types, STYLE_PLAIN, " %.200s", f->function);
	if (k.types < k.end)
		put_types(c, row, k.types + 1, k.end, s);
	else if (col + 3 < k.end)
		put_types(c, row, col + 2, k.end, s);
}

/* Writes the facts that are known while no line grows, and how long it takes until one is named. */
static int put_waiting(const struct view *v, struct canvas *c, int row, int end,
		       const struct report_process *p)
{
	double left = LINE_S - v->r->duration_s;
	bool memory_grows = p->rss_growth_bytes_per_s > MEMORY_GROWS;
	char text[200], n[32];

	for (size_t i = 0; i < p->n_sites; i++)
		if (p->sites[i].verdict <= CLASS_GROWING)
			return row;
	snprintf(text, sizeof(text), "no line grows%s%s", p->n_sites ? " at the moment" : " so far",
		 memory_grows ? ", though memory does" : "");
	row = frame_words(c, row, end, 2, STYLE_PLAIN, text);
	if (p->windows || p->survivors) {
		snprintf(text, sizeof(text),
			 "%" PRIu64 " window%s on births so far, %s object%s of them followed",
			 p->windows, p->windows == 1 ? "" : "s",
			 fmt_count(n, sizeof(n), (double)p->survivors),
			 p->survivors == 1 ? "" : "s");
		row = frame_words(c, row, end, 2, STYLE_DIM, text);
	}
	if (v->now.moments || v->r->duration_s > SLOW_S)
		return row;
	if (left > 0)
		snprintf(text, sizeof(text),
			 "a first line can be named in %s, on a busy machine in twice that",
			 fmt_duration(n, sizeof(n), left));
	else
		snprintf(text, sizeof(text), "a leak of a few objects a second takes some minutes");
	return frame_words(c, row, end, 2, STYLE_DIM, text);
}

static int put_sites(struct view *v, struct canvas *c, int row, const struct report_process *p)
{
	auto_free size_t *order = rows_sites(v, p);
	size_t n = order ? p->n_sites : 0;
	struct columns k = columns_of(c);
	int end = c->rows - 1;

	put_headings(v, c, row++, k);
	row = put_waiting(v, c, row, end, p);
	v->n_rows = n;
	rows_scroll(v, row, end);
	for (size_t i = v->first; i < n && row < end; i++, row++) {
		put_row(v, c, row, k, p, &p->sites[order[i]]);
		if (i == v->at)
			canvas_reverse(c, row, 0, c->cols);
	}
	return row;
}

static int put_verdict(struct canvas *c, int row, const struct report_process *p)
{
	char word[16], text[1024];
	int end = row + (c->rows >= TALL ? 3 : 2), col;

	term_verdict_word(p, word, sizeof(word));
	col = canvas_put(c, row, 0, c->cols, term_verdict_style(p), word);
	if (isfinite(p->confidence) && !report_is_too_early(p))
		col = canvas_printf(c, row, col, c->cols, STYLE_PLAIN, " %.2f", p->confidence);
	snprintf(text, sizeof(text), "%.1000s", p->reason ? p->reason : "");
	return frame_words(c, row, end, col + 2, STYLE_BOLD, text);
}

static void put_limit(const struct report_process *p, char *text, size_t size)
{
	const struct report_memory *m = &p->memory;
	char eta[32], low[32], high[32], limit[32];
	size_t n = strlen(text);

	if (!m->limit_source)
		return;
	fmt_bytes(limit, sizeof(limit), (double)m->limit_bytes);
	if (!isfinite(m->eta_s)) {
		snprintf(text + n, size - n, ", limit %s (%s)", limit, m->limit_source);
		return;
	}
	fmt_duration(eta, sizeof(eta), m->eta_s);
	fmt_duration_like(low, sizeof(low), m->eta_low_s, m->eta_s);
	if (isfinite(m->eta_high_s))
		fmt_duration_like(high, sizeof(high), m->eta_high_s, m->eta_s);
	else
		snprintf(high, sizeof(high), "?");
	snprintf(text + n, size - n, ", %s in %s (%s - %s): limit %s (%s)",
		 m->limit_refuses ? "allocations fail" : "killed", eta, low, high, limit,
		 m->limit_source);
}

static int put_memory(struct canvas *c, int row, const struct report_process *p)
{
	char text[512] = "RSS ?", n[32], rate[48];

	if (p->rss_bytes != REPORT_UNKNOWN)
		snprintf(text, sizeof(text), "RSS %s",
			 fmt_bytes(n, sizeof(n), (double)p->rss_bytes));
	if (isfinite(p->rss_growth_bytes_per_s))
		snprintf(text + strlen(text), sizeof(text) - strlen(text), " (%s)",
			 term_rate(rate, sizeof(rate), p->rss_growth_bytes_per_s, false));
	put_limit(p, text, sizeof(text));
	return frame_words(c, row, row + (canvas_columns(c, text) > c->cols ? 2 : 1), 0,
			   STYLE_PLAIN, text);
}

static int put_graph(const struct view *v, struct canvas *c, int row,
		     const struct report_process *p)
{
	int rows = c->rows >= TALL ? 12 : c->rows >= 30 ? 7 : c->rows >= 20 ? 5 : 2;
	const struct history_line *h = history_process(&v->history, p);
	auto_free struct chart_point *point = calloc(p->n_series + 1, sizeof(*point));
	struct chart_area a = {row, 0, rows, c->cols, NAN};
	size_t n = 0;

	if (p->memory.limit_source && p->memory.limit_bytes != REPORT_UNKNOWN)
		a.limit = (double)p->memory.limit_bytes;
	for (size_t i = 0; point && i < p->n_series; i++)
		if (p->series[i].rss_bytes != REPORT_UNKNOWN)
			point[n++] = (struct chart_point){p->series[i].t_s,
							  (double)p->series[i].rss_bytes};
	if (n > 1)
		chart_bytes(c, &a, point, n);
	else if (h)
		chart_bytes(c, &a, h->v, h->n);
	return row + rows;
}

static int put_probe(struct canvas *c, int row, const struct report_process *p)
{
	char text[256] = "", cost[96], fds[32], n[32];

	if (isfinite(p->core_pct) || isfinite(p->slowdown_pct))
		snprintf(text, sizeof(text), "%s, ", term_cost(p, cost, sizeof(cost)));
	if (isfinite(p->coverage))
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "coverage %s, ",
			 term_percent(n, sizeof(n), 100 * p->coverage));
	if (isfinite(p->explained))
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "lines explain %s, ",
			 term_percent(n, sizeof(n), 100 * p->explained));
	snprintf(fds, sizeof(fds), "%" PRIu64 " fds, ", p->fds.open);
	if (p->fds.means && p->fds.open != REPORT_UNKNOWN &&
	    strlen(text) + strlen(fds) < (size_t)c->cols + 2)
		strcat(text, fds);
	if (*text)
		text[strlen(text) - 2] = '\0';
	canvas_put(c, row, 0, c->cols, STYLE_DIM, p->exited ? term_end(p) : text);
	return row + 1;
}

void sites_draw(struct view *v, struct canvas *c)
{
	const struct report_process *p = rows_process(v);
	int row = 1;

	v->n_rows = 0;
	if (!p) {
		canvas_put(c, 2, 2, c->cols, STYLE_PLAIN,
			   v->r->n_processes ? "this process has ended: Esc goes back"
					     : "no process was reported so far");
		return;
	}
	row = put_verdict(c, row, p);
	row = put_memory(c, row, p);
	row = put_graph(v, c, row, p);
	row = put_probe(c, row, p);
	put_sites(v, c, row, p);
}
