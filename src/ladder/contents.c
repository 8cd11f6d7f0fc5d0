/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "ladder/contents.h"

#ifndef LADDER_SEEN
#define LADDER_SEEN (1u << 21) /* contents; power of two */
#endif
#ifndef LADDER_TURN
#define LADDER_TURN 400000 /* contents noted before the older table is forgotten */
#endif

int contents_open(struct contents *c)
{
	c->seen[0] = calloc(1, LADDER_SEEN / 4);
	c->seen[1] = calloc(1, LADDER_SEEN / 4);
	return c->seen[0] && c->seen[1] ? 0 : fail(-ENOMEM, "out of memory");
}

void contents_close(struct contents *c)
{
	free(c->seen[0]);
	free(c->seen[1]);
}

static size_t place_of(uint64_t content)
{
	return (content ^ (content >> 32)) & (LADDER_SEEN - 1);
}

static unsigned count_in(const uint8_t *seen, size_t at)
{
	return seen[at / 4] >> at % 4 * 2 & 3u;
}

void contents_note(struct contents *c, uint64_t content)
{
	size_t at = place_of(content);

	if (count_in(c->seen[0], at) < CONTENTS_OFTEN)
		c->seen[0][at / 4] += (uint8_t)(1u << at % 4 * 2);
	if (++c->noted > LADDER_TURN) {
		uint8_t *old = c->seen[1];

		c->seen[1] = c->seen[0];
		c->seen[0] = memset(old, 0, LADDER_SEEN / 4);
		c->noted = 0;
	}
}

bool contents_often(const struct contents *c, uint64_t content)
{
	size_t at = place_of(content);

	return count_in(c->seen[0], at) + count_in(c->seen[1], at) >= CONTENTS_OFTEN;
}
