/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads which spans of the target's addresses are mapped. */
#include <inttypes.h>
#include <stdio.h>

#include "proc/stamped.h"
#include "track/native_priv.h"

size_t native_spans_of(struct stamped_lines *from, struct native_span **out)
{
	VEC(struct native_span) v = {0};
	bool is_whole = true;
	char line[512];

	*out = NULL;
	while (is_whole && stamped_line(from, line, sizeof(line))) {
		struct native_span *last = v.n ? &v.v[v.n - 1] : NULL;
		uint64_t a, b;

		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " ", &a, &b) != 2 || b <= a)
			continue; /* the rest of a long line */
		/* a mapping that has grown since is listed again */
		if (last && a >= last->start && a <= last->end) {
			last->end = b > last->end ? b : last->end;
			continue;
		}
		last = vec_push(&v);
		is_whole = last != NULL;
		if (last)
			*last = (struct native_span){a, b};
	}
	if (is_whole && !from->err) {
		*out = v.v;
		return v.n;
	}
	vec_free(&v);
	return 0;
}

/* 0 for a process that has gone: the kernel lists nothing, as if nothing were mapped. */
size_t native_spans_read(const struct proc *p, struct native_span **out)
{
	auto_close int fd = stamped_open(p->pid, "maps");
	struct stamped_lines from = {.fd = fd, .code = proc_code_now(p), .read = stamped_read};
	size_t n;

	*out = NULL;
	n = fd < 0 ? 0 : native_spans_of(&from, out);
	if (!n || !proc_memory_gone(p))
		return n;
	free(*out);
	*out = NULL;
	return 0;
}

uint64_t native_spans_at(const struct native_span *v, size_t n, uint64_t addr)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (addr < v[mid].start)
			hi = mid;
		else if (addr >= v[mid].end)
			lo = mid + 1;
		else
			return v[mid].end - addr;
	}
	return 0;
}
