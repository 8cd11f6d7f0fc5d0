/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Keeps objects whose births were seen, and looks at them again until they are old. */
#ifndef PYLEAK_SESSION_SURVIVORS_H
#define PYLEAK_SESSION_SURVIVORS_H

#include "ladder/ladder.h"

struct survivors;

/* The ladder, for "births": born objects are put onto it ... */
struct ladder *survivors_ladder(struct survivors *v);
/* ... and looked at again at @when_ns, or as soon after as the cost allows. */
void survivors_plan(struct survivors *v, uint64_t when_ns);
/* Makes size classes (bits) no evidence, nor objects of others born while they were none. */
void survivors_refuse(struct survivors *v, uint64_t classes);
/* All samples on the ladder. Valid until it is stepped or fed. */
const struct sample *survivors_samples(const struct survivors *v, size_t *n);

#endif
