/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The parts that the resident memory of a process is made of. */
#ifndef PYLEAK_REPORT_PARTS_H
#define PYLEAK_REPORT_PARTS_H

#include "base/base.h"

enum report_part {
	PART_PYTHON_LIVE,
	PART_PYTHON_SLACK, /* free memory in CPython's arenas */
	PART_MALLOC_LIVE,
	PART_MALLOC_SLACK, /* freed to malloc, not given back */
	PART_MMAP,
	PART_FILE,
	PART_STACKS,
	PART_OTHER,
	PART_MAX
};

struct report_parts {
	uint64_t bytes[PART_MAX]; /* resident; they add up to RSS */
	double growth[PART_MAX];  /* bytes per second; NAN = not known */
	uint64_t trimmable;	  /* part of PART_MALLOC_SLACK that malloc_trim would give back */
};

/* The part's name in the JSON: "python_live". */
const char *report_part_name(enum report_part p);

#endif
