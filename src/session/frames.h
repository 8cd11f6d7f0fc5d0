/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Frames of Python stacks as a report has them. */
#ifndef PYLEAK_SESSION_FRAMES_H
#define PYLEAK_SESSION_FRAMES_H

#include "report/report.h"
#include "track/stacks.h"

struct session;

/* Returns their number; 0 without memory. */
size_t frames_name(struct session *s, struct report *r, const struct stack *st,
		   struct report_frame **out);

#endif
