/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The threads of a process, numbered as it numbers them itself. */
#include "proc/inside.h"
#include "proc/source.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

static bool same_pid_namespace(int pid)
{
	struct stat ours, theirs;
	char path[40];

	snprintf(path, sizeof(path), "/proc/%d/ns/pid", pid);
	return !stat("/proc/self/ns/pid", &ours) && !stat(path, &theirs) &&
	       ours.st_ino == theirs.st_ino && ours.st_dev == theirs.st_dev;
}

bool proc_thread_status(int pid, int tid, struct proc_status *out)
{
	auto_free char *text = NULL;
	char name[48];
	size_t len;

	snprintf(name, sizeof(name), "task/%d/status", tid);
	return !proc_slurp(pid, name, &text, &len) && !proc_parse_status(text, out);
}

static int tid_inside(int pid, int tid)
{
	struct proc_status st;

	return proc_thread_status(pid, tid, &st) ? st.ns_pid : 0;
}

size_t proc_tids(const struct proc *p, int *out, size_t max)
{
	struct dirent *e;
	char path[40];
	size_t n = 0;
	bool plain;
	DIR *dir;

	if (p->source) {
		for (; n < max && n < p->source->tids.n; n++)
			out[n] = p->source->tids.v[n];
		return n;
	}
	plain = same_pid_namespace(p->pid);

	snprintf(path, sizeof(path), "/proc/%d/task", p->pid);
	dir = opendir(path);
	if (!dir)
		return 0;
	while (n < max && (e = readdir(dir))) {
		int tid = atoi(e->d_name);

		if (tid > 0 && !plain)
			tid = tid_inside(p->pid, tid);
		if (tid > 0)
			out[n++] = tid;
	}
	closedir(dir);
	return n;
}
