/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Writes the parts that RSS is made of, largest first: Python's objects are only one of them. */
#include <math.h>

#include "out/term_priv.h"

#define LEAST_SHARE 0.01 /* share of RSS: smaller parts are not named */
#define LEAST_TRIM  (1u << 20)

const char *term_part_words(enum report_part p)
{
	static const char *const text[PART_MAX] = {
		[PART_PYTHON_LIVE] = "Python objects",
		[PART_PYTHON_SLACK] = "free in Python's arenas",
		[PART_MALLOC_LIVE] = "malloc in use",
		[PART_MALLOC_SLACK] = "freed to malloc, not given back",
		[PART_MMAP] = "other mappings",
		[PART_FILE] = "files and libraries",
		[PART_STACKS] = "stacks",
		[PART_OTHER] = "other",
	};

	return text[p];
}

void term_parts(struct line *l, const struct report_process *p)
{
	const struct report_parts *v = p->parts;
	char text[160], bytes[32], rate[32];
	bool done[PART_MAX] = {0};
	double sum = 0;

	if (!v)
		return;
	for (size_t i = 0; i < PART_MAX; i++)
		sum += (double)v->bytes[i];
	line_text(l, "  RSS: ");
	for (;;) {
		size_t best = PART_MAX;

		for (size_t i = 0; i < PART_MAX; i++)
			if (!done[i] && (best == PART_MAX || v->bytes[i] > v->bytes[best]))
				best = i;
		if (best == PART_MAX || (double)v->bytes[best] < LEAST_SHARE * sum)
			break;
		done[best] = true;
		snprintf(text, sizeof(text), "%s %s",
			 fmt_bytes(bytes, sizeof(bytes), (double)v->bytes[best]),
			 term_part_words((enum report_part)best));
		/* growth of less than a ten-thousandth of all per second is mostly noise */
		if (v->growth[best] > 0.0001 * sum)
			snprintf(text, sizeof(text), "%s %s (%s)",
				 fmt_bytes(bytes, sizeof(bytes), (double)v->bytes[best]),
				 term_part_words((enum report_part)best),
				 term_rate(rate, sizeof(rate), v->growth[best], false));
		line_item(l, text);
	}
	line_end(l);
	if (v->trimmable < LEAST_TRIM || (double)v->trimmable < 0.05 * sum)
		return;
	line_put(l, "  malloc_trim(0) in the process would give back %s (%s of RSS)",
		 fmt_bytes(bytes, sizeof(bytes), (double)v->trimmable),
		 term_percent(rate, sizeof(rate), 100 * (double)v->trimmable / sum));
}
