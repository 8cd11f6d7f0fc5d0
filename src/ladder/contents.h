/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counts how often a content was sampled lately: never, once, or twice, which is all that is asked.
 * Two contents may share a place, and are counted as one then. */
#ifndef PYLEAK_CONTENTS_H
#define PYLEAK_CONTENTS_H

#include "base/base.h"

#define CONTENTS_OFTEN 2 /* fits in two bits */

struct contents {
	uint8_t *seen[2]; /* four counts to a byte; two generations */
	uint32_t noted;	  /* contents noted in the younger one */
};

int contents_open(struct contents *c);
void contents_close(struct contents *c);
void contents_note(struct contents *c, uint64_t content);
bool contents_often(const struct contents *c, uint64_t content);

#endif
