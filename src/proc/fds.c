/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Descriptors, limits, threads and children of a process. */
#include "proc/fds.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "proc/inside.h"

static int read_numbers(DIR *d, struct proc_numbers *out, size_t max)
{
	struct dirent *e;

	while (out->n < max && (e = readdir(d))) {
		int *n;

		if (*e->d_name < '0' || *e->d_name > '9')
			continue;
		n = vec_push(out);
		if (!n)
			return -ENOMEM;
		*n = atoi(e->d_name);
	}
	return 0;
}

int proc_fds_read(const struct proc *p, struct proc_numbers *out, int *dir)
{
	char path[40];
	int err;
	DIR *d;

	*dir = -1;
	out->n = 0;
	snprintf(path, sizeof(path), "/proc/%d/fd", p->pid);
	d = opendir(path);
	if (!d)
		return errno == EACCES || errno == EPERM ? -EPERM : -ESRCH;
	err = read_numbers(d, out, PROC_MAX_FDS);
	if (!err)
		*dir = fcntl(dirfd(d), F_DUPFD_CLOEXEC, 3);
	closedir(d);
	return err ? err : *dir < 0 ? -errno : 0;
}

int proc_fds_link(int dir, int fd, char *buf, size_t size)
{
	char name[16];
	ssize_t n;

	snprintf(name, sizeof(name), "%d", fd);
	n = readlinkat(dir, name, buf, size - 1);
	buf[n > 0 ? n : 0] = 0;
	return n < 0 ? -errno : 0;
}

void proc_fds_as_seen(const struct proc *p, char *link)
{
	char name[40], root[4096];
	ssize_t n;

	snprintf(name, sizeof(name), "/proc/%d/root", p->pid);
	n = readlink(name, root, sizeof(root));
	if (n > 1 && (size_t)n < sizeof(root) && !strncmp(link, root, (size_t)n) && link[n] == '/')
		memmove(link, link + n, strlen(link + n) + 1);
}

int proc_fds_inode(const struct proc *p, int fd, uint64_t *out)
{
	auto_free char *text = NULL;
	char name[32];
	const char *at;
	size_t len;
	int err;

	snprintf(name, sizeof(name), "fdinfo/%d", fd);
	err = proc_slurp(p->pid, name, &text, &len);
	if (err)
		return err;
	at = strstr(text, "\nino:");
	return at && sscanf(at, " ino: %" SCNu64, out) == 1 ? 0 : -ENOENT;
}

int proc_fds_limit(const struct proc *p, uint64_t *out)
{
	auto_free char *text = NULL;
	const char *at;
	size_t len;

	if (proc_slurp(p->pid, "limits", &text, &len))
		return -ENOENT;
	at = strstr(text, "\nMax open files");
	return at && sscanf(at, " Max open files %" SCNu64, out) == 1 ? 0 : -ENOENT;
}

int proc_tasks_read(const struct proc *p, struct proc_numbers *out)
{
	char path[40];
	int err;
	DIR *d;

	out->n = 0;
	snprintf(path, sizeof(path), "/proc/%d/task", p->pid);
	d = opendir(path);
	if (!d)
		return -ESRCH;
	err = read_numbers(d, out, PROC_MAX_TASKS);
	closedir(d);
	return err;
}

char proc_child_state(const struct proc *p, int pid)
{
	auto_free char *text = NULL;
	struct proc_status st;
	size_t len;

	if (proc_slurp(pid, "status", &text, &len) || proc_parse_status(text, &st))
		return 0;
	return st.ppid == p->pid ? st.state : 0;
}
