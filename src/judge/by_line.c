/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Adds up the sites of one line. A line that is called in many ways has a stack for each, with few
 * survivors and little growth, which are many and much together. */
#include "judge/sites_priv.h"

void join_lines_read(struct joiner *j)
{
	struct report_frame frames[PL_MAX_FRAMES];

	for (size_t i = 0; i < j->e->n_stacks; i++) {
		size_t n = join_borrow_frames(&j->e->stack[i], frames, ARRAY_SIZE(frames));
		uint64_t line = report_line_key(frames, n, KIND_OBJECT);
		uint64_t *at = line ? map64_put(&j->lines, j->e->stack[i].id) : NULL;

		if (at)
			*at = line;
	}
}

void join_lines_sum(struct joiner *j)
{
	auto_free uint64_t *line = calloc(j->v.n + 1, sizeof(*line));
	struct map64 grows = {0};

	for (size_t i = 0; line && i < j->v.n; i++) {
		const struct report_site *s = &j->v.v[i].site;
		uint64_t *sum;

		line[i] = report_line_key(s->stack, s->n_frames, s->kind);
		sum = map64_put(&grows, line[i]);
		if (sum)
			*sum += join_milli(s->growth_bytes_per_s);
	}
	for (size_t i = 0; line && i < j->v.n; i++) {
		const uint64_t *sum = map64_get(&grows, line[i]);

		j->v.v[i].evidence.line_bytes_per_s = sum ? (double)*sum / 1000 : 0;
	}
	map64_free(&grows);
}
