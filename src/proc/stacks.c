/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Stack pointers of the threads, without stopping them. */
#include "proc/inside.h"

#include <dirent.h>
#include <stdio.h>
#include <time.h>

#define TRIES 10

/* /proc/PID/task/TID/syscall: "running", or the number, six arguments, sp and pc. */
static uint64_t read_sp(int pid, int tid)
{
	char path[64], text[256];
	unsigned long long sp = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/syscall", pid, tid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fgets(text, sizeof(text), f)) {
		char *last = strrchr(text, ' ');

		if (last) {
			*last = '\0';
			last = strrchr(text, ' ');
		}
		if (!last || sscanf(last, " %llx", &sp) != 1)
			sp = 0;
	}
	fclose(f);
	return sp;
}

size_t proc_stacks(const struct proc *p, struct proc_stack *out, size_t max)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	char path[64];
	struct dirent *e;
	size_t n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/task", p->pid);
	d = proc_is_live(p) ? opendir(path) : NULL;
	if (!d)
		return 0;
	while (n < max && (e = readdir(d))) {
		int tid = atoi(e->d_name);

		if (tid > 0)
			out[n++] = (struct proc_stack){.tid = tid};
	}
	closedir(d);
	for (int i = 0; i < TRIES; i++) {
		size_t missing = 0;

		for (size_t k = 0; k < n; k++) {
			if (!out[k].sp)
				out[k].sp = read_sp(p->pid, out[k].tid);
			missing += !out[k].sp;
		}
		if (!missing)
			break;
		nanosleep(&pause, NULL);
	}
	return n;
}
