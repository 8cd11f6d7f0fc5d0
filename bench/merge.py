#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Time and memory of `merge` and `diff`: reports of as many hosts, 200 sites each, most of them the same on all hosts. For diff as many
again, in which one line leaks twice as much.

    merge.py [--tool build/pyleak-bpf] [--reports 1000] [--runs 5]
"""
import argparse
import copy
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import usage

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SITES, FRAMES = 200, 14


def one_report(sample, host, twice=False):
    """A host's report, with stacks as deep as those of real servers."""
    report = copy.deepcopy(sample)
    report["host"]["hostname"] = "host-%d" % host
    process = report["processes"][0]
    site, process["sites"] = process["sites"][0], []
    frames = [f for f in site["stack"] if f["lang"] == "python"]
    for k in range(SITES):
        # One in ten is a line that only this host has.
        number = k if k % 10 else host * SITES + k
        stack = [dict(frames[i % len(frames)], line=number + i) for i in range(FRAMES)]
        rate = 100.0 * (number % 97) * (2 if twice and k == 7 else 1)
        # No two sentences are the same.
        process["sites"].append(dict(site, id="%016x" % (number + 1), growth_bytes_per_s=rate, stack=stack, samples=300,
                                     independent_samples=200.5, reason="grew by %d B/s on host %d" % (rate, host)))  # fmt: skip
    report["processes"] = [process]
    return json.dumps(report)


def measure(args, command, *words):
    rows = []
    for _ in range(args.runs):
        begin = time.monotonic()
        process = subprocess.Popen([args.tool, command, *words], stdout=subprocess.DEVNULL)
        cpu, kib = usage.wait(process)
        rows.append((time.monotonic() - begin, cpu, kib / 1024))
    wall, cpu, rss = (statistics.median(c) for c in zip(*rows, strict=True))
    print("%-5s %.2f s (%.2f s of CPU time), %.0f MiB of memory; %d runs, medians, %.2f-%.2f s"
          % (command, wall, cpu, rss, args.runs, min(r[0] for r in rows), max(r[0] for r in rows)), flush=True)  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tool", default=os.path.join(TOP, "build", "pyleak-bpf"))
    parser.add_argument("--reports", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    with open(os.path.join(TOP, "tests", "golden", "report.json"), encoding="utf-8") as f:
        sample = json.load(f)
    with tempfile.TemporaryDirectory() as where:
        sets = [[os.path.join(where, "%s%d.json" % (name, n)) for n in range(args.reports)] for name in "ab"]
        for twice, paths in enumerate(sets):
            for n, path in enumerate(paths):
                with open(path, "w", encoding="utf-8") as f:
                    f.write(one_report(sample, n, twice=bool(twice)))
        mib = sum(map(os.path.getsize, sets[0])) / 1e6
        print("%d reports of %d sites, %.0f MB" % (args.reports, SITES, mib))
        measure(args, "merge", *sets[0], "--json", os.devnull)
        out = os.path.join(where, "diff.json")
        measure(args, "diff", "--json", out, *sets[0], "--", *sets[1])
        with open(out, encoding="utf-8") as f:
            grew = [r["ratio"] for r in json.load(f)["rows"] if r["change"] != "same" and r["a"] and r["b"]]
        assert grew == [2], grew


if __name__ == "__main__":
    main()
