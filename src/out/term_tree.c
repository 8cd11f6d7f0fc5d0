/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Writes what is told below a report on children: their notes, each once; how many were started,
 * and how many were not watched, and why. */
#include <inttypes.h>
#include <stdio.h>

#include "out/term_priv.h"
#include "report/notes.h"

static void put_note(struct line *l, const struct report_note *note)
{
	if (note->n == 1)
		line_printf(l, "  note of pid %d: ", note->first->pid);
	else if (note->is_varied)
		line_printf(l, "  note of %zu processes, with the numbers of pid %d: ", note->n,
			    note->first->pid);
	else
		line_printf(l, "  note of %zu processes: ", note->n);
	line_words(l, note->text);
	line_end(l);
}

static void put_notes(struct line *l, const struct report *r)
{
	struct report_notes notes = {0};

	for (size_t i = 0; i < r->n_processes; i++)
		report_notes_add(&notes, &r->processes[i], "");
	for (size_t i = 0; i < notes.n; i++)
		put_note(l, &notes.v[i]);
	if (notes.left)
		line_put(l, "  %zu more note%s: --json has all", notes.left,
			 notes.left == 1 ? "" : "s");
}

static void put_count(struct line *l, uint64_t n, const char *what)
{
	char text[128], count[32];

	if (!n)
		return;
	snprintf(text, sizeof(text), "%s %s", fmt_count(count, sizeof(count), (double)n), what);
	line_item(l, text);
}

void term_tree(struct line *l, const struct report *r)
{
	const struct report_tree *t = r->tree;
	uint64_t met = t->watched + t->short_lived + t->not_python + t->not_watched;
	char text[64], n[32];

	put_notes(l, r);
	line_end(l);
	snprintf(text, sizeof(text), "children: %s started",
		 fmt_count(n, sizeof(n), (double)t->started));
	line_item(l, text);
	put_count(l, t->watched, "watched");
	put_count(l, t->short_lived, "too short-lived to look at");
	put_count(l, t->not_python, "no Python");
	put_count(l, t->not_watched, "not watched: no place in time, or refused (-v says why)");
	if (!t->lost && t->started > met)
		put_count(l, t->started - met, "just started");
	put_count(l, t->no_start, "of the watched were met late: their first objects do not count");
	put_count(l, t->lost, "starts and ends missed");
	line_end(l);
}
