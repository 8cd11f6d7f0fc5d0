/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How the guardian keeps away from the tool. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probe/guard_priv.h"
#include "proc/proc.h"
#include "storage/storage.h"

#define CGROUP_NS_INIT_INO 0xEFFFFFFBu /* include/linux/proc_ns.h: PROC_CGROUP_INIT_INO */

static int enter(const char *procs)
{
	auto_close int fd = open(procs, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, "0", 1) == 1 ? 0 : -errno;
}

static int enter_v2(void)
{
	int err = enter("/sys/fs/cgroup/cgroup.procs");

	return err == -ENOENT ? enter("/sys/fs/cgroup/unified/cgroup.procs") : err;
}

/* In a cgroup namespace of its own a container sees the group that it was started in as the root,
 * and may be frozen by it. Where /proc does not tell it is taken for the host's. */
static bool sees_hosts_root(void)
{
	struct stat st;

	return stat("/proc/self/ns/cgroup", &st) || st.st_ino == CGROUP_NS_INIT_INO;
}

/* Out of @group, which @line of /proc/self/cgroup tells. NULL, or why not. */
static const char *leave(const char *line, const char *group)
{
	bool is_v1 =
		strstr(line, ":freezer:") || strstr(line, ",freezer:") || strstr(line, ":freezer,");
	int err;

	if (!is_v1 && strncmp(line, "0::/", 4) != 0)
		return NULL;
	if (!strcmp(group, "/")) /* nobody freezes the host's */
		return sees_hosts_root() ? NULL : "the host's cgroups are not to be seen";
	err = is_v1 ? enter("/sys/fs/cgroup/freezer/cgroup.procs") : enter_v2();
	return err ? strerror(-err) : NULL;
}

/* A guardian that is frozen with the tool guards nothing. Best effort: in a container, or where
 * cgroups may not be written, it stays. */
void guard_leave_freezer(void)
{
	FILE *f = fopen("/proc/self/cgroup", "re");
	bool is_told = false;
	char line[4352];

	while (f && fgets(line, sizeof(line), f)) {
		const char *group = strstr(line, ":/"), *why;

		line[strcspn(line, "\n")] = '\0';
		why = group ? leave(line, group + 1) : NULL;
		if (why && !is_told)
			log_info("the process that holds the probes (pyleak-probes) stays in the "
				 "freezer of cgroup %s (%s): while that is frozen, probes that are "
				 "in stay in",
				 group + 1, why);
		is_told |= why != NULL;
	}
	if (f)
		fclose(f);
}

/* The kernel kills all of a pid namespace when its process 1 ends, and so does a container's
 * runtime with all that it started, where the pids are the host's: when we end, or an init or a
 * script above us. So a shell must outlive us, at a terminal, where process 1 is the host's. */
bool probe_guard_would_end(void)
{
	auto_close int terminal = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);

	return terminal < 0 || getppid() <= 1 || getsid(0) == getpid() || !proc_in_first_pid_ns() ||
	       !storage_is_same("/proc/self/ns/mnt", "/proc/1/ns/mnt");
}
