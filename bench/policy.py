#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""When windows should open, and for how long: watches of modelled services, thousands a minute. For each policy it prints what
watching costs the service, how many of its requests meet a window, and how long its leak takes to be named.

A request takes `cpu_ms` of one core, makes `births` objects, and leaks each of `leaks` of them (a part is: now and then one).
Requests come at random times at a rate, all the time or in waves, and wait for each other. A window is planted, sees births
at what one costs, closes when they have cost enough or after 150 ms, and is taken out. A line is named when three of its
objects have been seen to live for three seconds: that is when a watch shows one.

    policy.py [--watches 400] [--seconds 60] [--only flask-40]
"""
import argparse
import math
import random
import statistics

# Prices are those of src/probe/price.c where an event costs 0.5 us.
PROBE_US, CYCLE_US, CRAWL_US, BIRTH_US = 12, 300, 16, 1.5
ALL_SITES, FOCUS_SITES, FOCUS_AFTER_S, FULL_EVERY = 272, 60, 6, 6
WINDOW_MAX_S, AIM, FLOOR = 0.15, 2 / 3, 0.003
MET_CHARGED, MET_LEAST, MET_CROWDED, CROWDED, EAGER_SERVING = 0.7, 0.0015, 0.005, 0.8, 0.5  # as in src/ledger/ledger.c
NAMED_SAMPLES, NAMED_AGE_S, SETTLED_S = 3, 3, 16  # a line that is named is called a leak no earlier

# Requests a second, CPU of one in ms, objects it makes, objects it leaks, share of the births at the places of the focus.
SERVICES = {
    "flask-40": dict(rate=40, cpu_ms=0.7, births=1400, leaks=1, focus=0.5),
    "flask-400": dict(rate=400, cpu_ms=0.7, births=1400, leaks=1, focus=0.5),
    "flask-1400": dict(rate=1400, cpu_ms=0.7, births=1400, leaks=1, focus=0.5),
    "flask-40-rare": dict(rate=40, cpu_ms=0.7, births=1400, leaks=0.1, focus=0.5),
    "django-100": dict(rate=100, cpu_ms=3, births=6000, leaks=2, focus=0.5),
    "api-4": dict(rate=4, cpu_ms=12, births=25000, leaks=5, focus=0.5),
    "waves-200": dict(rate=200, cpu_ms=0.7, births=1400, leaks=1, focus=0.5, wave_s=20),
}
# Percent are of its own CPU time, or of the clock; for so many seconds the clock's are spent; a window takes so many ms, or its
# births so many us. A multiple of the share is for looking, a part of it keeps up what is known. No more than a part of the
# requests may meet a window.
POLICIES = {
    "clock, 8 ms": dict(percent=3, by_clock=True, eager_s=60, births_us=8000),
    "own time, eager 20 s, 8 ms": dict(percent=3, eager_s=20, births_us=8000),
    "own time, eager 3 s, 8 ms": dict(percent=3, eager_s=3, births_us=8000),
    "own time, eager 3 s, 5 ms": dict(percent=3, eager_s=3, pause_ms=5),
    "own time, not eager, 5 ms": dict(percent=3, eager_s=0, pause_ms=5),
    "the same, twice that while it looks": dict(percent=3, eager_s=3, pause_ms=5, look=2, calm=1 / 3),
    "default": dict(percent=3, eager_s=3, pause_ms=5, look=2, calm=1 / 3, met=0.006),
    "the same, growth is told after 10 s": dict(percent=3, eager_s=3, pause_ms=5, look=2, calm=1 / 3, met=0.006, grows_s=10),
    "the same, growth is told after 20 s": dict(percent=3, eager_s=3, pause_ms=5, look=2, calm=1 / 3, met=0.006, grows_s=20),
    "--max-pause 2": dict(percent=3, eager_s=3, pause_ms=2, look=2, calm=1 / 3, met=0.006),
    "--max-pause 20": dict(percent=3, eager_s=3, pause_ms=20, look=2, calm=1 / 3, met=0.006),
    "--overhead 1": dict(percent=1, eager_s=3, pause_ms=5, look=2, calm=1 / 3, met=0.006),
    "--overhead 0.3": dict(percent=0.3, eager_s=3, pause_ms=5, look=2, calm=1 / 3, met=0.006),
    "--overhead 10": dict(percent=10, eager_s=3, pause_ms=5, look=2, calm=1 / 3, met=0.006),
}  # fmt: skip


class Watch:
    def __init__(self, service, policy, seconds, random_):
        self.service, self.policy, self.seconds, self.random = service, policy, seconds, random_
        self.busy = min(1, service["rate"] * service["cpu_ms"] / 1e3)
        self.seen = []  # when objects of the leak were seen to be born
        self.spent_us = self.windows = self.met = 0

    def rate_at(self, t):
        """Requests a second: in waves, all of them come in half of the time."""
        wave = self.service.get("wave_s")
        return self.service["rate"] * (2 * (int(t / wave) % 2 == 0) if wave else 1)

    def share(self, t):
        p = self.policy
        all_ = p["percent"] / 100 * AIM
        if t < p["eager_s"] or p.get("by_clock"):
            return all_ * (EAGER_SERVING if "met" in p else 1)
        calm = t < p.get("grows_s", 0) or (t > SETTLED_S and self.named_s())
        part = p.get("calm" if calm else "look", 1)
        own = max(all_ * self.busy, FLOOR * AIM if p["percent"] >= 100 * FLOOR else all_) * part
        if "met" not in p:
            return min(own, all_)
        crowd = MET_LEAST + (self.busy - CROWDED) / (1 - CROWDED) * (MET_CROWDED - MET_LEAST)
        most = max(p["met"] * MET_CHARGED * (1 - self.busy), MET_LEAST, crowd) * max(p["percent"] / 3, 1)
        return min(own, all_, most)

    def is_focus(self, t):
        return t > FOCUS_AFTER_S and self.windows % FULL_EVERY

    def births_us(self, planted_us):
        p = self.policy
        if "births_us" in p:
            return p["births_us"]
        left = max(p["pause_ms"] * 1e3 - planted_us, p["pause_ms"] * 500)
        return left * (0.5 + 0.5 * self.random.random())

    def gap(self, t):
        rate = self.rate_at(t)
        return self.random.expovariate(rate) if rate else math.inf

    def window(self, t):
        """Its cost in us, and when it closes."""
        service, focus = self.service, self.is_focus(t)
        sites = FOCUS_SITES if focus else ALL_SITES
        planted_us = sites * PROBE_US + CYCLE_US
        may_us = self.births_us(planted_us)
        per_request_us = service["births"] * (service["focus"] if focus else 1) * BIRTH_US
        cost_us, now, due = 0, t, t + self.gap(t)
        # The request that it begins in is half over, on average.
        part = self.random.random() if self.random.random() < self.rate_at(t) * service["cpu_ms"] / 1e3 else None
        while cost_us < may_us * 0.999:
            if part is None:
                if max(due, now) - t > WINDOW_MAX_S:
                    now = t + WINDOW_MAX_S
                    break
                now, part = max(due, now), 0
                due += self.gap(now)
            did = min(1 - part, (may_us - cost_us) / per_request_us)
            cost_us += did * per_request_us
            now += (did * service["cpu_ms"] * 1e3 + did * per_request_us) / 1e6
            expected = service["leaks"] * did
            for _ in range(int(expected) + (self.random.random() < expected % 1)):
                self.seen.append(now)
            part = None
        self.windows += 1
        # A request that comes meanwhile waits, and so does one that comes before those have been answered.
        self.met += self.rate_at(t) * (planted_us / 1e6 + now - t) / max(1 - self.busy, 0.1)
        crawl_us = min(1, cost_us / 1e6 / max(now - t, 1e-6)) * sites * CRAWL_US
        return planted_us + cost_us + crawl_us, now

    def run(self):
        t, saved_us, filled, expected_us = 0.05, 10000.0, 0.0, 10000.0
        while t < self.seconds:
            saved_us = min(saved_us + (t - filled) * 1e6 * self.share(t), 60000)
            filled = t
            if saved_us < expected_us:
                t += min(1, max(0.02, (expected_us - saved_us) / 1e6 / self.share(t)))
                continue
            cost_us, t = self.window(t)
            saved_us -= cost_us
            self.spent_us += cost_us
            expected_us = 0.8 * expected_us + 0.2 * cost_us
            t += 0.02
        return self

    def named_s(self):
        return self.seen[NAMED_SAMPLES - 1] + NAMED_AGE_S if len(self.seen) >= NAMED_SAMPLES else None


def show(name, policy_name, args):
    service, policy = SERVICES[name], POLICIES[policy_name]
    watches = [Watch(service, policy, args.seconds, random.Random(k)).run() for k in range(args.watches)]
    cpu_us = args.seconds * service["rate"] * service["cpu_ms"] * 1e3
    named = sorted(w.named_s() or float("inf") for w in watches)
    later = [w for w in named if w <= args.seconds]
    print("| %s | %s | %.1f | %.2f | %.1f | %s | %s | %.0f |"
          % (name, policy_name, 100 * statistics.mean(w.spent_us for w in watches) / cpu_us,
             100 * statistics.mean(w.spent_us for w in watches) / 1e6 / args.seconds,
             100 * statistics.mean(w.met for w in watches) / (args.seconds * service["rate"]),
             "%.1f" % statistics.median(named) if len(later) > len(named) / 2 else "later",
             "%.1f" % named[int(0.95 * len(named))] if len(later) >= 0.95 * len(named) else "later",
             100 * len(later) / len(named)), flush=True)  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--watches", type=int, default=400)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--only", action="append", choices=sorted(SERVICES))
    args = parser.parse_args()
    print("| service | policy | cost, % of its CPU | % of a core | requests that meet a window, % | named after, s | 95 % of watches | named, % |")
    print("|---|---|---|---|---|---|---|---|")
    for name in args.only or SERVICES:
        for policy in POLICIES:
            show(name, policy, args)


if __name__ == "__main__":
    main()
