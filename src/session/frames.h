/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Frames of Python stacks as a report has them. */
#ifndef PYLEAK_SESSION_FRAMES_H
#define PYLEAK_SESSION_FRAMES_H

#include "report/report.h"
#include "track/stacks.h"

#define FRAMES_BYTES (64u << 20) /* of source, for one report: some 0.2 s of work */

struct proc;
struct session;

/* Returns their number; 0 without memory. */
size_t frames_name(struct session *s, struct report *r, const struct stack *st,
		   struct report_frame **out);
/* The text of the lines of the innermost frames, as the target itself could read it. @left: bytes
 * that may still be read for this report; none when there are none. */
void frames_add_lines(const struct proc *p, struct report *r, struct report_site *site,
		      size_t *left);

#endif
