/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Adds the source text of a site's innermost frames, as the target itself could read it. Lines of a
 * file that has, or may have, changed since the program was started get none, and a note says so.
 */
#ifndef PYLEAK_LINES_TEXT_H
#define PYLEAK_LINES_TEXT_H

#include "proc/proc.h"
#include "report/report.h"

#define LINES_BYTES (64u << 20) /* bytes of source for one report: some 0.2 s of work */

/* Adds text to the first @top sites of @to. @started_at: lines_started_at(). *left: bytes that may
 * still be read for this report; at 0 no more text is added. */
void lines_add_text(const struct proc *p, double started_at, struct report *r,
		    struct report_process *to, size_t top, size_t *left);

#endif
