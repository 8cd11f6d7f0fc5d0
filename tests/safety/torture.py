#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Whatever happens to the tool, the target is as it was: killed, stopped, frozen at random moments.

    torture.py [--kills N] [--stops N] [--suspends N] [--freezes N] [--runs N] [--cycles N] [--seed N] [--json FILE]

The target makes and checks objects in three threads and forks all the time. After each event its text, and
that of its children, must be that of the files within CLEAN_S, and its loops per second of CPU time at least
FULL of what they were before the tool came, as measured against a program that nobody watches. With --busy what comes
late is counted only, up to GIVE_UP_S."""
import argparse
import contextlib
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import time

import lib_commands
import lib_groups
import lib_target
import lib_text
import target_words as words

CLEAN_S = 3.0
FULL = 0.95
GIVE_UP_S = 12
GONE_S = 20  # for processes and definitions, which cost the target nothing
LONGEST_S = 1.5  # at work before something happens to it
ATTACH_S = 90  # on a machine that does a lot else
SPEED_S = 0.6  # CPU time is counted for so long at a time
BACK_S = 3  # for a watch that goes on to place its probes again
WORKERS = 3
CYCLES = os.path.join(os.path.dirname(lib_commands.TOOL), "tests/safety/cycles")


class Harm(AssertionError):
    """Something happened that must never be."""


class Program(lib_target.Running):
    def __init__(self):
        super().__init__("torture_target.py", nice=0)
        self.wait_ready()

    def pin(self, cpus):
        for task in os.listdir("/proc/%d/task" % self.pid):
            with contextlib.suppress(ProcessLookupError):
                os.sched_setaffinity(int(task), cpus)

    def work(self):
        """Loops so far, CPU time so far."""
        return sum(self.shared.get(words.WORKERS + i) for i in range(WORKERS)), lib_text.cpu_ns(self.pid)


class Target(Program):
    """The program that is watched, and its twin whom nobody watches: what else the host does slows both."""

    def __init__(self, is_busy=False):
        self.is_busy = is_busy
        self.tools = {0}  # processes of every tool that has watched it
        self.twin = Program()
        super().__init__()
        time.sleep(0.5)
        self.full = 1.0
        self.full = statistics.median(self.speed() for _ in range(5))

    def speed(self):
        """Loops per second of CPU time as a share of the twin's, as it was before the tool came: within 2 %, when both
        take turns on one CPU. On two, which may be threads of one core, it is anything from 0.8 to 1.4."""
        everywhere = os.sched_getaffinity(0)
        for program in (self, self.twin):
            program.pin({max(everywhere)})
        before = self.work(), self.twin.work()
        time.sleep(SPEED_S)
        mine, twins = ((n - m) / max(c - b, 1) for (m, b), (n, c) in zip(before, (self.work(), self.twin.work())))
        for program in (self, self.twin):
            program.pin(everywhere)
        return mine / max(twins, 1e-12) / self.full

    def check(self):
        if not self.alive():
            raise Harm("the target died with status %d" % self.process.returncode)
        if self.shared.get(words.WRONG):
            raise Harm("%d checksums of the target are wrong" % self.shared.get(words.WRONG))

    def foreign(self):
        return lib_text.foreign_bytes(self.pid, with_children=True)

    def close(self):
        super().close()
        self.twin.close()


class Tool:
    """A running watch, with all processes that belong to it."""

    def __init__(self, target, enter=None):
        self.target = target
        command = [lib_commands.TOOL, "-p", str(target.pid), "-q", "-d", "100000"]

        def begin():
            # A group of its own in our session: one that nobody could continue would not be stopped.
            os.setpgid(0, 0)
            if enter:
                enter()

        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, preexec_fn=begin)  # fmt: skip
        self.pids = [self.process.pid]
        if not self.wait_probes(ATTACH_S):
            status = self.process.poll()
            self.kill()
            raise Harm("the tool did not attach: status %s" % status)
        self.pids = lib_text.family(self.process.pid)
        target.tools.update(self.pids)

    def wait_probes(self, limit_s):
        """Are probes in, within this time?"""
        end = time.monotonic() + limit_s
        while not lib_text.foreign_bytes(self.target.pid):
            if self.process.poll() is not None or time.monotonic() > end:
                return False
            time.sleep(0.03)
        return True

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def gone(self):
        """Nothing of it is left: no process, no definition."""
        self.process.poll()
        return not any(map(lib_text.exists, self.pids)) and not lib_text.definitions(self.pids)

    def left(self):
        return "processes %s, %d definitions" % (
            [p for p in self.pids if lib_text.exists(p)], len(lib_text.definitions(self.pids)))  # fmt: skip

    def close(self):
        """The ordinary end."""
        self.process.send_signal(signal.SIGCONT)
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Harm("the tool did not end after SIGINT") from None
        clean(self.target, self.gone, self.left)


def clean(target, done=lambda: True, left=str):
    """Seconds until the text was as in the files; then done() must come true."""
    begin = time.monotonic()
    while target.foreign():
        if time.monotonic() - begin > (GIVE_UP_S if target.is_busy else CLEAN_S):
            raise Harm("%d foreign bytes after %.1f s" % (target.foreign(), time.monotonic() - begin))
        time.sleep(0.05)
    took = time.monotonic() - begin
    while not done():
        if time.monotonic() - begin > GONE_S:
            raise Harm("after %.1f s there are %s" % (time.monotonic() - begin, left()))
        time.sleep(0.05)
    target.check()
    return took


def full_speed(target, begin):
    """(seconds after `begin` until the target was at full speed, the best share of it that was seen)."""
    best = 0
    while True:
        best = max(best, target.speed())
        took = time.monotonic() - begin
        if best >= FULL:
            break
        if took > GIVE_UP_S:
            raise Harm("%.2f of full speed at best in %.1f s" % (best, took))
    target.check()
    return took, best


class Results:
    def __init__(self, target):
        self.target = target
        self.rows = {}

    def add(self, name, clean_s, full=None):
        self.rows.setdefault(name, []).append((clean_s, full))

    def table(self):
        out = []
        for name, rows in self.rows.items():
            times, speeds = [r[0] for r in rows], [r[1] for r in rows if r[1]]
            late = sum(t > CLEAN_S + SPEED_S for t, _ in speeds)
            unclean = sum(t > CLEAN_S for t in times)
            out.append({"what": name, "times": len(rows), "clean_s": round(statistics.median(times), 2),
                        "clean_s_max": round(max(times), 2), "unclean": unclean, "speeds": len(speeds), "late": late,
                        "full_s": round(statistics.median(t for t, _ in speeds), 2) if speeds else None})  # fmt: skip
            if late and not self.target.is_busy:
                raise Harm("%s: %d times of %d not at full speed in %.0f s" % (name, late, len(speeds), CLEAN_S))
        return out


def pause(shortest, longest):
    time.sleep(random.uniform(shortest, longest))


def event(results, name, target, done=lambda: True, left=str, with_speed=True):
    begin = time.monotonic()
    took = clean(target, done, left)
    results.add(name, took, full_speed(target, begin) if with_speed else None)


def kill(tool, results, with_speed):
    pause(0, LONGEST_S)
    tool.pids = lib_text.family(tool.process.pid)
    tool.target.tools.update(tool.pids)
    tool.kill()
    event(results, "kill -9", tool.target, tool.gone, tool.left, with_speed)


def kills(counts, target, results):
    """Kills new tools; the one that was stopped, where there is one, counts as the first."""
    for i in range("kill -9" in results.rows, counts["kills"]):
        kill(Tool(target), results, i % 5 == 0)


def by_signal(number):
    return lambda tool, on: tool.signal(number if on else signal.SIGCONT)


def ways(counts, groups):
    """(name, how often, what stops the tool or lets it go on). Freezes are spread over each kind of control group that there is."""
    yield "SIGSTOP", counts.get("stops", 0), by_signal(signal.SIGSTOP)
    yield "SIGTSTP", counts.get("suspends", 0), by_signal(signal.SIGTSTP)
    n = counts.get("freezes", 0)
    for i, group in enumerate(groups):
        times = n // len(groups) + (i < n % len(groups))
        yield "cgroup v%d frozen" % group.version, times, lambda _, on, g=group: g.freeze(on)


def pauses(counts, target, results):
    """Stopped and let go on in each way, in one run of the tool, which is killed then if any is to be."""
    versions = lib_groups.versions("freezer") if counts.get("freezes") else []
    with contextlib.ExitStack() as stack:
        groups = [stack.enter_context(lib_groups.Group("freezer", "tool", v)) for v in versions]
        tool = Tool(target, lambda: [g.enter() for g in groups])
        stack.callback(tool.kill)
        for name, times, hold in ways(counts, groups):
            for _ in range(times):
                tool.wait_probes(BACK_S)
                pause(0.2, LONGEST_S)
                hold(tool, True)
                try:
                    event(results, name, target)
                    if not lib_text.exists(tool.process.pid):
                        raise Harm("the tool ended")
                finally:
                    hold(tool, False)
        if counts.get("kills"):
            tool.wait_probes(BACK_S)
            kill(tool, results, True)
        else:
            tool.close()


def runs(counts, target, results):
    """Whole runs of the tool, to their own end."""
    for _ in range(counts["runs"]):
        command = [lib_commands.TOOL, "-p", str(target.pid), "-q", "-d", "1"]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        if done.returncode:
            raise Harm("status %d: %s" % (done.returncode, done.stderr[-300:]))
        event(results, "run of 1 s", target, with_speed=False)


def cycles(counts, target, results):
    """Attached and detached by the library alone, a hundred times between two looks."""
    n = counts["cycles"]
    while n > 0:
        some = min(n, 100)
        run = subprocess.Popen([CYCLES, str(target.pid), str(some)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True)  # fmt: skip
        time.sleep(0.2)
        target.tools.update(lib_text.family(run.pid))
        told, why = run.communicate()
        if run.returncode or int(told) != some:
            raise Harm("cycles: status %d: %s" % (run.returncode, why[-300:]))
        event(results, "100 attach/detach", target)
        n -= some


# The counts that each of them takes.
EVENTS = {pauses: ("stops", "suspends", "freezes"), kills: ("kills",), runs: ("runs",), cycles: ("cycles",)}
COUNTS = sum(EVENTS.values(), ())


def line(row):
    return "%(what)-18s %(times)5d times, clean after %(clean_s).2f s, at most %(clean_s_max).2f s, late %(unclean)d; full speed " \
        "after %(full_s)s s, late %(late)d of %(speeds)d" % row  # fmt: skip


def torture(counts, seed, is_busy=False, tell=print):
    """counts: how often, by the name of the event. Raises Harm."""
    random.seed(seed)
    log = lib_text.KernelLog()
    with Target(is_busy) as target:
        results, told = Results(target), []
        for what, names in EVENTS.items():
            if any(counts.get(name) for name in names):
                what(counts, target, results)
            before, told = told, results.table()
            for row in told:
                if row not in before:
                    tell(line(row), flush=True)
    bad = log.bad(target.tools)
    if bad:
        raise Harm("the kernel says: %s" % bad[:5])
    return results.table()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in COUNTS:
        parser.add_argument("--" + name, type=int, default=0)
    parser.add_argument("--busy", action="store_true",
                        help="this machine has other work: what comes late is counted, up to %d s" % GIVE_UP_S)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 30))
    parser.add_argument("--json")
    args = parser.parse_args()
    # SIGTERM puts away what was begun, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    print("seed %d" % args.seed, flush=True)
    table = torture({name: getattr(args, name) for name in COUNTS}, args.seed, args.busy)
    if args.json:
        with open(args.json, "w") as f:
            json.dump(table, f, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
