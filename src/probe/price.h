/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Prices of probes, in ns of the target's time: estimates from what was measured elsewhere
 * (bench/mechanism.c, tests/kern/walk_live.c) and from what an event costs on this host. */
#ifndef PYLEAK_PROBE_PRICE_H
#define PYLEAK_PROBE_PRICE_H

#include "probe/probe.h"

/* One probe that is put in and taken out again, and one such cycle; and, if the target does nothing
 * but run into probes, one that is still in when nothing is recorded any more. */
struct probe_price {
	double probe_ns, cycle_ns, crawl_ns;
	double event_more_ns; /* than where the prices of events were measured, for each */
};

/* On a host where an event costs @event_ns: under some hypervisors ten times as much as elsewhere.
 * 0 = not known. */
struct probe_price probe_price_of(enum probe_mechanism m, double event_ns);
/* So many probes put in and taken out again, once. */
double probe_price_planting(const struct probe_price *p, size_t probes);
/* One probe that is hit, and does nothing. */
double probe_price_event(const struct probe_price *p);
/* One birth, whose walk goes by @frames; up to 3.10 each is an own object. */
double probe_price_birth(const struct probe_price *p, double frames, bool frames_are_objects);

#endif
