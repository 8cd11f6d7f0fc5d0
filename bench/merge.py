#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""How long `merge` takes: reports of as many hosts, 200 sites each, most of them the same on all hosts.

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


def one_report(sample, host):
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
        process["sites"].append(dict(site, id="%016x" % (number + 1), growth_bytes_per_s=100.0 * (number % 97), stack=stack))
    report["processes"] = [process]
    return json.dumps(report)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tool", default=os.path.join(TOP, "build", "pyleak-bpf"))
    parser.add_argument("--reports", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    with open(os.path.join(TOP, "tests", "golden", "report.json"), encoding="utf-8") as f:
        sample = json.load(f)
    with tempfile.TemporaryDirectory() as where:
        paths = [os.path.join(where, "%d.json" % n) for n in range(args.reports)]
        for n, path in enumerate(paths):
            with open(path, "w", encoding="utf-8") as f:
                f.write(one_report(sample, n))
        mib = sum(map(os.path.getsize, paths)) / 1e6
        rows = []
        for _ in range(args.runs):
            begin = time.monotonic()
            process = subprocess.Popen([args.tool, "merge", *paths, "--json", os.devnull], stdout=subprocess.DEVNULL)
            cpu, kib = usage.wait(process)
            rows.append((time.monotonic() - begin, cpu, kib / 1024))
    wall, cpu, rss = (statistics.median(c) for c in zip(*rows, strict=True))
    print("%d reports of %d sites, %.0f MB: %.2f s (%.2f s of CPU time), %.0f MiB of memory; %d runs, medians, %.2f-%.2f s"
          % (args.reports, SITES, mib, wall, cpu, rss, args.runs, min(r[0] for r in rows), max(r[0] for r in rows)))  # fmt: skip


if __name__ == "__main__":
    main()
