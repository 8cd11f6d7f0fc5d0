/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * When a thread that ran into a probe ends, some kernels free what they keep of that before they
 * forget the pointer to it. A profiler that samples stacks from an interrupt reads it in between
 * (docs/KERNEL-HAZARDS.md, W16).
 */
#include <limits.h>

#include "probe/probe.h"
#include "probe/release.h"

bool probe_profiler_hurts(const char *release)
{
	static const struct {
		int minor, from, below;
	} harmed[] = {{1, 113, 131}, {6, 55, 83}, {10, 14, INT_MAX}, {11, 3, INT_MAX}, {12, 0, 19}};
	struct release r;

	if (!release_parse(release, &r) || r.major != 6)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(harmed); i++)
		if (r.minor == harmed[i].minor)
			return r.patch >= harmed[i].from && r.patch < harmed[i].below;
	return false;
}
