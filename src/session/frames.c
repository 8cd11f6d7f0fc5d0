/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "session/session_priv.h"

size_t frames_name(struct session *s, const struct stack *st,
		   struct report_frame out[PL_MAX_FRAMES])
{
	for (size_t i = 0; i < st->n; i++) {
		const struct py_code *c = st->frame[i].code;

		out[i] = (struct report_frame){
			.function = c ? py_code_function(c) : "?",
			.file = c ? py_code_file(c) : "?",
			.line = st->frame[i].line,
			.place = lines_place(&s->lines, s->proc, c, st->frame[i].line),
		};
	}
	return st->n;
}
