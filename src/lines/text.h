/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The text of the lines of a site's innermost frames, as the target itself could read it. Lines of
 * a file that has changed since the process was started have none, and a note says so. */
#ifndef PYLEAK_LINES_TEXT_H
#define PYLEAK_LINES_TEXT_H

#include "proc/proc.h"
#include "report/report.h"

#define LINES_BYTES (64u << 20) /* of source, for one report: some 0.2 s of work */

/* To the first @top sites. @left: bytes that may still be read for this report; none when there are
 * none. */
void lines_add_text(const struct proc *p, struct report *r, struct report_process *to, size_t top,
		    size_t *left);

#endif
