/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds the rows of a table and the selected one. The selected row is known by pid and site id,
 * because each report is a new one. */
#include <math.h>
#include <stdio.h>

#include "screen/view_priv.h"

size_t rows_processes(const struct view *v)
{
	return v->r ? v->r->n_processes + (v->r->tree != NULL) : 0;
}

const struct report_process *rows_process_at(const struct view *v, size_t i)
{
	bool has_tree = v->r && v->r->tree;

	if (i >= rows_processes(v))
		return NULL;
	return has_tree && i == 0 ? v->r->tree->merged : &v->r->processes[i - has_tree];
}

const struct report_process *rows_process(const struct view *v)
{
	if (v->is_tree && v->r && v->r->tree)
		return v->r->tree->merged;
	for (size_t i = 0; v->r && i < v->r->n_processes; i++)
		if (v->r->processes[i].pid == v->pid)
			return &v->r->processes[i];
	return NULL;
}

const struct report_frame *rows_frame(const struct report_site *s)
{
	const struct report_frame *own = report_own_frame(s);

	return own ? own : s->n_frames ? s->stack : NULL;
}

char *rows_where(const struct report_site *s, char *buf, size_t size)
{
	const struct report_frame *caller = report_caller_frame(s),
				  *f = caller ? caller : rows_frame(s);
	const char *file = f && f->file	    ? file_source_name(f->file)
			   : f && f->module ? file_name(f->module)
					    : "?";

	if (f && f->line > 0)
		snprintf(buf, size, "%s%.200s:%d", caller ? REPORT_UNKNOWN_CODE : "", file,
			 f->line);
	else
		snprintf(buf, size, "%.200s", file);
	return buf;
}

struct order {
	const struct view *v;
	const struct report_process *p;
};

/* Returns the value to sort by: higher ones come first, unknown ones last. */
static double number_of(const struct report_site *s, enum view_sort sort)
{
	double n = NAN;

	switch (sort) {
	case SORT_BYTES:
		n = s->growth_bytes_per_s;
		break;
	case SORT_COUNT:
		n = s->growth_count_per_s;
		break;
	case SORT_LIVE:
		n = s->outstanding_bytes;
		break;
	case SORT_AGE:
		n = s->oldest_s;
		break;
	default:
		break;
	}
	return isfinite(n) ? n : -INFINITY;
}

static int by_line(const struct report_site *a, const struct report_site *b)
{
	char at_a[256], at_b[256];

	return strcmp(rows_where(a, at_a, sizeof(at_a)), rows_where(b, at_b, sizeof(at_b)));
}

static int compare(const void *a, const void *b, void *ctx)
{
	const size_t x = *(const size_t *)a, y = *(const size_t *)b;
	const struct order *o = ctx;
	const struct report_site *s = &o->p->sites[x], *t = &o->p->sites[y];
	double m = number_of(s, o->v->sort), n = number_of(t, o->v->sort);
	int way = o->v->is_reverse ? -1 : 1, order = m < n ? 1 : m > n ? -1 : 0;

	if (o->v->sort == SORT_LINE)
		order = by_line(s, t);
	/* equal ones stay in the order of the report */
	if (!order)
		order = x < y ? -1 : x > y;
	return way * order;
}

size_t *rows_sites(const struct view *v, const struct report_process *p)
{
	size_t *order = calloc(p->n_sites + 1, sizeof(*order));

	for (size_t i = 0; order && i < p->n_sites; i++)
		order[i] = i;
	if (order)
		qsort_r(order, p->n_sites, sizeof(*order), compare,
			&(struct order){.v = v, .p = p});
	return order;
}

const struct report_site *rows_site(const struct view *v)
{
	const struct report_process *p = rows_process(v);

	for (size_t i = 0; p && i < p->n_sites; i++)
		if (!strcmp(p->sites[i].id, v->site))
			return &p->sites[i];
	return NULL;
}

static bool site_has(const struct report_site *s, const char *find)
{
	char class[16];
	bool has = text_has(term_class_word(s->verdict, class, sizeof(class)), find) ||
		   text_has(s->id, find);

	for (size_t i = 0; i < s->n_frames && !has; i++)
		has = (s->stack[i].file && text_has(s->stack[i].file, find)) ||
		      (s->stack[i].function && text_has(s->stack[i].function, find));
	for (size_t i = 0; i < s->n_types && !has; i++)
		has = s->types[i].name && text_has(s->types[i].name, find);
	return has;
}

static bool process_has(const struct report_process *p, const char *find)
{
	char name[256], class[16];

	term_name(p, name, sizeof(name));
	if (text_has(name, find) || text_has(term_verdict_word(p, class, sizeof(class)), find))
		return true;
	if (!p->container.id)
		return false;
	return text_has(term_container(&p->container, name, sizeof(name)), find);
}

size_t rows_find(const struct view *v, size_t from)
{
	const struct report_process *p = rows_process(v);
	bool is_site = v->page != PAGE_PROCESSES;
	size_t n = !is_site ? rows_processes(v) : p ? p->n_sites : 0;
	auto_free size_t *order = is_site && p ? rows_sites(v, p) : NULL;

	for (size_t i = 0; i < n && (order || !is_site); i++) {
		size_t row = (from + i) % n;

		if (is_site ? site_has(&p->sites[order[row]], v->find)
			    : process_has(rows_process_at(v, row), v->find))
			return row;
	}
	return TEXT_NOWHERE;
}

void rows_select(struct view *v, size_t row)
{
	const struct report_process *p =
		v->page == PAGE_PROCESSES ? rows_process_at(v, row) : rows_process(v);
	auto_free size_t *order = NULL;

	v->at = row;
	if (!p)
		return;
	if (v->page == PAGE_PROCESSES) {
		v->pid = p->pid;
		v->is_tree = v->r->tree && p == v->r->tree->merged;
		return;
	}
	order = rows_sites(v, p);
	if (order && row < p->n_sites)
		snprintf(v->site, sizeof(v->site), "%s", p->sites[order[row]].id);
}

static size_t find_site(const struct view *v, const struct report_process *p)
{
	auto_free size_t *order = rows_sites(v, p);

	for (size_t i = 0; order && i < p->n_sites; i++)
		if (!strcmp(p->sites[order[i]].id, v->site))
			return i;
	return SIZE_MAX;
}

static size_t find_process(const struct view *v)
{
	for (size_t i = 0; i < rows_processes(v); i++)
		if (rows_process_at(v, i) == rows_process(v))
			return i;
	return SIZE_MAX;
}

/* Finds the selected thing in a new report. The first row stays selected until the user moves,
 * because it is the worst. */
void rows_follow(struct view *v)
{
	const struct report_process *p = rows_process(v);
	size_t n = v->page == PAGE_PROCESSES ? rows_processes(v) : p ? p->n_sites : 0;
	size_t at = v->page == PAGE_PROCESSES ? find_process(v)
		    : p && *v->site	      ? find_site(v, p)
					      : SIZE_MAX;

	if (v->at == 0)
		at = 0;
	else if (at == SIZE_MAX)
		at = v->at < n ? v->at : n ? n - 1 : 0;
	rows_select(v, at);
}

void rows_scroll(struct view *v, int row, int end)
{
	v->rows_shown = row < end ? (size_t)(end - row) : 0;
	if (v->at < v->first)
		v->first = v->at;
	if (v->rows_shown && v->at >= v->first + v->rows_shown)
		v->first = v->at - v->rows_shown + 1;
}
