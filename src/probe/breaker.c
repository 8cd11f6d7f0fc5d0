/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "probe/breaker.h"

uint64_t breaker_slow_ns(const struct breaker *b)
{
	return b->slow_ns ? b->slow_ns : BREAKER_SLOW_NS;
}

bool breaker_is_last(const struct breaker *b, uint64_t took_ns)
{
	return took_ns > BREAKER_END * breaker_slow_ns(b);
}

void breaker_note(struct breaker *b, uint64_t now_ns, uint64_t took_ns)
{
	if (took_ns <= breaker_slow_ns(b))
		return;
	if (now_ns - b->last_ns > BREAKER_FORGET_NS)
		b->slow = 0;
	if (b->slow < BREAKER_MOST)
		b->slow++;
	b->last_ns = now_ns;
	b->took_ns = took_ns;
	b->until_ns = now_ns + (BREAKER_PAUSE_NS << (b->slow - 1));
	if (b->slow >= BREAKER_MOST || breaker_is_last(b, took_ns))
		b->is_ended = true;
}

int breaker_ask(const struct breaker *b, uint64_t now_ns)
{
	if (b->is_ended)
		return fail(
			-ENOTSUP,
			"a change of probes took %.1f s on this host, and forks may have waited "
			"for it: no more are put in until pyleak-bpf is started again",
			(double)b->took_ns / 1e9);
	if (now_ns < b->until_ns)
		return fail(-EBUSY,
			    "a change of probes took %.0f ms on this host, and forks may have "
			    "waited for it: for %.0f s none are put in",
			    (double)b->took_ns / 1e6, (double)(b->until_ns - b->last_ns) / 1e9);
	return 0;
}
