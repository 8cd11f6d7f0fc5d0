#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The cost of a sweep to the processes it watches: many Pythons that compute as fast as they can, in windows in which the
sweep runs and windows in which it is stopped, in turn. Shown is the ratio of the rounds they all did.

    sweep.py [--tool build/pyleak-bpf] [--processes 200] [--pairs 20] [--window 4]
"""
import argparse
import json
import mmap
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "tests", "e2e"))

import pythons  # noqa: E402

WORK = """
import json, mmap, sys
count = memoryview(mmap.mmap(int(sys.argv[1]), 0)).cast("Q")
at, text, keep = int(sys.argv[2]), json.dumps([{"id": n, "name": "n%d" % n} for n in range(20)]), list(range(100000))
while True:
    for row in json.loads(text):
        row["sum"] = row["id"] + len(row["name"])
    count[at] += 1
"""


def cpu_s(pid):
    with open("/proc/%d/stat" % pid) as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def window(counts, seconds):
    before, begin = sum(counts), time.monotonic()
    time.sleep(seconds)
    return (sum(counts) - before) / (time.monotonic() - begin)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tool", default=os.path.join(TOP, "build", "pyleak-bpf"))
    parser.add_argument("--processes", type=int, default=200)
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--window", type=float, default=4.0)
    args = parser.parse_args()
    versions = [pythons.host()] + pythons.debian_roots()
    with tempfile.TemporaryDirectory() as where, open(os.path.join(where, "counts"), "w+b") as f:
        f.truncate(8 * args.processes)
        counts = memoryview(mmap.mmap(f.fileno(), 0)).cast("Q")
        # By its descriptor: a Python in another root has other paths.
        children = []
        for n in range(args.processes):
            python = versions[n % len(versions)]
            command = [python.path, "-c", WORK, str(f.fileno()), str(n), "pyleak-sweep-bench"]
            children.append(subprocess.Popen((["chroot", python.root] if python.root else []) + command, pass_fds=[f.fileno()]))
        tool = subprocess.Popen([args.tool, "sweep", "-q", "--name", "pyleak-sweep-bench", "--json", where + "/report.json"],
                                stdout=subprocess.DEVNULL)
        try:
            end = time.monotonic() + 120
            while not all(counts) and time.monotonic() < end:
                time.sleep(0.5)
            if not all(counts):
                sys.exit("not all of the processes run")
            # Among two hundred that never rest its first look at all of them would take minutes.
            os.setpriority(os.PRIO_PROCESS, tool.pid, -15)
            time.sleep(40)
            os.setpriority(os.PRIO_PROCESS, tool.pid, 0)
            ratios, used, on_s = [], 0.0, 0.0
            for pair in range(args.pairs):
                rates = {}
                for on in (True, False) if pair % 2 else (False, True):
                    tool.send_signal(signal.SIGCONT if on else signal.SIGSTOP)
                    before = cpu_s(tool.pid)
                    rates[on] = window(counts, args.window)
                    used += cpu_s(tool.pid) - before
                    on_s += args.window * on
                ratios.append(rates[False] / rates[True] - 1)
            tool.send_signal(signal.SIGCONT)
            with open("/proc/%d/status" % tool.pid) as f2:
                rss = next(int(x.split()[1]) for x in f2 if x.startswith("VmHWM:"))
            tool.send_signal(signal.SIGINT)
            tool.wait(60)
            with open(where + "/report.json", encoding="utf-8") as f2:
                seen = len(json.load(f2)["processes"])
        finally:
            for child in [*children, tool]:
                child.kill()
                child.wait()
    q = statistics.quantiles(ratios, n=4)
    print("%d processes on %d CPUs, %d watched: slowed down by %.2f %% in all (quartiles %.2f, %.2f; %d pairs); the sweep takes "
          "%.2f %% of a core and %.0f MB" % (args.processes, os.cpu_count(), seen, 100 * statistics.median(ratios), 100 * q[0],
                                             100 * q[2], args.pairs, 100 * used / on_s, rss * 1.024e-3))  # fmt: skip


if __name__ == "__main__":
    main()
