/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "session/frames.h"

#include <stdio.h>
#include <unistd.h>

#include "proc/gate.h"
#include "session/session_priv.h"

#define MAX_LINE_NUMBER 1000000
#define MAX_BYTES	(4u << 20) /* generated modules have a few hundred KiB */
#define MAX_TEXT	400
#define MAX_LINES	3 /* of one site, of Python */

/* The file may change while it is read: what is read is bounded, too. */
static const char *find_line(int fd, int line, char text[MAX_TEXT])
{
	char buf[16384];
	size_t n = 0;
	ssize_t got;

	for (off_t at = 0; at < MAX_BYTES && (got = pread(fd, buf, sizeof(buf), at)) > 0; at += got)
		for (ssize_t i = 0; i < got; i++) {
			if (line > 1)
				line -= buf[i] == '\n';
			else if (buf[i] == '\n' || buf[i] == '\r' || n == MAX_TEXT - 1)
				return text;
			else if (n || (buf[i] != ' ' && buf[i] != '\t'))
				text[n++] = buf[i];
			text[n] = '\0';
		}
	return n ? text : NULL;
}

static const char *line_of(const struct proc *p, struct report *r, const char *file, int line)
{
	char text[MAX_TEXT] = "";
	auto_close int fd = -1;

	if (!file || line <= 0 || line > MAX_LINE_NUMBER || file[0] == '<' ||
	    proc_open_named(p, file, MAX_BYTES, &fd) || !find_line(fd, line, text))
		return NULL;
	return report_strdup(r, text);
}

void frames_add_lines(const struct proc *p, struct report *r, struct report_site *site)
{
	unsigned n = 0;

	for (size_t i = 0; i < site->n_frames && n < MAX_LINES; i++) {
		site->stack[i].source = line_of(p, r, site->stack[i].file, site->stack[i].line);
		n += !site->stack[i].native;
	}
}

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
