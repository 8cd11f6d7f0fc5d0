/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The identity of a process: the first members of its report. */
#ifndef PYLEAK_MEMORY_IDENTITY_H
#define PYLEAK_MEMORY_IDENTITY_H

#include "py/py.h"
#include "report/report.h"

void identity_fill(const struct proc *t, const struct py_runtime *rt, struct report *r,
		   struct report_process *p);

#endif
