/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Return probes change where a function returns to, and some targets do not survive that:
 *
 * - 6.11 lets the trampoline come back by a system call of its own (uretprobe, x86-64). A seccomp
 *   filter that does not know it ends the process; since 6.12.14, 6.13.3 and 6.14 filters do not
 * see it.
 * - a thread with a shadow stack (6.6) dies of a return address that is not on it; since 6.11 the
 *   kernel puts it there.
 */
#include <stdio.h>
#include <sys/utsname.h>

#include "probe/mechanism_priv.h"
#include "probe/release.h"

/* A distribution may have mended an earlier one: then we do without what would have worked. */
bool probe_return_hurts(const char *release, bool is_filtered, bool has_shadow_stack)
{
	struct release r;

	if (!release_parse(release, &r))
		return is_filtered || has_shadow_stack;
	if (has_shadow_stack && release_before(&r, 6, 11, 0))
		return true;
	if (!is_filtered || release_before(&r, 6, 11, 0))
		return false;
	return release_before(&r, 6, 12, 14) ||
	       (!release_before(&r, 6, 13, 0) && release_before(&r, 6, 13, 3));
}

int probe_check_return(int pid)
{
	bool is_filtered = false, has_shadow_stack = false;
	char path[32], line[512];
	struct utsname name;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	if (!f || uname(&name)) {
		if (f)
			fclose(f);
		return fail(-ESRCH, "no process %d here any more", pid);
	}
	while (fgets(line, sizeof(line), f)) {
		is_filtered |= !strncmp(line, "Seccomp:\t2", 10);
		has_shadow_stack |=
			!strncmp(line, "x86_Thread_features:", 20) && strstr(line, "shstk");
	}
	fclose(f);
	if (!probe_return_hurts(name.release, is_filtered, has_shadow_stack))
		return 0;
	return fail(-ENOTSUP,
		    "process %d has a %s, and Linux %s would end it at a return probe "
		    "(mended in 6.12.14, 6.13.3 and 6.14)",
		    pid, is_filtered ? "seccomp filter" : "shadow stack", name.release);
}
