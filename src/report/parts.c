/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "report/parts.h"

const char *report_part_name(enum report_part p)
{
	static const char *const names[PART_MAX] = {
		"python_live", "python_slack", "malloc_live", "malloc_slack",
		"mmap",	       "file",	       "stacks",      "other",
	};

	return p < PART_MAX ? names[p] : "other";
}
