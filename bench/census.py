#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The cost of a census: the target's throughput meanwhile, and bytes of heap per second of our CPU time.

The first table compares with what a program can find out itself, which stops it: gc.get_objects(). Then windows with
back-to-back censuses and without alternate; what is shown is the ratio of the rounds the target did in them. --big makes
a heap of so many nodes (of 10 blocks and 560 bytes each) instead, and asks who keeps them alive as well.
"""
import argparse
import contextlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import usage

HERE = os.path.dirname(os.path.abspath(__file__))
ZOO = os.path.join(os.path.dirname(HERE), "tests", "zoo")

MIXED = """
import gc, os, sys, time
class P:
    __slots__ = ("a", "b")
keep = []
gc.freeze()
gc.disable()
for i in range(int(sys.argv[1])):
    p = P()
    p.a = {"id": i, "name": "n%d" % i}
    p.b = [float(i), (i, i + 1)]
    keep.append(p)
gc.enable()
# CPU time: others may want the machine too. The pause is as long at least.
def account():
    t = time.process_time()
    counts = {}
    for o in gc.get_objects():
        counts[type(o)] = counts.get(type(o), 0) + 1
    return time.process_time() - t
def referrers():
    t = time.process_time()
    gc.get_referrers(keep[0])
    return time.process_time() - t
print("%.4f %.4f" % (min(account() for _ in range(2)), referrers()), flush=True)
time.sleep(3600)
"""


def run_tool(*command):
    """(seconds, CPU seconds, peak KiB) of one run of the tool."""
    begin, used = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    alone, peak = usage.wait(process)
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
    return time.monotonic() - begin, cpu or alone, peak


def census(tool, pid):
    return run_tool(tool, "census", "-p", str(pid), "-T", "1")


def rounds(truth):
    with open(truth) as f:
        rows = [json.loads(x) for x in f if x.endswith("\n")]
    return rows[-1]


def throughput(tool, python, windows, window_s):
    """Ratios of neighbouring windows, with censuses to without."""
    with tempfile.TemporaryDirectory() as d:
        truth = os.path.join(d, "truth")
        target = subprocess.Popen([python, os.path.join(ZOO, "census_churn.py"), "--truth", truth, "--threads", "1"])
        try:
            time.sleep(3)
            ratios, per_cpu, before, n = [], [], None, 0
            for i in range(2 * windows):
                begin = rounds(truth)
                end = time.monotonic() + window_s
                while time.monotonic() < end:
                    if i % 2:
                        census(tool, target.pid)
                        n += 1
                    else:
                        time.sleep(0.05)
                time.sleep(0.5)
                now = rounds(truth)
                made = now["rounds"] - begin["rounds"]
                rate = [made / (now[k] - begin[k]) for k in ("wall", "cpu")]
                if i % 2:
                    ratios.append(rate[0] / before[0])
                    per_cpu.append(rate[1] / before[1])
                before = rate
            return ratios, per_cpu, n
        finally:
            target.kill()
            target.wait()


def best(runs):
    return min(r[0] for r in runs), min(r[1] for r in runs), max(r[2] for r in runs) * 1024


@contextlib.contextmanager
def mixed(python, count):
    """(pid, RSS, seconds of gc.get_objects() and count, of gc.get_referrers(one object)) of a mixed heap."""
    target = subprocess.Popen([python, "-c", MIXED, str(count)], stdout=subprocess.PIPE, text=True)
    try:
        inside, referrers = map(float, target.stdout.readline().split())
        with open("/proc/%d/status" % target.pid) as f:
            rss = next(int(x.split()[1]) for x in f if x.startswith("VmRSS:")) * 1024
        yield target.pid, rss, inside, referrers
    finally:
        target.kill()
        target.wait()


def speed(tool, python, counts, repeat):
    print("| heap | census | CPU | GB/s of CPU | peak RSS of the tool | gc.get_objects() and count, inside, stopped |")
    print("|---|---|---|---|---|---|")
    for count in counts:
        with mixed(python, count) as (pid, rss, inside, _):
            wall, cpu, peak = best([census(tool, pid) for _ in range(repeat)])
        print("| %.0f MB | %.3f s | %.3f s | %.2f | %.1f MB | %.3f s |"
              % (rss / 1e6, wall, cpu, rss / 1e9 / cpu, peak / 1e6, inside), flush=True)  # fmt: skip


def big(tool, python, count):
    with mixed(python, count) as (pid, rss, inside, referrers):
        rows = [("census", *best([census(tool, pid) for _ in range(3)])),
                ("why, 4,096 of %d nodes" % count,
                 *best([run_tool(tool, "why", "-p", str(pid), "--type", "P", "--watch", "0") for _ in range(2)]))]  # fmt: skip
    print("heap of %.2f GB, %.0f M blocks" % (rss / 1e9, 10 * count / 1e6))
    print("| | time | CPU | GB/s of CPU | peak RSS of the tool |\n|---|---|---|---|---|")
    for name, wall, cpu, peak in rows:
        print("| %s | %.1f s | %.1f s | %.2f | %.0f MB |" % (name, wall, cpu, rss / 1e9 / cpu, peak / 1e6))
    print("| inside, stopped: gc.get_objects() and count | | %.1f s | | |" % inside)
    print("| inside, stopped: gc.get_referrers() of one object: one step of a path | | %.1f s | | |" % referrers)


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--tool", default=os.path.join(os.path.dirname(HERE), "build", "pyleak-bpf"))
    p.add_argument("--python", default="/usr/bin/python3.11")
    p.add_argument("--windows", type=int, default=5)
    p.add_argument("--window", type=float, default=2.0)
    p.add_argument("--counts", default="100000,400000", help="nodes of the mixed heaps, of ten blocks each")
    p.add_argument("--big", type=int, metavar="COUNT", help="one heap of so many nodes alone: 7500000 take 4.2 GB")
    a = p.parse_args()
    if a.big:
        big(a.tool, a.python, a.big)
        return
    speed(a.tool, a.python, map(int, a.counts.split(",")), 5)
    ratios, per_cpu, n = throughput(a.tool, a.python, a.windows, a.window)
    print("\nthroughput during %d back-to-back censuses: %.3f of untouched (%s)"
          % (n, statistics.median(ratios), " ".join("%.2f" % r for r in ratios)))  # fmt: skip
    print("per CPU second of the target, so without what others take of the CPUs: %.3f (%s)"
          % (statistics.median(per_cpu), " ".join("%.2f" % r for r in per_cpu)))  # fmt: skip


if __name__ == "__main__":
    main()
