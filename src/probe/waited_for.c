/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "probe/waited_for.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probe/waits_at.h"

#define MOST 3

/* "PID (NAME) D ..." */
static bool waits(int pid, char name[24])
{
	char text[256], *open_at, *close_at;

	if (waits_file(pid, pid, "stat", text, sizeof(text)))
		return false;
	open_at = strchr(text, '(');
	close_at = strrchr(text, ')');
	if (!open_at || !close_at || strncmp(close_at, ") D", 3) != 0)
		return false;
	*close_at = '\0';
	snprintf(name, 24, "%s", open_at + 1);
	return true;
}

/* Forks do, for the same as we; and who writes to a file system that is frozen. */
static bool waits_for_a_lock_of_many(int pid)
{
	char where[64];

	return !waits_file(pid, pid, "wchan", where, sizeof(where)) && strstr(where, "percpu");
}

static size_t list(bool is_of_many, size_t n, char *buf, size_t size)
{
	size_t used = strlen(buf);
	DIR *dir = opendir("/proc");
	struct dirent *e;
	char name[24];

	while (dir && n < MOST && used < size && (e = readdir(dir))) {
		int pid = atoi(e->d_name);

		if (pid <= 0 || pid == getpid() || !waits(pid, name) ||
		    waits_for_a_lock_of_many(pid) != is_of_many)
			continue;
		used += (size_t)snprintf(buf + used, size - used, "%s%s (%d)", n ? ", " : "", name,
					 pid);
		n++;
	}
	if (dir)
		closedir(dir);
	return n;
}

void waited_for(char *buf, size_t size)
{
	*buf = '\0';
	list(true, list(false, 0, buf, size), buf, size);
}
