#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Runs every command with one call failing, for a spread of calls, and tells what came of it.

    faults.py [--each N | --places] [--cheap N] [--seed N] [--case NAME]... [--group NAME]... [--jobs N] [--log FILE]

With --places each place from which a call is made (the call and its two nearest callers) fails once, at its first call.

Ends with a table of outcomes, and status 1 when a run crashed, hung, said something wrong, harmed its target or left
something behind. One run again: faults.py --case census --only mem:812:ENOMEM:0"""
import argparse
import collections
import concurrent.futures
import errno
import json
import os
import queue
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import lib_inject
from lib_cases import CASES, Run, free_port, judge_doctor
from lib_inject import GROUPS, LIST, TOOL, Fault, Page, Target, definitions

ENDING = []  # a signal: what runs comes to its end, no more is started
GOOD = ("right", "told", "refused", "not reached")


class Bench:
    """The library, saved files, and targets for so many runs at once."""

    def __init__(self, jobs):
        self.where = tempfile.mkdtemp(prefix="pyleak-faults-")
        self.library = lib_inject.build(self.where)
        self.targets = queue.Queue()
        self.all = [Target("pyleak-faults-%d-%d-" % (os.getpid(), n)) for n in range(jobs)]
        for t in self.all:
            self.targets.put(t)
        self.saved = self.all[0].pid
        # At rest: what is read while it changes is torn, which is another test's business.
        os.kill(self.saved, signal.SIGSTOP)
        self.tool("census", "-p", str(self.saved), "-q", "--save", self.file("saved.snap"))
        self.tool("census", "-p", str(self.saved), "-q", "--json", self.file("census.json"))
        os.kill(self.saved, signal.SIGCONT)
        self.tool("merge", self.file("census.json"), self.file("census.json"), "--json", self.file("wanted.json"))

    def tool(self, *args):
        subprocess.run([TOOL, *args], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=60)

    def file(self, name):
        return os.path.join(self.where, name)

    def close(self):
        for t in self.all:
            t.close()
        shutil.rmtree(self.where)


def end_session(process):
    """The tool and what it forked; only those."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def start(case, run, page, fault, shared):
    port = free_port() if case.during else 0
    words = {"pid": run.target.pid, "dir": run.where, "mark": run.target.mark, "port": port, "shared": shared}
    command = [TOOL, *(a.format(**words) for a in case.args)]
    with open(run.file("stdout"), "w") as out, open(run.file("stderr"), "w") as err:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=page.env(fault),
                                start_new_session=True), port  # fmt: skip


def read_text(path):
    with open(path, errors="replace") as f:
        return f.read()


def leftovers(case, run, pid, fault):
    """A run that came to an orderly end may leave none of these."""
    left = sorted(set(os.listdir(run.where)) - {"stdout", "stderr", "out.json", "out.snap", "wanted.json"})
    # A file that cannot be renamed nor unlinked stays.
    if left and not (fault and fault.group == "name"):
        return "left behind: %s" % left
    if case.live and definitions(pid):
        # Where taking them away fails, too, they stay.
        if not (fault and (fault.on or fault.group in ("write", "open"))):
            return "left definitions in tracefs"
    return None


def verdict(case, run, fault):
    if run.rc == 1 or run.rc == 2:
        # doctor's answer is what it prints; where nothing can be written, nothing is.
        told = run.err.strip() or case.judge is judge_doctor and run.out or fault and fault.group in ("write", "mem")
        return "refused" if told else "ended with %d, without a word" % run.rc
    if run.rc != 0:
        return "ended by %s" % (signal.Signals(-run.rc).name if run.rc < 0 else "status %d" % run.rc)
    try:
        return case.judge(run)
    except (OSError, ValueError, KeyError, TypeError) as e:
        return "no report: %s: %s" % (type(e).__name__, str(e)[:100])


def harm(run):
    """The target must go on, and its code be its own, at the latest when a guardian's time is up."""
    if not run.target.goes_on():
        return "the target does not go on"
    end = time.monotonic() + 4
    while run.target.changed_text():
        if time.monotonic() > end:
            return "breakpoints are left in %s" % run.target.changed_text()
        time.sleep(0.2)
    return None


def run_once(case, bench, fault=None, places=None):
    """(outcome, where the failing call was made, calls by group); `places` gets those that a run with LIST meets."""
    target = bench.targets.get()
    where = tempfile.mkdtemp(prefix="run-", dir=bench.where)
    page = Page(bench.library, bench.where)
    run = Run(target if case.live else bench.all[0], where)
    try:
        shutil.copy(bench.file("wanted.json"), where)
        process, port = start(case, run, page, fault, bench.where)
        try:
            if case.during:
                case.during(run, process, port)
            run.rc = process.wait(case.limit_s)
        except subprocess.TimeoutExpired:
            return "hung: no end after %d s" % case.limit_s, page.read()[2], page.read()[0]
        finally:
            end_session(process)
        run.out, run.err = read_text(run.file("stdout")), read_text(run.file("stderr"))
        calls, failed, place = page.read()
        if places is not None:
            places.update(page.places())
        told = leftovers(case, run, process.pid, fault)
        if run.rc == 0 and case.after and not told:
            bench.tool(*(a.format(dir=where) for a in case.after))
        outcome = verdict(case, run, fault)
        if outcome in GOOD:
            outcome = told or (harm(run) if case.live else None) or outcome
        if fault and fault is not LIST and not failed and outcome == "right":
            outcome = "not reached"
        return outcome, place, calls
    except subprocess.CalledProcessError as e:
        return "what it saved cannot be read: status %d" % e.returncode, page.read()[2], page.read()[0]
    finally:
        page.close()
        shutil.rmtree(where)
        bench.targets.put(target)


def spread(calls, wanted, codes, may_last, rng):
    """Faults of one group: all calls when there are few, else the first ones and others by chance. Every third time
    all later ones fail as well."""
    if calls <= wanted:
        some = list(range(1, calls + 1))
    else:
        first = wanted // 4
        some = [*range(1, first + 1), *sorted(rng.sample(range(first + 1, calls + 1), wanted - first))]
    return [(n, rng.choice(codes), may_last and rng.random() < 1 / 3) for n in some]


def places_of(case, bench, groups):
    """(outcome, [(group, where, key)]) of a run without a fault: each place from which it calls something of these groups."""
    found = {}
    outcome, _, _ = run_once(case, bench, LIST, found)
    return outcome, sorted((group, where, key) for key, (group, where) in found.items() if group in groups)


def plan_places(bench, cases, groups, rng):
    for case in cases:
        outcome, places = places_of(case, bench, groups)
        by_group = dict(collections.Counter(p[0] for p in places))
        print("%s without a fault: %s; %d places, %s" % (case.name, outcome, len(places), by_group), flush=True)
        assert outcome in GOOD, outcome
        for group, _, key in places:
            yield case, Fault(group, 0, rng.choice(GROUPS[group]), place=key)


def plan(bench, cases, groups, args, rng):
    for case in cases:
        outcome, _, calls = run_once(case, bench)
        print("%s without a fault: %s; %s" % (case.name, outcome, calls), flush=True)
        assert outcome == "right" or case.live and outcome == "told", outcome
        for group in groups:
            wanted = args.each if case.live else args.cheap
            for n, code, on in spread(calls[group], wanted, GROUPS[group], group != "wait", rng):
                yield case, Fault(group, n, code, on)


def table(outcomes):
    columns = ("right", "told", "refused", "not reached", "wrong")
    rows = ["| command | calls | " + " | ".join(columns) + " |", "|" + "---|" * (len(columns) + 2)]
    for name, counts in outcomes.items():
        rows.append("| `%s` | %d | %s |" % (name, sum(counts.values()), " | ".join(str(counts[c]) for c in columns)))
    return "\n".join(rows)


def run_plan(bench, jobs, work, log=None):
    """({command: outcomes}, {group: outcomes}, what was wrong)."""
    by_case, by_group, wrong = collections.defaultdict(collections.Counter), collections.defaultdict(collections.Counter), []
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        running = {pool.submit(run_once, case, bench, fault): (case, fault) for case, fault in work}
        for future in concurrent.futures.as_completed(running):
            if ENDING:
                pool.shutdown(wait=False, cancel_futures=True)
                break
            case, fault = running[future]
            outcome, place, _ = future.result()
            kind = outcome if outcome in GOOD else "wrong"
            by_case[case.name][kind] += 1
            by_group[fault.group][kind] += 1
            if log:
                log.write(json.dumps([case.name, str(fault), outcome, place]) + "\n")
                log.flush()
            if kind == "wrong":
                wrong.append("%s, %s (%s): %s" % (case.name, fault.spec(), place, outcome))
                print("WRONG", wrong[-1], flush=True)
    return by_case, by_group, wrong


def parse_only(text):
    group, n, code, on = text.split(":")
    return Fault(group, int(n), int(code) if code.isdigit() else getattr(errno, code), on == "1")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--each", type=int, default=60, help="calls of each group, of commands that watch a process")
    parser.add_argument("--cheap", type=int, default=2000, help="the same, of commands that read files")
    parser.add_argument("--places", action="store_true", help="each place from which a call is made, in place of --each")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--case", action="append")
    parser.add_argument("--group", action="append")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--log")
    parser.add_argument("--only", type=parse_only)
    args = parser.parse_args()
    cases = [c for c in CASES if not args.case or c.name in args.case]
    signal.signal(signal.SIGTERM, lambda *_: ENDING.append(True))
    bench = Bench(args.jobs)
    try:
        if args.only:
            work = [(c, args.only) for c in cases]
        else:
            groups, rng = args.group or [g for g in GROUPS if g != "filter"], random.Random(args.seed)
            work = list(plan_places(bench, cases, groups, rng) if args.places else plan(bench, cases, groups, args, rng))
        print("%d runs" % len(work), flush=True)
        log = open(args.log, "a") if args.log else None
        by_case, by_group, wrong = run_plan(bench, args.jobs, work, log)
        print(table(by_case), table(by_group), sep="\n\n")
        print("\n".join(wrong) or "nothing wrong")
        return 1 if wrong else 0
    finally:
        bench.close()


if __name__ == "__main__":
    sys.exit(main())
