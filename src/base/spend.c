/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "base/spend.h"

#include "base/thread.h"

#define MOST_NS 1000000000ll
#define SHARE	2

bool spend_begin(struct spend *s)
{
	uint64_t now = clock_ns();

	s->left_ns += s->refilled_ns ? (int64_t)((now - s->refilled_ns) / SHARE) : MOST_NS;
	s->refilled_ns = now;
	if (s->left_ns > MOST_NS)
		s->left_ns = MOST_NS;
	s->begin_ns = thread_cpu_ns();
	return s->left_ns > 0;
}

void spend_end(struct spend *s)
{
	s->left_ns -= (int64_t)(thread_cpu_ns() - s->begin_ns);
}
