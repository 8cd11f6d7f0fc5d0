/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The text of a source line, from the target's own file tree when it can be read. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "session/session_priv.h"

#define MAX_LINE_NUMBER 1000000

/* Regular files only: opening a device or a pipe that a hostile target names would hang us. */
static FILE *open_regular(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	FILE *f;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || !(f = fdopen(fd, "r"))) {
		close(fd);
		return NULL;
	}
	return f;
}

const char *session_source(const struct session *s, struct report *r, const char *file, int line)
{
	char path[4200], text[400];
	const char *found = NULL;
	size_t len;
	FILE *f;

	if (!file || line <= 0 || line > MAX_LINE_NUMBER || file[0] == '<')
		return NULL;
	if (file[0] == '/')
		snprintf(path, sizeof(path), "/proc/%d/root%s", s->proc->pid, file);
	else
		snprintf(path, sizeof(path), "/proc/%d/cwd/%s", s->proc->pid, file);
	f = open_regular(path);
	if (!f && s->ended && file[0] == '/')
		f = open_regular(file);
	if (!f)
		return NULL;
	for (int i = 0; i < line && fgets(text, sizeof(text), f); i++) {
		/* a line longer than the buffer: eat the rest, so that lines stay lines */
		len = strlen(text);
		for (int c = len && text[len - 1] != '\n' ? getc(f) : '\n'; c != '\n' && c != EOF;)
			c = getc(f);
		if (i + 1 == line) {
			char *t = text + strspn(text, " \t");

			t[strcspn(t, "\r\n")] = 0;
			found = report_strdup(r, t);
		}
	}
	fclose(f);
	return found;
}
