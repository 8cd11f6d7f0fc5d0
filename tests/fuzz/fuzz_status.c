/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The files of /proc that tell of a process: status, stat, limits, io, meminfo, auxv, a thread's
 * system call.
 *
 * reads: src/proc/text.c src/proc/memory.c src/proc/limits.c src/proc/identity.c
 * reads: src/proc/usage.c
 * apart: proc_slurp_fd: a file is read whole
 * apart: count_fds: a directory of the kernel's, of which the entries are counted
 */
#include "fuzz/fuzz.h"
#include "proc/limits.h"
#include "proc/list.h"
#include "proc/inside.h"

#define PID 99999999

static const char *const name[] = {"status", "stat", "limits", "io", "smaps_rollup", "auxv"};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proc p = {.pid = PID, .pidfd = -1};
	struct fuzz_in in = {data, size}, part;
	struct proc_limit limit[PROC_LIMITS];
	struct proc_cgroup cg = {.limit = PROC_UNKNOWN};
	struct proc_rollup rollup;
	struct proc_memory m = {0};
	struct proc_usage usage;
	struct proc_entry entry;
	char path[64], *text;
	size_t len;

	fake_only_below("/proc/99999999/");
	for (size_t i = 0; i < ARRAY_SIZE(name); i++) {
		part = in_part(&in);
		snprintf(path, sizeof(path), "/proc/%d/%s", PID, name[i]);
		fake_file(path, part.p, part.n);
	}
	part = in_part(&in);
	fake_file("/proc/meminfo", part.p, part.n);
	proc_memory(&p, &m);
	proc_usage(&p, &usage);
	proc_rollup(&p, &rollup);
	proc_limits(&p, &m, &cg, limit);
	if (m.rss_bytes)
		cg.limit = m.rss_bytes;
	proc_limits(&p, &m, &cg, limit);
	proc_rlimit(&p, "Max open files");
	proc_alive(&p);
	proc_execed(&p);
	proc_list_one(PID, &entry);
	proc_room(&p);
	if (!proc_slurp_head(PID, "status", 1 + size % 64, &text, &len))
		free(text);
	return 0;
}
