#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Runs inside the test VM: copies of the tool, and what others do beside them, must leave the kernel whole.

    vm_wedge.py namespaces [--count N]    a copy here and one in another pid namespace start and end N times
    vm_wedge.py signals [--seconds S]     four copies on one Python are killed, stopped and frozen, each by chance
    vm_wedge.py names [--seconds S]       others use, enable and clear what is in uprobe_events
    vm_wedge.py removal                   others remove each event by its name
    vm_wedge.py faults [--count N]        N calls of each kind fail in a copy, beside one that works
    vm_wedge.py faults --place GROUP      the same of each place from which a call of this group is made (several times)

After each: the kernel has said nothing bad, the watched program is unharmed, another Python starts and forks, and the
tool still works. Only in a guest that may be lost: it refuses to run anywhere else."""
import argparse
import collections
import contextlib
import dataclasses
import glob
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time

from wedge_copies import (
    END_S, FORKS, IS_CHECKED, PYTHON, TRACING, Live, Problems, Target, counts, events, fork, nobody_left, progress, start_tool,
    still_works, tell, tell_silence, tell_waits, unharmed, watch_for,
)  # fmt: skip

import faults
import lib_cases
import lib_groups
import lib_inject
import lib_text
import torture
from lib_commands import TOOL

SLOW = 8  # an emulated processor with a kernel that checks itself is slower than ours by so much
# So many of the copies that start and end have to count something. Of those that need half a minute to start few do.
COUNTING = 0.05 if IS_CHECKED else 0.5
HIT = 0.03  # of what happens to copies so much has to meet breakpoints
GUARDIAN = "pyleak-probes"
LEAKING = "leaking uprobe"  # the kernel's word when a kill meets a probe change
# Starts Pythons that fork and end, for ever.
CHURN = "import subprocess, sys\nwhile True: subprocess.run([sys.executable, '-S', '-c', %r], check=True)" % FORKS
# Outcomes of a run with a failing call that are harm; on a slow machine a report may lack what it has elsewhere.
HARM = ("hung", "ended by", "the target does not", "breakpoints", "left definitions")
NOWHERE = "+0x0"  # no call has failed


def mount_groups():
    """Both kinds of freezer, where lib_groups looks for them."""
    top = "/sys/fs/cgroup"
    subprocess.run(["mount", "-t", "tmpfs", "cgroups", top], check=True)
    for name, kind in (("unified", ["cgroup2"]), ("freezer", ["cgroup", "-o", "freezer"])):
        os.mkdir(os.path.join(top, name))
        if subprocess.run(["mount", "-t", *kind, "cgroups", os.path.join(top, name)]).returncode:
            os.rmdir(os.path.join(top, name))


def starts(args, problems):
    """One of the two of `namespaces`: all within its own pid namespace."""
    with Target() as target:
        counted = 0
        for _ in range(args.count):
            counted += watch_for(target.pid, random.randint(1, 2), problems)
            target.check()
            progress()
        tell("%d of %d copies counted something" % (counted, args.count))
        if counted < args.count * COUNTING:
            problems.add("only %d of %d copies counted anything" % (counted, args.count))
        counts(target, problems)
        unharmed(target, problems)


def namespaces(args, problems):
    me = [sys.executable, "-B", os.path.abspath(__file__), "starts", "--count", str(args.count), "--seed"]
    sides = [subprocess.Popen([*me, str(args.seed)]),
             subprocess.Popen(["unshare", "--pid", "--fork", "--mount-proc", *me, str(args.seed + 1)])]  # fmt: skip
    for side, name in zip(sides, ("here", "in another namespace")):
        while side.poll() is None:
            time.sleep(1)
            progress()  # each side looks after its own silence
        if side.returncode:
            problems.add("the copies %s: status %d" % (name, side.returncode))
    if events():
        problems.add("%d definitions are left: %s" % (len(events()), events()[:3]))


class Copy:
    """A tool and its guardian, each in a freezer of its own."""

    def __init__(self, pids, number, *args):
        versions = lib_groups.versions("freezer")
        version = versions[number % len(versions)]  # no seed leaves one out
        self.groups = [lib_groups.Group("freezer", "copy-%d-%d-%d" % (number, i, time.monotonic_ns()), version) for i in (0, 1)]
        self.process = start_tool(pids, "-d", "100000", *args, enter=self.groups[0].enter)

    def guardian(self):
        for pid in lib_text.family(self.process.pid):
            with contextlib.suppress(OSError), open("/proc/%d/comm" % pid) as f:
                if f.read().strip() == GUARDIAN:
                    return pid
        return None

    def part(self):
        """(name, pid, its freezer) of the tool or of the guardian."""
        guardian = self.guardian()
        if guardian and random.random() < 0.5:
            with contextlib.suppress(OSError):
                self.groups[1].enter(guardian)
            return "guardian", guardian, self.groups[1]
        return "tool", self.process.pid, self.groups[0]

    def close(self):
        for group in self.groups:
            group.freeze(False)
            group.close()


def hit(copy):
    """Something happens to a copy: (what it was, how it is taken back)."""
    what = random.choices(("SIGKILL", "SIGSTOP", "frozen"), (1, 3, 3))[0]
    name, pid, group = copy.part()

    def send(number):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)

    if what == "frozen":
        group.freeze(True)
        return "%s %s v%d" % (name, what, group.version), lambda: group.freeze(False)
    send(signal.SIGKILL if what == "SIGKILL" else signal.SIGSTOP)
    return "%s %s" % (name, what), lambda: send(signal.SIGCONT)


def signals(args, problems):
    mount_groups()
    done, taken_back, old = collections.Counter(), [], []
    churn = subprocess.Popen([PYTHON, "-S", "-c", CHURN])
    with Target() as target:

        def start(number):
            # The last one also follows what is forked and executed.
            more = ([churn.pid], ["--children"]) if number == 3 else ([], [])
            return Copy([target.pid, *more[0]], number, *more[1])

        copies = [start(n) for n in range(4)]
        end = time.monotonic() + args.seconds
        while time.monotonic() < end:
            time.sleep(random.uniform(0.1, 1.5) * (6 if IS_CHECKED else 1))
            what, back = hit(random.choice(copies))
            done[what] += 1
            progress()
            done["with probes in the target"] += bool(lib_text.foreign_bytes(target.pid))
            taken_back.append((time.monotonic() + random.uniform(0.05, 4), back))
            for when, undo in taken_back[:]:
                if when < time.monotonic():
                    undo()
                    taken_back.remove((when, undo))
            for n, copy in enumerate(copies):
                if copy.process.poll() is not None:
                    old.append(copy)
                    copies[n] = start(n)
            target.check()
        for _, undo in taken_back:
            undo()
        tell(dict(done), "copies that ended:", len(old))
        for copy in copies:
            # One whose guardian was killed may end with a failure of its own.
            with contextlib.suppress(ProcessLookupError):
                copy.process.send_signal(signal.SIGINT)
        for copy in copies:
            try:
                copy.process.communicate(timeout=END_S)
            except subprocess.TimeoutExpired:
                problems.add("a copy did not end in %d s after SIGINT" % END_S)
                tell_waits(copy.process.pid)
                copy.process.kill()
        for copy in old + copies:
            copy.close()
        codes = collections.Counter(c.process.returncode for c in old + copies)
        tell("statuses of the copies:", dict(codes))
        for code in codes:
            # By a signal of ours alone.
            if code is None or code < 0 and code != -signal.SIGKILL:
                problems.add("a copy ended by %s" % code)
        hits = sum(done.values()) - done["with probes in the target"]
        if done["with probes in the target"] < HIT * hits:
            problems.add("of %d hits %d met probes" % (hits, done["with probes in the target"]))
        kinds = ["SIGKILL", "SIGSTOP"] + ["frozen v%d" % v for v in (1, 2)]
        for what in ("%s %s" % (p, k) for p in ("tool", "guardian") for k in kinds):
            if not done[what]:
                problems.add("never tried: " + what)
        unharmed(target, problems)
    if churn.poll() is not None:
        problems.add("a program that is followed through forks and execs, or a child of its, ended: %s" % churn.returncode)
    churn.kill()
    tell("definitions of guardians that were killed:", len(events()))


def mechanism():
    run = subprocess.run([TOOL, "doctor", "--json"], capture_output=True, text=True, timeout=END_S)
    return next(r["found"] for r in json.loads(run.stdout)["rows"] if r["what"] == "probes, chosen")


def shell(command, wanted, problems):
    """One thing that another user of tracing does, which has to end with one of these statuses: who has no perf, or is
    refused what he begins with, has tried nothing."""
    try:
        run = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=END_S, stdin=subprocess.DEVNULL)
        said = "%s: status %d %s" % (command[:90], run.returncode, (run.stderr.strip().splitlines() or [""])[-1][:120])
        tell(said) if run.returncode in wanted else problems.add(said)
    except subprocess.TimeoutExpired:
        problems.add("%s: no end after %d s" % (command[:90], END_S))


DONE = (0,)
DONE_OR_BUSY = (0, 2)  # a shell that is refused the file
REMOVED_OR_NOT = [n for n in range(256) if n not in (126, 127)]  # may be refused, but is there


def users():
    """Whoever else probes the same function, enables our names, and clears what is not in use: (command, its statuses). Where
    perf has an event the kernel ends that write with EINTR, and a shell would repeat it for ever: not so perl."""
    place = "-x %s other=PyObject_Malloc" % PYTHON
    trace = "bpftrace -e 'uprobe:%s:PyObject_Malloc { @[comm] = count(); } interval:s:3 { exit(); }'" % PYTHON
    return [
        ("perf probe %s && { for n in 1 0; do echo $n >%sevents/probe_python3/enable; sleep 2; done; "
         "perf probe -d 'probe_python*:other'; }" % (place, TRACING), DONE),
        (trace, DONE),
        # Killed while its probe is in.
        ("rm -f /tmp/on; bpftrace -B none -e 'uprobe:%s:PyObject_Malloc { @[comm] = count(); } interval:s:1 { printf(\"on\\n\"); }' >/tmp/on & "
         "until grep -qs on /tmp/on || ! kill -0 $!; do sleep 0.2; done; kill -9 $!" % PYTHON, DONE),
        ("perl -e 'for $n (1, 0) { for (@ARGV) { open F, \">\", $_; syswrite F, $n; close F } }' %sevents/pyleak_*/enable" % TRACING,
         DONE),
        (": >%suprobe_events" % TRACING, DONE_OR_BUSY),
    ]  # fmt: skip


def removers():
    by_name = ("for n in $(sed -n 's/^.:\\(pyleak_[^ ]*\\) .*/\\1/p' %suprobe_events | sort -u); do echo \"-:$n\" "
               ">>%suprobe_events; done" % (TRACING, TRACING))  # fmt: skip
    return [(c, REMOVED_OR_NOT) for c in (by_name, "perf probe -d 'pyleak_*:*'", "trace-cmd reset")]


def beside_a_watch(actions, args, problems):
    with Target() as target:
        live = Live(target, problems)
        tell("watched by %s, %d events" % (mechanism(), len(events())))
        end = time.monotonic() + args.seconds
        for turn in itertools.count():
            for command, wanted in actions:
                shell(command, wanted, problems)
                target.check()
                if live.tool.poll() is not None:
                    problems.add("the copy ended with %d" % live.tool.returncode)
                live.look()
                fork(problems)
            if turn == 0:
                live.halve()
            elif time.monotonic() > end:
                break
        live.end()
        unharmed(target, problems)
    tell("%d definitions are left" % len(events()))


def names(args, problems):
    beside_a_watch(users() + (removers() if mechanism() == "multi" else []), args, problems)


def removal(args, problems):
    beside_a_watch(removers(), args, problems)


def spread_over(calls, count):
    """So many calls: of start, of the window and of the end."""
    return sorted({1 + int((calls - 1) * (i + random.random()) / count) for i in range(count)}) if calls else []


def faults_of_calls(case, bench, count):
    outcome, _, calls = faults.run_once(case, bench)
    tell("without a fault:", outcome, calls)
    for group in [g for g in lib_inject.GROUPS if g != "filter"]:
        for n in spread_over(calls[group], count):
            yield lib_inject.Fault(group, n, random.choice(lib_inject.GROUPS[group]), group != "wait" and random.random() < 1 / 3)


def faults_of_places(case, bench, groups):
    outcome, places = faults.places_of(case, bench, groups)
    tell("without a fault:", outcome, dict(collections.Counter(p[0] for p in places)))
    for group, _, key in places:
        yield lib_inject.Fault(group, 0, random.choice(lib_inject.GROUPS[group]), place=key)


def failing_calls(args, problems):
    case = next(c for c in lib_cases.CASES if c.name == "watch")
    case = dataclasses.replace(case, limit_s=case.limit_s * SLOW)
    bench = faults.Bench(1)
    outcomes = collections.Counter()
    with Target() as target:
        live = Live(target, problems)
        reached, planned = 0, list(faults_of_places(case, bench, args.place) if args.place else faults_of_calls(case, bench, args.count))
        for n, fault in enumerate(planned):
            outcome, place, _ = faults.run_once(case, bench, fault)
            reached += place != NOWHERE
            live.look()
            if n == len(planned) // 2:
                live.halve()
            tell("%s: %s (%s)" % (fault, outcome, place))
            outcomes[outcome if outcome in faults.GOOD else "other"] += 1
            if outcome.startswith(HARM):
                problems.add("%s: %s" % (fault, outcome))
            target.check()
        tell(dict(outcomes), "calls that failed:", reached)
        groups = set(args.place or lib_inject.GROUPS) - {"filter"}
        if {f.group for f in planned} != groups or reached < 0.7 * len(planned):
            problems.add("of %d calls that were to fail, of %s, %d did" % (len(planned), sorted({f.group for f in planned}), reached))
        end = time.monotonic() + END_S
        while bench.all[0].changed_text() and time.monotonic() < end:
            time.sleep(0.2)
        if bench.all[0].changed_text():
            problems.add("breakpoints stay in the target of the failing copies")
        live.end()
        unharmed(target, problems)
    bench.close()


SCENARIOS = {"starts": starts, "namespaces": namespaces, "signals": signals, "names": names, "removal": removal,
             "faults": failing_calls}  # fmt: skip


def kernel_is_whole(log, problems, kills):
    bad = log.bad()
    leaking = [line for line in bad if LEAKING in line]
    if leaking:
        tell("the kernel left %d uprobes in place: %s" % (len(leaking), leaking[:2]))
    for line in [line for line in bad if not kills or LEAKING not in line][:5]:
        problems.add("the kernel says: " + line)
    # A fault that lockdep finds is told once, and then it is off.
    with contextlib.nullcontext() if IS_CHECKED else contextlib.suppress(FileNotFoundError), open("/proc/lockdep_stats") as f:
        if not any(line.split() == ["debug_locks:", "1"] for line in f):
            problems.add("lockdep is off")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenario", choices=SCENARIOS)
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--place", action="append", metavar="GROUP")
    parser.add_argument("--seconds", type=float, default=0)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    if not glob.glob("/tmp/vm/job"):
        sys.exit("vm_wedge.py: runs in the guest of tests/vm/run.sh alone: it may bring a kernel down")
    random.seed(args.seed)
    threading.Thread(target=tell_silence, daemon=True).start()
    log, problems, begin = lib_text.KernelLog(), Problems(), time.monotonic()
    try:
        SCENARIOS[args.scenario](args, problems)
        if args.scenario != "starts":
            still_works(problems)
            nobody_left(problems)
    except torture.Harm as e:
        problems.add(str(e))
    kernel_is_whole(log, problems, args.scenario == "signals")
    tell("%s, kernel %s, %.0f s: %s" % (args.scenario, os.uname().release, time.monotonic() - begin,
                                        "; ".join(problems) or "nothing wrong"))  # fmt: skip
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
