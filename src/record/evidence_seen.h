/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Writes and reads, as bytes, the part of the evidence that is not judged: the report's facts as
 * they were seen. An error is left in w->wrong. */
#ifndef PYLEAK_RECORD_EVIDENCE_SEEN_H
#define PYLEAK_RECORD_EVIDENCE_SEEN_H

#include "record/wire.h"

void evidence_seen(struct wire *w, struct report_process *p);

#endif
