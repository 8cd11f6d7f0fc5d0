/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Draws pages of text: one site, types, descriptors, memory, log, help. */
#include <inttypes.h>
#include <math.h>

#include "report/notes.h"
#include "screen/view_priv.h"

#define CHART_ROWS 6
#define BAR	   20

struct page {
	const struct view *v;
	const struct report_process *p;
	int width;
};

static void put(struct line *l, const char *text)
{
	line_words(l, text);
	line_end(l);
}

static void put_site(struct line *l, const struct page *page)
{
	const struct report_site *s = rows_site(page->v);
	size_t rank = 0;

	if (!s) {
		put(l, "  this line does not grow any more: it is in the last report no more");
		return;
	}
	while (&page->p->sites[rank] != s)
		rank++;
	term_site(l, s, (struct term_place){.rank = rank + 1}, true);
}

static void put_types(struct line *l, const struct page *page)
{
	if (page->p->n_classes)
		term_census(l, page->p, SIZE_MAX);
	else
		put(l, "  not known yet: the first walk through the heap takes seconds, and begins "
		       "when something grows. At once: pyleak-bpf census -p PID");
}

static void put_fds(struct line *l, const struct page *page)
{
	const struct report_process *p = page->p;
	size_t n = 0;

	if (!p->fds.means)
		put(l, "  descriptors are not watched");
	term_fds(l, p, true);
	for (size_t i = 0; i < p->n_sites; i++)
		if (p->sites[i].kind == KIND_FD || p->sites[i].kind == KIND_THREAD) {
			term_site(l, &p->sites[i], (struct term_place){.rank = i + 1}, false);
			n++;
		}
	if (!n)
		put(l, "  no line has opened descriptors or started threads that stay");
}

static void put_number(struct line *l, const char *what, uint64_t bytes)
{
	char n[32];

	if (bytes == REPORT_UNKNOWN)
		return;
	line_pad(l, 2);
	line_put(l, "%10s  %s", fmt_bytes(n, sizeof(n), (double)bytes), what);
}

static void put_bar(struct line *l, double share, bool is_ascii)
{
	int full = (int)round(share * BAR);

	for (int i = 0; i < BAR; i++)
		line_text(l, i >= full ? " " : is_ascii ? "#" : "█");
}

static void put_part(struct line *l, const struct report_parts *v, enum report_part k, double all,
		     bool is_ascii)
{
	char n[32], rate[48] = "";

	if (v->growth[k] > 0.0001 * all || v->growth[k] < -0.0001 * all)
		term_rate(rate, sizeof(rate), v->growth[k], false);
	line_printf(l, "  %10s %13s  ", fmt_bytes(n, sizeof(n), (double)v->bytes[k]), rate);
	line_style(l, STYLE_CYAN);
	put_bar(l, (double)v->bytes[k] / all, is_ascii);
	line_style(l, STYLE_PLAIN);
	line_put(l, " %s", term_part_words(k));
}

static void put_parts(struct line *l, const struct report_parts *v, bool is_ascii)
{
	double all = 0;
	char n[32];

	for (size_t i = 0; v && i < PART_MAX; i++)
		all += (double)v->bytes[i];
	if (!v || !(all > 0)) {
		put(l, "  of what it is made is not known yet");
		return;
	}
	line_style(l, STYLE_BOLD);
	put(l, "What resident memory is made of");
	line_style(l, STYLE_PLAIN);
	for (size_t i = 0; i < PART_MAX; i++)
		put_part(l, v, (enum report_part)i, all, is_ascii);
	if (v->trimmable)
		line_put(l, "  malloc_trim(0) in the process would give back %s",
			 fmt_bytes(n, sizeof(n), (double)v->trimmable));
	line_end(l);
}

static void put_memory(struct line *l, const struct page *page)
{
	const struct report_process *p = page->p;
	const struct report_memory *m = &p->memory;

	put_parts(l, p->parts, page->v->is_ascii);
	term_hint(l, &p->hint);
	term_limit(l, page->v->r, p, 2);
	put_number(l, "resident (RSS)", p->rss_bytes);
	put_number(l, "its share of it (PSS)", m->pss);
	put_number(l, "anonymous", m->anon);
	put_number(l, "of its own", m->private_bytes);
	put_number(l, "shared with others", m->shared);
	put_number(l, "in swap", m->swap);
	put_number(l, "in huge pages", m->huge);
	if (m->cgroup.version) {
		line_end(l);
		line_text(l, "  cgroup ");
		line_text(l, m->cgroup.path ? m->cgroup.path : "?");
		line_end(l);
		put_number(l, "in use", m->cgroup.current);
		put_number(l, "of these page cache", m->cgroup.file);
		put_number(l, "limit", m->cgroup.limit);
		put_number(l, "throttled from there on (memory.high)", m->cgroup.high);
	}
	if (p->pools || p->gc)
		line_end(l);
}

static void put_log(struct line *l, const struct page *page)
{
	const struct report_process *p = page->p;
	bool is_empty = !page->v->now.n_log && (!p || !p->n_notes);
	char text[512];

	for (size_t i = 0; p && i < p->n_notes; i++) {
		line_text(l, "  note: ");
		put(l, report_note_text(p, i, text, sizeof(text)));
	}
	for (size_t i = 0; p && i < p->n_lost; i++)
		if (p->lost[i].n) {
			line_text(l, "  ");
			put(l, term_lost(&p->lost[i], text, sizeof(text)));
			is_empty = false;
		}
	for (size_t i = 0; i < page->v->now.n_log; i++)
		put(l, page->v->now.log[i]);
	if (is_empty)
		put(l, "  nothing was said so far");
}

static void put_help(struct line *l)
{
	static const char *const rows[][2] = {
		{"Up Down j k", "select, or scroll"},
		{"PgUp PgDn Home End", "the same, farther"},
		{"Enter", "open: a process, then a line with its stack, types, holder, ages"},
		{"Esc Backspace", "back"},
		{"/ text, n", "search for a function, file, type or verdict; the next one"},
		{"s < > I", "sort by another column; the other way round"},
		{"t", "objects by type, after the first walk through the heap"},
		{"f", "descriptors, sockets, threads, by line"},
		{"m", "memory by part, limits"},
		{"l", "notes, losses, what was logged"},
		{"p", "pause: the picture stands, the watch goes on"},
		{"S", "save the report that is shown, into the current directory"},
		{"Left Right", "of a recording: the moment before, the next one"},
		{"Ctrl-L", "draw anew"},
		{"q, Ctrl-C", "end; the final report is printed"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		line_pad(l, 2);
		line_style(l, STYLE_BOLD);
		line_text(l, rows[i][0]);
		line_style(l, STYLE_PLAIN);
		line_pad(l, 22);
		put(l, rows[i][1]);
	}
	line_end(l);
	put(l,
	    "  LEAK: rises in a straight line, survivors grow old and outlive the collector. "
	    "GROWING: "
	    "rises, more is to be seen yet. warmup: grew and has levelled off. bloat: goes up and "
	    "comes back. retention: memory is kept though live objects do not grow.");
	put(l,
	    "  ~ marks an estimate. STAYS: bytes that were allocated since the watch began and are "
	    "there still; TREND is their course. The number behind a verdict is its confidence.");
}

static int write_page(FILE *f, const void *ctx)
{
	const struct page *page = ctx;
	enum view_page is = page->v->page;
	struct line l;

	line_init(&l, f, page->width, true);
	if (is == PAGE_HELP)
		put_help(&l);
	else if (is == PAGE_LOG)
		put_log(&l, page);
	else if (!page->p)
		put(&l, "  this process has ended");
	else if (is == PAGE_SITE)
		put_site(&l, page);
	else if (is == PAGE_TYPES)
		put_types(&l, page);
	else if (is == PAGE_FDS)
		put_fds(&l, page);
	else
		put_memory(&l, page);
	line_fini(&l);
	return 0;
}

static int make(const struct view *v, int width, struct text *out)
{
	const struct page page = {v, rows_process(v), width};

	return text_make(out, write_page, &page);
}

/* Draws the live bytes of a site over time. Returns the row behind. */
static int put_chart(const struct view *v, struct canvas *c, int row)
{
	const struct report_process *p = rows_process(v);
	const struct report_site *s = rows_site(v);
	const struct history_line *h = s && p ? history_site(&v->history, p, s) : NULL;
	struct chart_area a = {row + 1, 0, CHART_ROWS, c->cols, NAN};

	if (!h || h->n < 2 || c->rows < 20 || !isfinite(s->outstanding_bytes))
		return row;
	canvas_put(c, row, 0, c->cols, STYLE_DIM, "what stays of this line, over time");
	chart_bytes(c, &a, h->v, h->n);
	return row + 1 + CHART_ROWS;
}

void page_draw(struct view *v, struct canvas *c)
{
	struct text t;
	int row = v->page == PAGE_SITE ? put_chart(v, c, 1) : 1, end = c->rows - 1;

	if (make(v, c->cols, &t) == 0) {
		v->n_rows = t.lines.n;
		v->rows_shown = (size_t)(end - row);
		if (v->scroll + v->rows_shown > v->n_rows)
			v->scroll = v->n_rows > v->rows_shown ? v->n_rows - v->rows_shown : 0;
		v->width = c->cols;
		text_draw(&t, c, row, end, v->scroll, v->find);
	}
	text_free(&t);
}

void page_find(struct view *v)
{
	struct text t;
	size_t at = TEXT_NOWHERE;

	if (make(v, v->width, &t) == 0)
		at = text_find(&t, v->find, v->scroll);
	if (at == TEXT_NOWHERE)
		view_say(v, "that is nowhere here");
	else
		v->scroll = at;
	text_free(&t);
}
