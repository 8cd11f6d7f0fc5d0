/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Makes memory that comes with descriptors part of their cause: a file that stays open keeps its
 * object and its buffer, and goes with them when it is closed. */
#include "judge/sites_priv.h"

/* Objects and blocks for one descriptor: a text file has four objects and a buffer. */
#define LEAST_EACH 0.5
#define MOST_EACH  16

static bool same_line(const struct report_frame *a, const struct report_frame *b)
{
	return a && b && a->line == b->line && !strcmp(a->file, b->file) &&
	       !strcmp(a->function, b->function);
}

/* One line of the program called for both, or one stack did. */
static bool is_one_line(const struct report_site *s, const struct report_site *fds)
{
	char id[17];

	report_site_id(s->stack, s->n_frames, fds->kind, id);
	return !strcmp(id, fds->id) ||
	       same_line(report_program_frame(s), report_program_frame(fds));
}

/* Does this memory come from the line that opens @fds, at a pace that fits theirs? What something
 * is known to hold has a remedy of its own, and so has what nothing points to. */
static bool comes_with(const struct report_site *s, const struct report_site *fds)
{
	double each = s->growth_count_per_s / fds->growth_count_per_s;

	return (s->kind == KIND_OBJECT || s->kind == KIND_HEAP) && s->verdict <= CLASS_GROWING &&
	       s->verdict >= fds->verdict && !s->part_of && !s->is_bounded && !s->hint.code &&
	       each >= LEAST_EACH && each <= MOST_EACH && is_one_line(s, fds);
}

static bool are_fds(const struct report_site *s)
{
	return s->kind == KIND_FD && s->verdict <= CLASS_GROWING;
}

void causes_join_fds(struct report *r, struct report_process *p)
{
	for (size_t i = 0; i < p->n_sites; i++)
		for (size_t k = 0; are_fds(&p->sites[i]) && k < p->n_sites; k++) {
			const char *was = p->sites[k].id;

			if (!comes_with(&p->sites[k], &p->sites[i]))
				continue;
			p->sites[k].part_of = report_strdup(r, p->sites[i].id);
			for (size_t m = 0; m < p->n_sites; m++)
				if (p->sites[m].part_of && !strcmp(p->sites[m].part_of, was))
					p->sites[m].part_of = p->sites[k].part_of;
		}
}

bool causes_is_of_fds(const struct report_process *p, const struct report_site *s)
{
	for (size_t i = 0; s->part_of && i < p->n_sites; i++)
		if (are_fds(&p->sites[i]) && !strcmp(p->sites[i].id, s->part_of))
			return true;
	return false;
}
