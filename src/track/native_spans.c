/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What of the target is mapped. */
#include <inttypes.h>
#include <stdio.h>

#include "proc/stamped.h"
#include "track/native_priv.h"

/* All mappings of the target, neighbours joined; ascending as the kernel prints them. */
size_t native_spans_read(int pid, struct native_span **out)
{
	VEC(struct native_span) v = {0};
	auto_close int fd = stamped_open(pid, "maps");
	struct stamped_lines from = {.fd = fd, .read = stamped_read};
	char line[512];

	*out = NULL;
	while (fd >= 0 && stamped_line(&from, line, sizeof(line))) {
		uint64_t a, b;
		struct native_span *s;

		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " ", &a, &b) != 2 || b <= a)
			continue; /* the rest of a long line */
		if (v.n && v.v[v.n - 1].end == a) {
			v.v[v.n - 1].end = b;
			continue;
		}
		s = vec_push(&v);
		if (!s)
			break;
		*s = (struct native_span){a, b};
	}
	*out = v.v;
	return v.n;
}

/* How much is mapped from @addr on. */
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
