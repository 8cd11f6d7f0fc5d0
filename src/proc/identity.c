/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Is it still the process that was opened? */
#include "proc/inside.h"

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>

/* include/linux/sched.h, shown in field 9 of stat */
#define PF_EXITING  0x4u
#define PF_SIGNALED 0x400u /* by what ends it: from there it goes to its exit */

bool proc_alive(const struct proc *p)
{
	auto_free char *text = NULL;
	struct proc_stat st;
	size_t len;
	int err;

	if (p->source)
		return true;
	if (p->pidfd >= 0) {
		struct pollfd f = {.fd = p->pidfd, .events = POLLIN};

		if (poll(&f, 1, 0) > 0)
			return false;
	}
	err = proc_slurp(p->pid, "stat", &text, &len);
	/* Too many open files are our trouble, not its end. */
	if (err && err != -ENOENT && err != -ESRCH)
		return p->pidfd >= 0;
	if (err || proc_parse_stat(text, &st))
		return false;
	/* Exiting: its descriptors and its memory go first. */
	return st.start_ticks == p->start_ticks && st.state != 'Z' && st.state != 'X' &&
	       !(st.flags & PF_EXITING);
}

/* The end of a process is a SIGKILL that waits for each of its threads, which turns into a flag:
 * looked for in this order one of them is seen. */
static bool goes_on(int pid, int tid)
{
	auto_free char *text = NULL;
	struct proc_status status;
	struct proc_stat st;
	char name[48];
	size_t len;

	if (!proc_thread_status(pid, tid, &status) || status.state == 'Z' || status.state == 'X' ||
	    status.pending & 1u << (SIGKILL - 1))
		return false;
	snprintf(name, sizeof(name), "task/%d/stat", tid);
	return !proc_slurp(pid, name, &text, &len) && !proc_parse_stat(text, &st) &&
	       !(st.flags & (PF_EXITING | PF_SIGNALED));
}

bool proc_any_goes_on(int pid)
{
	bool found = false;
	struct dirent *e;
	char path[40];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	if (!dir)
		return false;
	while (!found && (e = readdir(dir))) {
		int tid = atoi(e->d_name);

		found = tid > 0 && goes_on(pid, tid);
	}
	closedir(dir);
	return found;
}

bool proc_lost_main(const struct proc *p)
{
	struct proc_status st;

	return !p->source && proc_thread_status(p->pid, p->pid, &st) && st.state == 'Z' &&
	       proc_any_goes_on(p->pid);
}
