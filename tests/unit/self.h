/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The test itself as the process that is looked at. */
#ifndef PYLEAK_TESTS_SELF_H
#define PYLEAK_TESTS_SELF_H

#include <unistd.h>

#include "proc/proc.h"

#include "unit/unit.h"

static inline struct proc *self_open(void)
{
	struct proc *p = NULL;

	assert_int_equal(proc_open(getpid(), &p), 0);
	return p;
}

#endif
