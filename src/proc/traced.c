/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Tracers of any thread. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "proc/inside.h"

#define LOOK_MOST 32 /* threads at a time: 5 to 10 us each */
#define ROW_BYTES 32 /* of such a directory, at most */

static bool is_held(int pid, int tid)
{
	struct proc_status st;

	return proc_thread_status(pid, tid, &st) && (st.tracer || st.state == 't');
}

/* No more rows than will be looked at: the kernel makes an inode for each that it tells. Places are
 * counted from the first row on, "." and ".." are two of them. */
static size_t next_tids(int pid, unsigned from, int *tid)
{
	_Alignas(struct dirent64) char rows[LOOK_MOST * ROW_BYTES];
	const struct dirent64 *e;
	auto_close int fd = -1;
	char path[40];
	ssize_t size;
	size_t n = 0;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || lseek(fd, from + 2, SEEK_SET) < 0)
		return 0;
	size = getdents64(fd, rows, sizeof(rows));
	for (ssize_t at = 0; at < size && n < LOOK_MOST; at += e->d_reclen) {
		e = (const struct dirent64 *)(rows + at);
		tid[n++] = atoi(e->d_name);
	}
	return n;
}

bool proc_is_traced(const struct proc *p, const struct proc_memory *m, struct proc_traced *t)
{
	int tid[LOOK_MOST];
	size_t n;

	if (m->traced || m->threads < 2)
		return m->traced;
	if (t->held && is_held(p->pid, t->held))
		return true;
	t->held = 0;
	n = next_tids(p->pid, t->next, tid);
	for (size_t i = 0; i < n && !t->held; i++)
		t->held = is_held(p->pid, tid[i]) ? tid[i] : 0;
	t->next = n && t->next + n < m->threads ? t->next + (unsigned)n : 0;
	return t->held;
}

bool proc_is_any_traced(const struct proc *p, const struct proc_memory *m)
{
	struct proc_traced t = {0};
	bool is_traced;

	do
		is_traced = proc_is_traced(p, m, &t);
	while (!is_traced && t.next);
	return is_traced;
}
