/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Tracers of any thread. */
#include <dirent.h>
#include <stdio.h>

#include "proc/inside.h"

#define LOOK_MOST 32 /* threads at a time: 5 to 10 us each */

static bool is_held(int pid, const char *tid)
{
	auto_free char *text = NULL;
	struct proc_status st;
	char name[300];
	size_t len;

	snprintf(name, sizeof(name), "task/%s/status", tid);
	return !proc_slurp(pid, name, &text, &len) && !proc_parse_status(text, &st) &&
	       (st.tracer || st.state == 't');
}

bool proc_is_traced(const struct proc *p, const struct proc_memory *m, unsigned *next)
{
	unsigned n = 0, end = *next + LOOK_MOST;
	bool is_traced = m->traced;
	struct dirent *e;
	char path[40];
	DIR *dir;

	if (is_traced || m->threads < 2)
		return is_traced;
	snprintf(path, sizeof(path), "/proc/%d/task", p->pid);
	dir = opendir(path);
	if (!dir)
		return false;
	while (!is_traced && n < end && (e = readdir(dir)))
		if (*e->d_name != '.' && n++ >= *next)
			is_traced = is_held(p->pid, e->d_name);
	closedir(dir);
	*next = is_traced ? n - 1 : n < end ? 0 : n;
	return is_traced;
}
