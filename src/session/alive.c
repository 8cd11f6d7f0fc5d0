/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The heartbeat of a session. Where it fails (the tool is stopped, frozen, starved, waits for its
 * terminal, or for probes to come out) the programs in the kernel fall asleep and the guardian
 * takes the probes out. That time has not been seen: after it the session begins as after a pause.
 * So it does when the guardian ends, with which its probes go: what is asked of it then is refused,
 * with the sentence.
 */
#include "session/session_priv.h"

static void promise(struct session *s, uint64_t now)
{
	if (s->kern.stats)
		s->kern.stats->deadline_ns = now + PROBE_GUARD_PATIENCE_NS;
	probe_guard_beat(s->o.guard);
}

/* Only moves a deadline that has not passed: what was missed is noticed at the next step. */
void session_keep_alive(struct session *s)
{
	if (s->kern.stats && !s->kern.stats->asleep)
		promise(s, clock_ns());
}

/* Probes that were in are out, or did nothing, since @when. */
static void begin_again(struct session *s, uint64_t when)
{
	log_info("nothing was seen for %.1f s", (double)(clock_ns() - when) / 1e9);
	if (probe_guard_read_hung(s->o.guard, when))
		session_note(s, "probes waited for a read of a process's memory that did not come "
				"back, and saw nothing meanwhile");
	else if (s->time.start_ns && !s->kern.guard_ended) /* not while others were opened */
		s->kern.stood_still++;
	if (s->paused)
		return;
	s->kern.out_ns = when;
	session_pause(s, true);
	s->kern.out_ns = 0;
	session_pause(s, false);
}

bool session_guard_ended(const struct session *s)
{
	return s->kern.channel && probe_guard_check(s->o.guard);
}

void session_beat(struct session *s)
{
	uint64_t now = clock_ns(), when = now - PROBE_GUARD_PATIENCE_NS, tripped = when;
	uint32_t trips = probe_guard_trips(s->o.guard, &tripped);
	bool slept = s->kern.stats && s->kern.stats->asleep;
	bool ended = !s->kern.guard_ended && session_guard_ended(s);

	promise(s, now);
	if (!slept && !ended && trips == s->kern.trips)
		return;
	s->kern.guard_ended |= ended;
	if (trips != s->kern.trips) /* else the last one is of another time */
		when = tripped;
	s->kern.trips = trips;
	if (s->kern.stats)
		s->kern.stats->asleep = 0;
	begin_again(s, when);
}
