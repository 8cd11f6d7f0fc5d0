#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Where the tool's own CPU time goes: each of the six workloads is watched, and perf samples the tool meanwhile. A row of a Markdown
table each: per cent of a core by job, in steady state, that of all by its clocks, of the guardian which switches the probes, and the
peak of its memory.

Needs perf (package linux-perf) and debug information in the tool, as `make` builds it.
"""
import argparse
import collections
import os
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import workloads  # noqa: E402
from usage import below, cpu_ns, peak_mb  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = "/usr/bin/python3.11"
SETTLES_S = 8.0  # the start, the first holders, the names of C functions
HERTZ = 1999

# A sample belongs to the first of them that is on its stack, from the outside in.
JOBS = {
    "windows": ("births_burst", "births_poll"),
    "ladder": ("ladder_climb",),
    "reports": ("watch_report",),
    "verdicts": ("session_judge",),
    "holders": ("heap_why", "view_open", "py_open"),
    "census": ("census_take", "census_fill", "heap_population"),
    "parts": ("heap_parts",),
    "pools": ("heap_census", "census"),
    "memory": ("memwatch_read", "proc_memory"),
    "descriptors": ("fds_poll", "fds_table_look"),
    "blocks": ("native_table_scan", "native_sites", "native_poll"),
}
JOB_OF = {function: job for job, functions in JOBS.items() for function in functions}


def stacks(text):
    """The stack of each sample that `perf script` prints: functions from the outside in."""
    for sample in text.split("\n\n"):
        frames = [line.split(None, 1) for line in sample.splitlines()[1:]]
        if frames:
            yield [f[1].split("+")[0] for f in reversed(frames) if len(f) > 1]


def job_of(stack):
    for function in stack:
        job = JOB_OF.get(function.partition(".")[0])  # count.part.0
        if job:
            return job
    return "other"


def sampled(pid, seconds, where):
    data = os.path.join(where, "perf.data")
    subprocess.run(["perf", "record", "-q", "--call-graph", "dwarf,16384", "-e", "cpu-clock", "-F", str(HERTZ), "-p", str(pid),
                    "-o", data, "--", "sleep", str(seconds)], check=True, stderr=subprocess.DEVNULL)  # fmt: skip
    text = subprocess.run(["perf", "script", "-i", data, "-F", "comm,ip,sym", "--no-inline"], check=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True).stdout  # fmt: skip
    return collections.Counter(job_of(s) for s in stacks(text))


def measure(args, kind):
    with tempfile.TemporaryDirectory() as where:
        program = [PYTHON, "-B", os.path.join(HERE, "workloads.py"), kind, os.path.join(where, "records"), "--seconds", "600"]
        target = subprocess.Popen(program)
        tool = None
        try:
            time.sleep(1.5)
            tool = subprocess.Popen([args.tool, "-p", str(target.pid), "-q"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                    stderr=subprocess.DEVNULL)  # fmt: skip
            time.sleep(SETTLES_S)
            guardian = below(tool.pid)
            before, begin = (cpu_ns([tool.pid]), cpu_ns(guardian)), time.monotonic()
            jobs = sampled(tool.pid, args.seconds, where)
            took = time.monotonic() - begin
            core = [(cpu_ns(pids) - b) / 1e7 / took for pids, b in zip(([tool.pid], guardian), before)]
            peak = peak_mb(tool.pid)
        finally:
            if tool:
                tool.send_signal(signal.SIGINT)
                tool.wait()
            target.kill()
            target.wait()
        return {job: 100 * n / HERTZ / args.seconds for job, n in jobs.items()}, core, peak


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tool", default="build/pyleak-bpf")
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--only", action="append", choices=sorted(workloads.WORKLOADS))
    args = parser.parse_args()
    names = [*JOBS, "other"]
    print("| workload | %s | all, by its clocks | guardian | MB |" % " | ".join(names))
    print("|---" * (len(names) + 4) + "|", flush=True)
    for kind in args.only or list(workloads.WORKLOADS):
        jobs, core, peak = measure(args, kind)
        print("| %s | %s | %.2f | %.2f | %.0f |" % (kind, " | ".join("%.2f" % jobs.get(n, 0) for n in names), *core, peak), flush=True)


if __name__ == "__main__":
    sys.exit(main())
