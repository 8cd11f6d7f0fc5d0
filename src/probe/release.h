/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The version of a kernel, out of its name (uname -r). */
#ifndef PYLEAK_PROBE_RELEASE_H
#define PYLEAK_PROBE_RELEASE_H

#include <stdio.h>

#include "base/base.h"

struct release {
	int major, minor, patch;
};

/* False: the name does not begin with two numbers. */
static inline bool release_parse(const char *name, struct release *out)
{
	*out = (struct release){0};
	return sscanf(name, "%d.%d.%d", &out->major, &out->minor, &out->patch) >= 2;
}

static inline bool release_before(const struct release *r, int major, int minor, int patch)
{
	if (r->major != major)
		return r->major < major;
	return r->minor != minor ? r->minor < minor : r->patch < patch;
}

#endif
