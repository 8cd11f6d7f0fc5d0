/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Return probes change where a function returns to, and some targets do not survive that:
 *
 * - 6.11 lets the trampoline come back by a system call of its own (uretprobe, x86-64). A seccomp
 *   filter that does not know it ends the process; since 6.12.14, 6.13.3 and 6.14 filters do not
 *   see it. A thread may put one on at any time, so those kernels get no return probes at all.
 * - a thread with a shadow stack (6.6) dies of a return address that is not on it; since 6.11 the
 *   kernel puts it there.
 */
#include <stdio.h>
#include <sys/utsname.h>

#include "probe/mechanism_priv.h"
#include "probe/release.h"

/* A distribution may have mended an earlier one: then we do without what would have worked. */
bool probe_return_hurts(const char *release, bool has_shadow_stack)
{
	struct release r;

	if (!release_parse(release, &r))
		return true;
	if (release_before(&r, 6, 11, 0))
		return has_shadow_stack;
	return release_before(&r, 6, 12, 14) ||
	       (!release_before(&r, 6, 13, 0) && release_before(&r, 6, 13, 3));
}

int probe_check_return(int pid)
{
	char path[32], line[512];
	bool has_shadow_stack = false;
	struct utsname name;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	if (!f || uname(&name)) {
		if (f)
			fclose(f);
		return fail(-ESRCH, "no process %d here any more", pid);
	}
	while (fgets(line, sizeof(line), f))
		has_shadow_stack |=
			!strncmp(line, "x86_Thread_features:", 20) && strstr(line, "shstk");
	fclose(f);
	if (!probe_return_hurts(name.release, has_shadow_stack))
		return 0;
	return fail(-ENOTSUP,
		    "on Linux %s a return probe may end a process that has a shadow stack or gets "
		    "a seccomp filter (mended in 6.12.14, 6.13.3 and 6.14)",
		    name.release);
}
