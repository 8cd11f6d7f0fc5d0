/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Names of cgroups, mounts and the files of a memory cgroup: a container may choose the first.
 *
 * reads: src/proc/cgroup.c src/container/container.c
 */
#include "fuzz/fuzz.h"
#include "container/container.h"
#include "proc/limits.h"

#define PID 99999999

/* A process in /a/b, as both versions of cgroups show it; the input may say otherwise. */
#define ROOT "/fuzz.cgroup"
static const char *const file[] = {"stat",	   "current",	     "max",
				   "high",	   "events",	     "swap.max",
				   "swap.current", "usage_in_bytes", "limit_in_bytes"};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proc p = {.pid = PID, .pidfd = -1};
	struct fuzz_in in = {data, size}, cgroup = in_part(&in), mounts = in_part(&in);
	struct proc_container c, named;
	struct proc_cgroup cg;
	char *text, path[64];

	fake_only_below("/proc/99999999/");
	fake_file("/proc/99999999/cgroup", cgroup.p, cgroup.n);
	fake_file("/proc/self/mountinfo", mounts.p, mounts.n);
	for (size_t i = 0; i < ARRAY_SIZE(file); i++) {
		struct fuzz_in part = in_part(&in);

		snprintf(path, sizeof(path), ROOT "/a/memory.%s", file[i]);
		fake_file(path, part.p, part.n);
	}
	proc_cgroup(&p, &cg);
	proc_cgroup_read(ROOT, "/a", 2, &cg);
	proc_cgroup_read(ROOT, "/a/", 1, &cg);
	proc_in_cgroup(&p, "docker");
	proc_container(&p, &named);
	text = in_text(&cgroup);
	if (proc_container_parse(text, &c))
		proc_container_name(0, "/nowhere", &c);
	free(text);
	return 0;
}
