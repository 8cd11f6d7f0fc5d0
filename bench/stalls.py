#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""How long the tool keeps others from starting: forks and execs of a process that is neither watched nor watches, without the
tool, with it and without it again, in one run.

    stalls.py [--scene NAME]... [--seconds 30] [--quick] [--json FILE] [--from FILE]...

A row is a scene of lib_scenes.py, whose programs are there all the time: what they cost is in both columns. Below the table is
where in the kernel it waited whenever a start took longer than 50 ms. --from makes one table of the results of several runs.
"""
import argparse
import contextlib
import json
import os
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import lib_scenes  # noqa: E402
import lib_starts  # noqa: E402
import lib_witness  # noqa: E402

QUICK_S = 6
ALIKE = 6  # groups of waits that are shown
SHARE = 0.35  # of the time with the tool: so long without it before, and after
LOOPS = ("fork", "exec")
PHASES = {"without": lib_starts.WITHOUT, "with": lib_starts.WITH}
VALUES = [(loop, value) for loop in LOOPS for value in ("p99.9_ms", "worst_ms")]


def spend(scene, at, seconds, enter):
    """Without, with, without. The commands of the time with the tool, which have ended."""
    enter(lib_starts.WITHOUT)
    time.sleep(SHARE * seconds)
    enter(lib_starts.WITH)
    beside = lib_scenes.Beside(scene.tools, at, seconds)
    beside.wait()
    enter(lib_starts.WITHOUT)
    time.sleep(SHARE * seconds)
    enter(lib_starts.UNCOUNTED)
    return beside


def measure(name, seconds):
    scene = lib_scenes.SCENES[name]
    begin = time.monotonic()
    with contextlib.ExitStack() as stack:
        at = stack.enter_context(scene.around())
        starts = [stack.enter_context(lib_starts.Starts(what)) for what in LOOPS]
        witness = stack.enter_context(lib_witness.Witness(starts))
        kills = at.get("kills")

        def enter(phase):
            for s in starts:
                s.enter(phase)
            if kills:
                kills.phase = phase

        beside = spend(scene, at, seconds, enter)
        for s in starts:
            s.settle()
        row = {"scene": name, "words": scene.words, "commands": beside.runs, "on_s": beside.on_s,
               "statuses": sorted(set(beside.statuses)),
               **{s.what: {p: s.durations(n).row() for p, n in PHASES.items()} for s in starts}}  # fmt: skip
        if kills:
            row["kills"] = {p: kills.counts.get(n, 0) for p, n in PHASES.items()}
        if beside.killed:
            row["targets_killed"] = beside.killed
        if "storage" in at:
            row["silent_reads"] = len(at["storage"].reads())
        worst = {s.durations(n).worst_at_ns: p for s in starts for p, n in PHASES.items()}
    for seen in witness.seen:
        seen["worst_of"] = worst.get(seen["begun_ns"])
    row.update(seconds=time.monotonic() - begin, witness=witness.seen)
    return row


def notes(row):
    yield "%d and %d starts" % tuple(sum(row[what][p]["count"] for what in LOOPS) for p in PHASES)
    if not row["commands"] and row["scene"] != "baseline":
        yield "NOTHING WAS RUN"
    if row["statuses"] not in ([], [0]):
        yield "the tool ended with %s" % row["statuses"]
    if row.get("on_s") is not None:
        yield "probes on for %.0f s" % row["on_s"]
    if "kills" in row:
        yield "%d and %d killed" % (row["kills"]["without"], row["kills"]["with"])
    if "targets_killed" in row:
        yield "%d of %d targets killed" % (row["targets_killed"], row["commands"])
    if "silent_reads" in row:
        yield "%d reads of silent storage" % row["silent_reads"]


def table(rows):
    head = " | ".join("%s %s" % (loop, value.replace("_ms", "")) for loop, value in VALUES)
    out = ["ms: without the tool -> with it (difference)", "", "| scene | %s | |" % head, "|---" * (len(VALUES) + 2) + "|"]
    for row in rows:
        cells = []
        for loop, value in VALUES:
            was, now = (row[loop][p][value] for p in PHASES)
            cells.append("%.1f -> %.1f (%+.1f)" % (was, now, now - was))
        out.append("| %s: %s | %s | %s |" % (row["scene"], row["words"], " | ".join(cells), ", ".join(notes(row))))
    return "\n".join(out)


def told(row):
    """Lines about the starts that took long: those that waited in the same places are one."""
    alike = {}
    for seen in row["witness"]:
        alike.setdefault(tuple(sorted(seen["waits"])), []).append(seen)
    for places, all_seen in sorted(alike.items(), key=lambda x: -len(x[1]))[:ALIKE]:
        is_worst = any(seen["worst_of"] == "with" for seen in all_seen)
        yield "%s: %d starts above %d ms, seen after %.0f ms at most%s" % (
            row["scene"], len(all_seen), lib_witness.LONG_MS, max(seen["after_ms"] for seen in all_seen),
            ", with the worst beside the tool" if is_worst else "")  # fmt: skip
        for place in places:
            yield "    " + place


def tell(row):
    for line in told(row):
        print(line, file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scene", action="append", choices=list(lib_scenes.SCENES))
    parser.add_argument("--seconds", type=float, default=30, help="with the tool, for each scene")
    parser.add_argument("--quick", action="store_true", help="%d s for each scene" % QUICK_S)
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--from", dest="results", action="append", metavar="FILE")
    args = parser.parse_args()
    # Programs that were started end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    rows = []
    if args.results:
        for path in args.results:
            with open(path, encoding="utf-8") as f:
                rows += json.load(f)
        for row in rows:
            tell(row)
    else:
        for name in args.scene or lib_scenes.SCENES:
            rows.append(measure(name, QUICK_S if args.quick else args.seconds))
            tell(rows[-1])
    if args.json:
        with open(args.json, "w", encoding="utf-8") as f:
            json.dump(rows, f, indent=1)
    print(table(rows))


if __name__ == "__main__":
    main()
