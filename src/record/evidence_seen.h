/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The report as it was seen, as bytes: the part of the evidence that is not judged. */
#ifndef PYLEAK_RECORD_EVIDENCE_SEEN_H
#define PYLEAK_RECORD_EVIDENCE_SEEN_H

#include "report/wire.h"

void evidence_seen(struct wire *w, struct report_process *p);

#endif
