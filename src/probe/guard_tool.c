/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the guardian finds out about the tool from outside, and how it keeps away from it. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "probe/guard_priv.h"

static bool read_line(const char *path, char *buf, size_t size)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, buf, size - 1);

	buf[got > 0 ? got : 0] = '\0';
	return got > 0;
}

/* D in stat; one that a freezer holds shows the same letter. */
bool guard_waits_in_kernel(pid_t tool, int tid)
{
	char path[64], text[512];
	const char *state;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", tool, tid);
	if (!read_line(path, text, sizeof(text)))
		return false;
	state = strrchr(text, ')');
	if (!state || strncmp(state, ") D", 3) != 0)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/wchan", tool, tid);
	return !read_line(path, text, sizeof(text)) ||
	       (!strstr(text, "refrigerator") && !strstr(text, "freezer"));
}

static bool enter(const char *procs)
{
	auto_close int fd = open(procs, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, "0", 1) == 1;
}

/* A guardian that is frozen with the tool guards nothing. Best effort: in a container, or where
 * cgroups may not be written, it stays. */
void guard_leave_freezer(void)
{
	static const char *const v2[] = {"/sys/fs/cgroup/cgroup.procs",
					 "/sys/fs/cgroup/unified/cgroup.procs"};
	FILE *f = fopen("/proc/self/cgroup", "re");
	char line[4352];

	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (strstr(line, ":/") && !strcmp(strstr(line, ":/"), ":/"))
			continue; /* in the root already: nobody freezes that */
		if (strstr(line, ":freezer:") || strstr(line, ",freezer:") ||
		    strstr(line, ":freezer,"))
			enter("/sys/fs/cgroup/freezer/cgroup.procs");
		else if (!strncmp(line, "0::/", 4))
			for (size_t i = 0; i < ARRAY_SIZE(v2) && !enter(v2[i]); i++)
				;
	}
	if (f)
		fclose(f);
}
