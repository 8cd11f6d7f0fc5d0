/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Objects whose births were seen, looked at again until they are old. */
#ifndef PYLEAK_SESSION_SURVIVORS_H
#define PYLEAK_SESSION_SURVIVORS_H

#include "track/ladder.h"

struct survivors;

/* For who sees births: what was born goes onto it ... */
struct ladder *survivors_ladder(struct survivors *v);
/* ... and is looked at again at @when_ns, or as soon after as its cost allows. */
void survivors_plan(struct survivors *v, uint64_t when_ns);
/* These size classes (bits) are no evidence, nor what was born of others while they were. */
void survivors_refuse(struct survivors *v, uint64_t classes);
/* All that are on it. Valid until it is stepped or fed. */
const struct sample *survivors_samples(const struct survivors *v, size_t *n);

#endif
