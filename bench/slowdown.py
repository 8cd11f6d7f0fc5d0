#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What watching costs the target: interleaved on/off windows in one run, as a Markdown table.

The tool stays attached to one process; SIGUSR1 makes it pause (no bursts, permanent probes off) and
go on, so that on and off see the same process, heap and machine a second apart.
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
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import workloads  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
WINDOW_S = 1.2
SETTLE_S = 0.15  # switching itself is not part of either window
LEARN_S = 6.0  # the tool finds its sites and meters the rate first


def pythons():
    """Debian's build (LTO) and one that is not."""
    found = [("debian-3.11 (LTO)", "/usr/bin/python3.11")]
    plain = sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/3.11*/bin/python3")))
    if plain:
        found.append(("pyenv-%s (no LTO)" % plain[0].split("/")[-3], plain[0]))
    return found


class Tool:
    def __init__(self, path, pid, overhead, out):
        cmd = [path, "-p", str(pid), "-v", "--no-color", "-i", "60", "--json", out,
               "--overhead", str(overhead)]  # fmt: skip
        self.process = subprocess.Popen(cmd, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True)  # fmt: skip
        self.toggled = threading.Event()
        self.errors = []
        threading.Thread(target=self.read, daemon=True).start()
        self.on = True

    def read(self):
        for line in self.process.stderr:
            if "paused" in line or "resumed" in line:
                self.toggled.set()
            else:
                self.errors.append(line.rstrip())

    def switch(self, on):
        if on == self.on:
            return
        self.toggled.clear()
        self.process.send_signal(signal.SIGUSR1)
        if not self.toggled.wait(10):
            raise RuntimeError("the tool did not say that it paused or resumed: %s" % self.errors[-3:])
        self.on = on

    def finish(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)


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


def run_windows(tool, pairs):
    """[(is_on, begin, end)], in pairs whose order is drawn, of lengths that hit no period."""
    rng = random.Random(7)
    spans = []
    for _ in range(pairs):
        for on in rng.sample((True, False), 2):
            tool.switch(on)
            time.sleep(SETTLE_S)
            begin = time.monotonic()
            time.sleep(WINDOW_S * rng.uniform(0.9, 1.3))
            spans.append((on, begin, time.monotonic()))
    tool.switch(True)
    return spans


def measure(python, kind, args):
    with tempfile.TemporaryDirectory() as d:
        records_file, report_file = os.path.join(d, "records"), os.path.join(d, "report.json")
        limit = LEARN_S + args.pairs * 2 * (WINDOW_S * 1.3 + SETTLE_S + 1) + 60
        target = subprocess.Popen([python, "-B", os.path.join(HERE, "workloads.py"), kind, records_file,
                                   "--seconds", str(limit)])  # fmt: skip
        try:
            time.sleep(1.5)
            tool = Tool(args.tool, target.pid, args.overhead, report_file)
            try:
                time.sleep(LEARN_S)
                spans = run_windows(tool, args.pairs)
            finally:
                tool.finish()
            if target.poll() is not None:
                raise RuntimeError("the target died")
        finally:
            target.kill()
            target.wait()
        records = read_records(records_file)
        with open(report_file) as f:
            stated = json.load(f)["processes"][0]["probe"]["core_pct"]
    return summarise(records, spans, stated)


def summarise(records, spans, stated):
    times = [r[0] for r in records]
    losses, rates, gaps = [], {True: [], False: []}, {True: [], False: []}
    for first, second in zip(spans[::2], spans[1::2]):
        pair = {}
        for on, begin, end in (first, second):
            pair[on], gap = window(records, times, begin, end)
            rates[on].append(pair[on])
            gaps[on].append(gap)
        losses.append(100 * (1 - pair[True] / pair[False]))
    return {
        "loss": statistics.mean(losses),
        "ci": 1.96 * statistics.stdev(losses) / math.sqrt(len(losses)),
        "median": statistics.median(losses),
        "off_per_s": statistics.mean(rates[False]),
        "gap_on_ms": 1e3 * max(gaps[True]),
        "gap_off_ms": 1e3 * max(gaps[False]),
        "stated": stated,
        "pairs": len(losses),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tool", default="build/pyleak-bpf")
    parser.add_argument("--pairs", type=int, default=30)
    parser.add_argument("--overhead", type=float, default=3.0)
    parser.add_argument("--only", action="append", choices=sorted(workloads.WORKLOADS))
    parser.add_argument("--python", action="append", help="other interpreters than the usual two")
    parser.add_argument("--json", help="append the numbers to this file, one line each")
    args = parser.parse_args()
    todo = [(p, p) for p in args.python] if args.python else pythons()
    print("`--overhead %g`, %d pairs of on/off windows\n" % (args.overhead, args.pairs))
    print("| Python | workload | loss % (95 %) | median % | stated % | longest pause on / off, ms | ops/s off |")
    print("|---|---|---|---|---|---|---|", flush=True)
    failed = 0
    for name, python in todo:
        for kind in args.only or list(workloads.WORKLOADS):
            try:
                r = measure(python, kind, args)
            except (RuntimeError, OSError, ValueError, subprocess.TimeoutExpired) as e:
                print("| %s | %s | failed: %s |" % (name, kind, e), flush=True)
                failed = 1
                continue
            stated = "-" if r["stated"] is None else "%.2f" % r["stated"]
            print("| %s | %s | %.2f ± %.2f | %.2f | %s | %.1f / %.1f | %.0f |"
                  % (name, kind, r["loss"], r["ci"], r["median"], stated, r["gap_on_ms"],
                     r["gap_off_ms"], r["off_per_s"]), flush=True)  # fmt: skip
            if args.json:
                with open(args.json, "a") as f:
                    f.write(json.dumps(dict(r, python=name, workload=kind, overhead=args.overhead)) + "\n")
    return failed


if __name__ == "__main__":
    sys.exit(main())
