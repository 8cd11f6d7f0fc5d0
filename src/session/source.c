/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The text of a source line, as the target itself could read it. */
#include <stdio.h>
#include <unistd.h>

#include "proc/gate.h"
#include "session/session_priv.h"

#define MAX_LINE_NUMBER 1000000
#define MAX_BYTES	(4u << 20) /* generated modules have a few hundred KiB */
#define MAX_TEXT	400

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

const char *session_source(const struct session *s, struct report *r, const char *file, int line)
{
	char text[MAX_TEXT] = "";
	auto_close int fd = -1;

	if (!s->o.sources || !file || line <= 0 || line > MAX_LINE_NUMBER || file[0] == '<' ||
	    proc_open_named(s->proc, file, MAX_BYTES, &fd) || !find_line(fd, line, text))
		return NULL;
	return report_strdup(r, text);
}
