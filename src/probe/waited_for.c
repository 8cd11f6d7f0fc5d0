/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "probe/waited_for.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "probe/waits_at.h"

#define MOST 3

/* "PID (NAME) D ..." */
static bool waits(int pid, char name[24])
{
	char path[32], text[256], where[64], *open_at, *close_at;
	ssize_t got;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	got = read(fd, text, sizeof(text) - 1);
	text[got > 0 ? got : 0] = '\0';
	open_at = strchr(text, '(');
	close_at = strrchr(text, ')');
	if (!open_at || !close_at || strncmp(close_at, ") D", 3) != 0)
		return false;
	*close_at = '\0';
	/* A fork, or another change: it waits for the same lock as we. */
	waits_at(pid, pid, where, sizeof(where));
	if (strstr(where, "percpu"))
		return false;
	snprintf(name, 24, "%s", open_at + 1);
	return true;
}

void waited_for(char *buf, size_t size)
{
	DIR *dir = opendir("/proc");
	struct dirent *e;
	size_t used = 0;
	char name[24];

	*buf = '\0';
	for (int n = 0; dir && n < MOST && used < size && (e = readdir(dir));) {
		int pid = atoi(e->d_name);

		if (pid <= 0 || pid == getpid() || !waits(pid, name))
			continue;
		used += (size_t)snprintf(buf + used, size - used, "%s%s (%d)", n ? ", " : "", name,
					 pid);
		n++;
	}
	if (dir)
		closedir(dir);
}
