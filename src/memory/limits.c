/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "memory/limits.h"

void limits_read(const struct proc *p, const struct proc_memory *memory, struct proc_cgroup *cgroup,
		 struct proc_limit *limit)
{
	struct proc_limit v[PROC_LIMITS];

	proc_cgroup(p, cgroup);
	memset(limit, 0, sizeof(*limit));
	if (proc_limits(p, memory, cgroup, v))
		*limit = v[0];
}

static void fill_cgroup(const struct proc_cgroup *c, struct report *r, struct report_cgroup *out)
{
	out->version = c->version;
	out->path = report_strdup(r, c->path);
	out->current = c->current;
	out->file = c->file;
	out->limit = c->limit;
	out->high = c->high;
	out->oom_kills = c->oom_kills;
}

void limits_fill(const struct proc_cgroup *cgroup, const struct proc_limit *limit, struct report *r,
		 struct report_memory *out)
{
	static const char *const sources[] = {
		[PROC_LIMIT_CGROUP] = "cgroup",
		[PROC_LIMIT_RLIMIT] = "rlimit",
		[PROC_LIMIT_RAM] = "ram",
	};

	fill_cgroup(cgroup, r, &out->cgroup);
	if (!*limit->name)
		return;
	out->limit_source = sources[limit->kind];
	out->limit_name = report_strdup(r, limit->name);
	out->limit_bytes = limit->limit;
	out->left_low = (double)limit->left_low;
	out->left_high = (double)limit->left_high;
	out->limit_refuses = limit->refuses;
}
