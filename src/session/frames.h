/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Frames of Python stacks as a report has them. */
#ifndef PYLEAK_SESSION_FRAMES_H
#define PYLEAK_SESSION_FRAMES_H

#include "report/report.h"
#include "stacks/stacks.h"

struct session;

/* Returns their number. Texts are the session's, and valid until its next step. */
size_t frames_name(struct session *s, const struct stack *st,
		   struct report_frame out[PL_MAX_FRAMES]);

#endif
