/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "probe/waits_at.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Rows as "[<0>] do_wait+0x6a/0x130", the innermost first. */
#define ROW_BEGINS "[<0>] "

int waits_file(int pid, int tid, const char *name, char *buf, size_t size)
{
	char path[64];
	ssize_t got;

	*buf = '\0';
	if (pid)
		snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", pid, tid, name);
	else
		snprintf(path, sizeof(path), "/proc/self/task/%d/%s", tid, name);
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	got = read(fd, buf, size - 1);
	if (got < 0)
		return -errno;
	buf[got] = '\0';
	return 0;
}

char waits_state(int pid, int tid, char *name, size_t size)
{
	static const char at_name[] = "Name:\t", at_state[] = "\nState:\t";
	char text[256], *state;

	if (waits_file(pid, tid, "status", text, sizeof(text)) ||
	    strncmp(text, at_name, strlen(at_name)) != 0)
		return 0;
	state = strstr(text, at_state);
	if (!state)
		return 0;
	if (name)
		snprintf(name, size, "%.*s", (int)strcspn(text + strlen(at_name), "\n"),
			 text + strlen(at_name));
	return state[strlen(at_state)];
}

void waits_at(int pid, int tid, char *buf, size_t size)
{
	char stack[WAITS_STACK], *row;

	if (waits_file(pid, tid, "wchan", buf, size) || strcmp(buf, "0") != 0)
		return;
	*buf = '\0';
	if (waits_file(pid, tid, "stack", stack, sizeof(stack)))
		return;
	row = strstr(stack, ROW_BEGINS);
	if (row)
		snprintf(buf, size, "%.*s", (int)strcspn(row + strlen(ROW_BEGINS), "+\n"),
			 row + strlen(ROW_BEGINS));
}

/* The kernel may have do_freezer_trap() within get_signal(), where nobody else waits but who is
 * stopped. */
bool waits_in_freezer(const char *where)
{
	return strstr(where, "refrigerator") || strstr(where, "freezer") ||
	       !strcmp(where, "get_signal");
}

int waits_stack(int pid, int tid, char *buf, size_t size)
{
	return waits_file(pid, tid, "stack", buf, size);
}
