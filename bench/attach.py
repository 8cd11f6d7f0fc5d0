#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""How long a watch takes to start and to end, on an idle machine and on a starved one, as a Markdown table.

start: from the command to the first moment that is watched. end: from the end of that time, or from Ctrl-C, to the end of the
command. Ctrl-C before anything could be reported ends with status 130.

    attach.py [--tool build/pyleak-bpf] [--starts 20] [--busy 10]
"""
import argparse
import collections
import datetime
import json
import os
import signal
import statistics
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
DEMO = os.path.join(os.path.dirname(HERE), "tests", "zoo", "demo.py")
PYTHON = "/usr/bin/python3"
DURATIONS = (1, 5)
INTERRUPTS = (0.1, 0.5, 1, 3)
LONGEST_S = 120


def watch_for(tool, pid, seconds, where):
    """(start, end, status) of a watch that ends by itself."""
    report = os.path.join(where, "report-%d.json" % time.monotonic_ns())
    begin = time.time()
    run = subprocess.run([tool, "-p", str(pid), "-d", str(seconds), "-q", "--json", report], stdin=subprocess.DEVNULL,
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=LONGEST_S, check=False)  # fmt: skip
    end = time.time()
    with open(report) as f:
        started = json.load(f)["started_at"].replace("Z", "+00:00")
    started = datetime.datetime.fromisoformat(started).timestamp()
    return started - begin, end - started - seconds, run.returncode


def interrupt_after(tool, pid, seconds):
    """(end, status) of a watch that Ctrl-C ends."""
    with subprocess.Popen([tool, "-p", str(pid), "-q"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as process:  # fmt: skip
        time.sleep(seconds)
        asked = time.time()
        process.send_signal(signal.SIGINT)
        try:
            status = process.wait(LONGEST_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return time.time() - asked, status


def both(values):
    return "%.2f / %.2f" % (statistics.median(values), max(values))


def row(machine, what, starts, ends, statuses):
    print("| %s | %s | %s | %s | %s |" % (machine, what, both(starts) if starts else "", both(ends),
                                          ", ".join("%d: %d" % s for s in sorted(collections.Counter(statuses).items()))),
          flush=True)  # fmt: skip


def measure(machine, args, pid, where):
    for seconds in DURATIONS:
        out = [watch_for(args.tool, pid, seconds, where) for _ in range(args.starts)]
        row(machine, "`-d %d`" % seconds, *zip(*out))
    for seconds in INTERRUPTS:
        out = [interrupt_after(args.tool, pid, seconds) for _ in range(args.starts)]
        row(machine, "Ctrl-C after %g s" % seconds, None, *zip(*out))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tool", default="build/pyleak-bpf")
    parser.add_argument("--starts", type=int, default=20)
    parser.add_argument("--busy", type=int, default=10, help="busy processes per processor, for the starved machine")
    args = parser.parse_args()
    # Where a shell began this in the background Ctrl-C is ignored, by the tool as well until it has its own handler.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    print("| machine | watch | start, s: median / worst | end, s: median / worst | statuses |")
    print("|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as where, subprocess.Popen([PYTHON, "-B", DEMO, "--seconds", "3600"]) as demo:
        time.sleep(1)
        busy = []
        try:
            measure("idle", args, demo.pid, where)
            busy = [subprocess.Popen([PYTHON, "-c", "while True: pass"]) for _ in range(args.busy * os.cpu_count())]
            measure("starved", args, demo.pid, where)
        finally:
            for process in [demo, *busy]:
                process.kill()
            for process in busy:
                process.wait()


if __name__ == "__main__":
    main()
