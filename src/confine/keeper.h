/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The keeper's side of outputs.h. */
#ifndef PYLEAK_CONFINE_KEEPER_H
#define PYLEAK_CONFINE_KEEPER_H

#include "confine/place.h"

enum keeper_op {
	KEEPER_BEGIN,  /* a new file; answered with a descriptor */
	KEEPER_COMMIT, /* it is whole: it takes the name */
	KEEPER_DROP,
	KEEPER_READ, /* answered with a descriptor */
};

struct keeper_request {
	uint32_t op, place;
	uint32_t number; /* of the request, for its answer */
};

struct keeper_answer {
	int32_t err; /* 0 or a negative errno; -ETIME: nobody reads the pipe */
	uint32_t number, is_special, is_new;
	char name[64]; /* of one that is stamped */
};

/* Until the other end closes, however the tool ends: then nothing half-written stays. */
void keeper_serve(int sock, struct place *place, size_t n);

#endif
