#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Cost of a watch to its target, and the CPU and memory of the tool: spans watched and not attached at all, in turn, as a Markdown table.

Each pair is a span without the tool and, after or before it as is drawn, one with a new watch. The first seconds of a watch
(the start and its eager windows) are a span of their own: "loss at the start".
"""
import argparse
import bisect
import glob
import json
import math
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import workloads  # noqa: E402
from usage import below, cpu_ns, peak_mb  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
START_S = 5.0  # from the start of the tool: told apart
SPAN_S = 5.0
END_S = 0.3  # after a watch has ended


def pythons():
    """Debian's build (LTO) and one that is not."""
    found = [("debian-3.11 (LTO)", "/usr/bin/python3.11")]
    plain = sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/3.11*/bin/python3")))
    if plain:
        found.append(("pyenv-%s (no LTO)" % plain[0].split("/")[-3], plain[0]))
    return found


class Tool:
    def __init__(self, path, pid, overhead, out):
        self.out = out
        cmd = [path, "-p", str(pid), "-q", "--json", out, "--overhead", str(overhead)]
        self.process = subprocess.Popen(cmd, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def pids(self):
        return [self.process.pid, *below(self.process.pid)]

    def finish(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)
        with open(self.out) as f:
            return json.load(f)["processes"][0]["probe"]


def read_records(path):
    with open(path, "rb") as f:
        data = f.read()
    size = workloads.RECORD.size
    return [workloads.RECORD.unpack_from(data, i) for i in range(0, len(data) - size + 1, size)]


def window(records, times, begin, end):
    """(operations per second, longest gap) of the records that lie inside."""
    a, b = bisect.bisect_left(times, begin), bisect.bisect_right(times, end) - 1
    if b - a < 2:
        raise RuntimeError("the workload wrote no records in a window of %.1f s" % (end - begin))
    rate = (records[b][1] - records[a][1]) / (records[b][0] - records[a][0])
    return rate, max(r[2] for r in records[a + 1 : b + 1])


def watched(args, pid, out):
    """The spans of one watch, and what it took and said."""
    begin = time.monotonic()
    tool = Tool(args.tool, pid, args.overhead, out)
    time.sleep(START_S)
    pids, middle = tool.pids(), time.monotonic()
    used = cpu_ns(pids)
    time.sleep(SPAN_S)
    end = time.monotonic()
    core, peak = (cpu_ns(pids) - used) / 1e9 / (end - middle), peak_mb(tool.process.pid)
    return (begin, middle), (middle, end), core, peak, tool.finish()


def run_pairs(args, pid, out):
    """[(span without the tool, what watched() says)]"""
    rng, pairs = random.Random(7), []
    for _ in range(args.pairs):
        both = {}
        for which in rng.sample(("off", "on"), 2):
            if which == "on":
                both["on"] = watched(args, pid, out)
                time.sleep(END_S)
            else:
                begin = time.monotonic()
                time.sleep(SPAN_S)
                both["off"] = begin, time.monotonic()
        pairs.append((both["off"], both["on"]))
    return pairs


def measure(python, kind, args):
    with tempfile.TemporaryDirectory() as d:
        records_file, report_file = os.path.join(d, "records"), os.path.join(d, "report.json")
        limit = args.pairs * (START_S + 2 * SPAN_S + 3) + 60
        target = subprocess.Popen([python, "-B", os.path.join(HERE, "workloads.py"), kind, records_file,
                                   "--seconds", str(limit)])  # fmt: skip
        try:
            time.sleep(1.5)
            pairs = run_pairs(args, target.pid, report_file)
            if target.poll() is not None:
                raise RuntimeError("the target died")
        finally:
            target.kill()
            target.wait()
        return summarise(read_records(records_file), pairs)


def summarise(records, pairs):
    times = [r[0] for r in records]
    rates, gaps, losses, at_start = [], {True: [], False: []}, [], []
    for off, (start, on, _, _, _) in pairs:
        rate, gap = window(records, times, *off)
        rates.append(rate)
        gaps[False].append(gap)
        for span, out in ((start, at_start), (on, losses)):
            watched_rate, gap = window(records, times, *span)
            out.append(100 * (1 - watched_rate / rate))
            gaps[True].append(gap)
    return {
        "loss": statistics.mean(losses),
        "ci": 1.96 * statistics.stdev(losses) / math.sqrt(len(losses)),
        "median": statistics.median(losses),
        "start": statistics.median(at_start),
        "off_per_s": statistics.mean(rates),
        "gap_on_ms": 1e3 * max(gaps[True]),
        "gap_off_ms": 1e3 * max(gaps[False]),
        "stated": statistics.median(p[1][4]["core_pct"] for p in pairs),
        "core": statistics.median(100 * p[1][2] for p in pairs),
        "peak": max(p[1][3] for p in pairs),
        "pairs": len(losses),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tool", default="build/pyleak-bpf")
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--overhead", type=float, default=3.0)
    parser.add_argument("--only", action="append", choices=sorted(workloads.WORKLOADS))
    parser.add_argument("--python", action="append", help="other interpreters than the usual two")
    parser.add_argument("--json", help="append the numbers to this file, one line each")
    args = parser.parse_args()
    if args.pairs < 2:
        parser.error("--pairs: at least 2, an interval needs two")
    todo = [(p, p) for p in args.python] if args.python else pythons()
    print("`--overhead %g`, %d pairs, %g s each\n" % (args.overhead, args.pairs, SPAN_S))
    print("| Python | workload | loss % (95 %) | median % | at the start % | stated, % of a core | longest pause on / off, ms | ops/s off "
          "| tool, % of a core | MB |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|---|", flush=True)
    failed = 0
    for name, python in todo:
        for kind in args.only or list(workloads.WORKLOADS):
            try:
                r = measure(python, kind, args)
            except (RuntimeError, OSError, ValueError, subprocess.TimeoutExpired) as e:
                print("| %s | %s | failed: %s |" % (name, kind, e), flush=True)
                failed = 1
                continue
            print("| %s | %s | %.2f ± %.2f | %.2f | %.2f | %.2f | %.1f / %.1f | %.0f | %.2f | %.0f |"
                  % (name, kind, r["loss"], r["ci"], r["median"], r["start"], r["stated"], r["gap_on_ms"], r["gap_off_ms"],
                     r["off_per_s"], r["core"], r["peak"]), flush=True)  # fmt: skip
            if args.json:
                with open(args.json, "a") as f:
                    f.write(json.dumps(dict(r, python=name, workload=kind, overhead=args.overhead)) + "\n")
    return failed


if __name__ == "__main__":
    sys.exit(main())
