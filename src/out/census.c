/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Writes a census for people: how much the process holds, how the allocator and the collector keep
 * it, and its types, largest or fastest growing first. */
#include <inttypes.h>
#include <math.h>

#include "out/term_priv.h"

#define COUNT_END  9 /* this and the next: columns in which numbers of the table end */
#define BYTES_END  21
#define RATE_END   36
#define CHURN_END  48
#define MAX_OTHERS 6 /* types of gc.garbage that are named */

static bool known(uint64_t n)
{
	return n != REPORT_UNKNOWN;
}

static const char *number(char *buf, size_t size, uint64_t n)
{
	if (known(n))
		return fmt_count(buf, size, (double)n);
	snprintf(buf, size, "?");
	return buf;
}

static void right(struct line *l, int end, const char *text)
{
	line_pad(l, end - line_columns(text));
	line_text(l, text);
}

static void put_title(struct line *l, const struct report_process *p)
{
	uint64_t objects = 0, bytes = 0;
	char text[256], n[32], b[32];

	for (size_t i = 0; i < p->n_classes; i++) {
		bytes += p->classes[i].bytes;
		if (p->classes[i].name[0] != '<')
			objects += p->classes[i].count;
	}
	line_style(l, STYLE_BOLD);
	term_name(p, text, sizeof(text));
	line_item(l, text);
	line_style(l, STYLE_PLAIN);
	snprintf(text, sizeof(text), "CPython %s", p->python_version ? p->python_version : "?");
	line_item(l, text);
	if (known(p->rss_bytes)) {
		snprintf(text, sizeof(text), "RSS %s",
			 fmt_bytes(b, sizeof(b), (double)p->rss_bytes));
		line_item(l, text);
	}
	snprintf(text, sizeof(text), "%s objects and buffers of %s",
		 fmt_count(n, sizeof(n), (double)objects), fmt_bytes(b, sizeof(b), (double)bytes));
	line_item(l, text);
	line_end(l);
}

static void put_pools(struct line *l, const struct report_process *p)
{
	bool is_mimalloc = p->free_threaded || (p->allocator && !strcmp(p->allocator, "mimalloc"));
	const struct report_pools *v = p->pools;
	char text[160], a[32], b[32];

	if (!v || !v->arena_bytes)
		return;
	line_text(l, is_mimalloc ? "  mimalloc: " : "  pymalloc: ");
	snprintf(text, sizeof(text), "%" PRIu64 " arenas of %s in all", v->arenas,
		 fmt_bytes(a, sizeof(a), (double)v->arena_bytes));
	line_item(l, text);
	snprintf(
		text, sizeof(text), "%s in use (%s)",
		fmt_bytes(a, sizeof(a), (double)v->live_bytes),
		term_percent(b, sizeof(b), 100.0 * (double)v->live_bytes / (double)v->arena_bytes));
	line_item(l, text);
	snprintf(text, sizeof(text), "%s free between live blocks",
		 fmt_bytes(a, sizeof(a), (double)v->free_bytes));
	line_item(l, text);
	snprintf(text, sizeof(text), "%s in empty pools, of which %s could be given back",
		 fmt_bytes(a, sizeof(a), (double)v->empty_bytes),
		 fmt_bytes(b, sizeof(b), (double)v->releasable_bytes));
	line_item(l, text);
	line_end(l);
}

static void put_garbage(struct line *l, const struct report_gc *g)
{
	char text[256], n[32];

	if (!g->garbage)
		return;
	snprintf(text, sizeof(text), "gc.garbage holds %s",
		 fmt_count(n, sizeof(n), (double)g->garbage));
	line_item(l, text);
	for (size_t i = 0; i < g->n_garbage_types && i < MAX_OTHERS; i++) {
		snprintf(text, sizeof(text), "%s%s %s%s", i ? "" : "(",
			 number(n, sizeof(n), g->garbage_types[i].count), g->garbage_types[i].name,
			 i + 1 < g->n_garbage_types && i + 1 < MAX_OTHERS ? "" : ")");
		if (i)
			line_item(l, text);
		else
			line_printf(l, " %s", text);
	}
}

static void put_gc(struct line *l, const struct report_gc *g)
{
	char text[160], a[32], b[32], c[32];

	if (!g)
		return;
	line_text(l, "  gc: ");
	if (!g->enabled)
		line_style(l, STYLE_YELLOW);
	line_item(l, g->enabled ? "on" : "OFF");
	line_style(l, STYLE_PLAIN);
	snprintf(text, sizeof(text), "thresholds %" PRIu64 "/%" PRIu64 "/%" PRIu64, g->threshold[0],
		 g->threshold[1], g->threshold[2]);
	line_item(l, text);
	/* a free-threaded build has one generation, and no list of it */
	if (!known(g->generation[0]) && !known(g->generation[1]) && !known(g->generation[2]))
		snprintf(text, sizeof(text), "tracks %s", number(a, sizeof(a), g->tracked));
	else
		snprintf(text, sizeof(text), "tracks %s / %s / %s by age",
			 number(a, sizeof(a), g->generation[0]),
			 number(b, sizeof(b), g->generation[1]),
			 number(c, sizeof(c), g->generation[2]));
	line_item(l, text);
	if (known(g->frozen) && g->frozen) {
		snprintf(text, sizeof(text), "%s frozen", number(a, sizeof(a), g->frozen));
		line_item(l, text);
	}
	snprintf(text, sizeof(text), "collected %s / %s / %s times",
		 number(a, sizeof(a), g->collections[0]), number(b, sizeof(b), g->collections[1]),
		 number(c, sizeof(c), g->collections[2]));
	line_item(l, text);
	if (g->uncollectable) {
		snprintf(text, sizeof(text), "%s uncollectable",
			 number(a, sizeof(a), g->uncollectable));
		line_item(l, text);
	}
	put_garbage(l, g);
	line_end(l);
}

static void put_row(struct line *l, const struct report_class_row *r, bool growth)
{
	char text[48], n[32];

	right(l, COUNT_END, fmt_count(n, sizeof(n), (double)r->count));
	right(l, BYTES_END, fmt_bytes(n, sizeof(n), (double)r->bytes));
	if (growth && isfinite(r->growth_bytes_per_s) && isfinite(r->growth_count_per_s)) {
		right(l, RATE_END, term_rate(text, sizeof(text), r->growth_bytes_per_s, false));
		fmt_count(n, sizeof(n), fabs(r->growth_count_per_s));
		snprintf(text, sizeof(text), "%c%s/s", r->growth_count_per_s < 0 ? '-' : '+', n);
		right(l, CHURN_END, text);
	} else if (growth) {
		line_pad(l, CHURN_END);
	}
	line_text(l, "  ");
	line_text(l, r->name);
	line_end(l);
}

static void put_types(struct line *l, const struct report_process *p, size_t top)
{
	bool growth = false;

	for (size_t i = 0; i < p->n_classes; i++)
		growth = growth || isfinite(p->classes[i].growth_bytes_per_s);
	line_style(l, STYLE_DIM);
	right(l, COUNT_END, "count");
	right(l, BYTES_END, "bytes");
	if (growth) {
		right(l, RATE_END, "growth");
		right(l, CHURN_END, "objects");
	}
	line_text(l, "  type");
	line_style(l, STYLE_PLAIN);
	line_end(l);
	for (size_t i = 0; i < p->n_classes && i < top; i++)
		put_row(l, &p->classes[i], growth);
	if (p->n_classes > top)
		line_put(l, "%zu more types: --top shows more, --json has all", p->n_classes - top);
}

void term_census(struct line *l, const struct report_process *p, size_t top)
{
	put_pools(l, p);
	put_gc(l, p->gc);
	line_end(l);
	put_types(l, p, top);
}

static void put_instances(struct line *l, const struct report_process *p)
{
	char n[32];

	if (!p->instances_of)
		return;
	line_end(l);
	if (!p->n_instances) {
		line_text(l, "  no object of type ");
		line_text(l, p->instances_of);
		line_end(l);
		return;
	}
	line_printf(l, "  %zu of type ", p->n_instances);
	line_text(l, p->instances_of);
	line_end(l);
	for (size_t i = 0; i < p->n_instances; i++) {
		const struct report_instance *v = &p->instances[i];

		line_printf(l, "  0x%-14" PRIx64 "  ", v->address);
		right(l, 28, fmt_bytes(n, sizeof(n), (double)v->bytes));
		if (known(v->refcount))
			line_printf(l, "  refcount %" PRIu64, v->refcount);
		if (known(v->length))
			line_printf(l, "  len %" PRIu64, v->length);
		if (v->repr) {
			line_text(l, "  ");
			line_text(l, v->repr);
		}
		line_end(l);
	}
}

static void put_lost(struct line *l, const struct report_process *p)
{
	char text[256];

	for (size_t i = 0; i < p->n_lost; i++)
		if (p->lost[i].n)
			line_put(l, "  %s", term_lost(&p->lost[i], text, sizeof(text)));
}

int out_census(FILE *f, const struct report *r, const struct out_term_opts *o)
{
	struct line l;
	int err;

	line_init(&l, f, o->width, o->color);
	for (size_t i = 0; i < r->n_processes; i++) {
		const struct report_process *p = &r->processes[i];

		if (i > 0)
			line_end(&l);
		put_title(&l, p);
		term_parts(&l, p);
		put_pools(&l, p);
		put_gc(&l, p->gc);
		put_lost(&l, p);
		line_end(&l);
		put_types(&l, p, o->top);
		put_instances(&l, p);
	}
	err = l.err;
	line_fini(&l);
	if (fflush(f) != 0 && err == 0)
		err = errno;
	return err ? fail(-err, "cannot write the census: %s", strerror(err)) : 0;
}
