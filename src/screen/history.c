/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "screen/history.h"

#include <math.h>

#define MAX_LINES 8192

void history_free(struct history *h)
{
	vec_free(&h->lines);
	map64_free(&h->by_key);
}

/* Makes a key of pid and site: ids are hex digits, and one site has the same id in each process. */
static uint64_t key_of(const struct report_process *p, const char *id)
{
	uint64_t pid = (uint64_t)(uint32_t)p->pid;
	uint64_t key = strtoull(id, NULL, 16) ^ (pid + 1) * 0x9e3779b97f4a7c15ull;

	return key ? key : 1;
}

static uint64_t key_of_process(const struct report_process *p)
{
	return key_of(p, "1");
}

static const struct history_line *find(const struct history *h, uint64_t key)
{
	uint64_t *at = map64_get(&h->by_key, key);

	return at ? &h->lines.v[*at - 1] : NULL;
}

/* Drops every second point: the shape stays. */
static void thin(struct history_line *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i += 2)
		l->v[n++] = l->v[i];
	l->n = n;
}

static struct history_line *line_of(struct history *h, uint64_t key)
{
	uint64_t *at = map64_get(&h->by_key, key);
	struct history_line *l;

	if (at)
		return &h->lines.v[*at - 1];
	l = h->lines.n < MAX_LINES ? vec_push(&h->lines) : NULL;
	at = l ? map64_put(&h->by_key, key) : NULL;
	if (!at) {
		h->lines.n -= l != NULL;
		return NULL;
	}
	*at = h->lines.n;
	l->key = key;
	return l;
}

static void add(struct history *h, uint64_t key, double t_s, double v)
{
	struct history_line *l = line_of(h, key);

	if (!l)
		return;
	l->seen = h->reports;
	/* drop points of this moment or later: a recording can go back */
	while (l->n && l->v[l->n - 1].t_s >= t_s)
		l->n--;
	if (l->n == HISTORY_POINTS)
		thin(l);
	l->v[l->n++] = (struct chart_point){t_s, v};
}

static void add_process(struct history *h, const struct report_process *p, double t_s)
{
	double rss = p->rss_bytes == REPORT_UNKNOWN ? NAN : (double)p->rss_bytes;

	add(h, key_of_process(p), t_s, rss);
	for (size_t i = 0; i < p->n_sites; i++)
		add(h, key_of(p, p->sites[i].id), t_s, p->sites[i].outstanding_bytes);
}

/* Drops lines that the last report did not have, to make room. */
static void forget(struct history *h)
{
	size_t n = 0;

	map64_free(&h->by_key);
	for (size_t i = 0; i < h->lines.n; i++) {
		uint64_t *at;

		if (h->reports - h->lines.v[i].seen > 1)
			continue;
		h->lines.v[n] = h->lines.v[i];
		at = map64_put(&h->by_key, h->lines.v[n].key);
		if (at)
			*at = ++n;
	}
	h->lines.n = n;
}

void history_add(struct history *h, const struct report *r)
{
	double t_s = isfinite(r->duration_s) ? r->duration_s : 0;

	h->reports++;
	if (h->lines.n == MAX_LINES)
		forget(h);
	for (size_t i = 0; i < r->n_processes; i++)
		add_process(h, &r->processes[i], t_s);
	if (r->tree)
		add_process(h, r->tree->merged, t_s);
}

const struct history_line *history_site(const struct history *h, const struct report_process *p,
					const struct report_site *s)
{
	return find(h, key_of(p, s->id));
}

const struct history_line *history_process(const struct history *h, const struct report_process *p)
{
	return find(h, key_of_process(p));
}
