/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "session/frames.h"

#include "session/session_priv.h"

size_t frames_name(struct session *s, struct report *r, const struct stack *st,
		   struct report_frame **out)
{
	struct report_frame *f = report_alloc(r, st->n * sizeof(*f));
	size_t n = f ? st->n : 0;

	for (size_t i = 0; i < n; i++) {
		const struct py_code *c = st->frame[i].code;

		f[i] = (struct report_frame){
			.function = c ? report_strdup(r, py_code_function(c)) : "?",
			.file = c ? report_strdup(r, py_code_file(c)) : "?",
			.line = st->frame[i].line,
			.place = lines_place(&s->lines, s->proc, c, st->frame[i].line),
		};
	}
	*out = f;
	return n;
}
