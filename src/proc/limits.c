/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* All limits of a process with the room that is left below each, the nearest first. */
#include "proc/limits.h"

#include <stdio.h>

#include "proc/inside.h"

uint64_t proc_rlimit(const struct proc *p, const char *title)
{
	auto_free char *text = NULL;
	const char *row;
	size_t len;
	char *end;
	uint64_t v;

	if (proc_slurp(p->pid, "limits", &text, &len))
		return PROC_UNKNOWN;
	row = strstr(text, title);
	if (!row)
		return PROC_UNKNOWN;
	row += strlen(title);
	v = strtoull(row, &end, 10);
	return end == row ? PROC_UNKNOWN : v; /* "unlimited" */
}

static uint64_t below(uint64_t limit, uint64_t used)
{
	return used < limit ? limit - used : 0;
}

static size_t add_rlimit(const struct proc *p, const char *title, const char *name, uint64_t used,
			 struct proc_limit *out)
{
	uint64_t limit = proc_rlimit(p, title);

	if (limit == PROC_UNKNOWN || !used)
		return 0;
	*out = (struct proc_limit){.kind = PROC_LIMIT_RLIMIT, .limit = limit, .refuses = true};
	snprintf(out->name, sizeof(out->name), "%s", name);
	out->left_low = out->left_high = below(limit, used);
	return 1;
}

uint64_t proc_meminfo(const char *text, const char *key)
{
	const char *row = strstr(text, key);

	return row ? strtoull(row + strlen(key), NULL, 10) * 1024 : 0;
}

static size_t add_ram(struct proc_limit *out)
{
	auto_free char *text = NULL;
	size_t len;

	if (proc_slurp_path("/proc/meminfo", &text, &len) || !proc_meminfo(text, "MemTotal:"))
		return 0;
	*out = (struct proc_limit){.kind = PROC_LIMIT_RAM, .name = "RAM"};
	out->limit = proc_meminfo(text, "MemTotal:");
	out->swap = proc_meminfo(text, "SwapFree:");
	out->left_low = out->left_high = proc_meminfo(text, "MemAvailable:") + out->swap;
	return 1;
}

uint64_t proc_room_in(const struct proc_cgroup *cg)
{
	auto_free char *text = NULL;
	uint64_t available;
	size_t len;

	if (proc_slurp_path("/proc/meminfo", &text, &len))
		return cg->room;
	available = proc_meminfo(text, "MemAvailable:");
	return available < cg->room ? available : cg->room;
}

uint64_t proc_room(const struct proc *p)
{
	struct proc_cgroup cg;

	proc_cgroup(p, &cg);
	return proc_room_in(&cg);
}

static int by_room(const void *a, const void *b)
{
	const struct proc_limit *x = a, *y = b;

	return (x->left_low > y->left_low) - (x->left_low < y->left_low);
}

size_t proc_limits(const struct proc *p, const struct proc_memory *m, const struct proc_cgroup *cg,
		   struct proc_limit *out)
{
	size_t n = 0;

	if (cg->limit != PROC_UNKNOWN) {
		out[n] = (struct proc_limit){
			.kind = PROC_LIMIT_CGROUP,
			.limit = cg->limit,
			.left_low = cg->left_low,
			.left_high = cg->left_high,
			.swap = cg->swap,
		};
		snprintf(out[n].name, sizeof(out[n].name), "cgroup %s", cg->tight_path);
		n++;
	}
	n += add_rlimit(p, "Max address space", "RLIMIT_AS", m->size_bytes, &out[n]);
	n += add_rlimit(p, "Max data size", "RLIMIT_DATA", m->data_bytes, &out[n]);
	n += add_ram(&out[n]);
	qsort(out, n, sizeof(*out), by_room);
	return n;
}
