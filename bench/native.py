#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The cost of native stacks: ns per malloc/free pair without the tool, with the innermost caller alone and
with whole stacks, all stacks known; and what the tool needs while 10,000 stacks appear.

The three take turns on one process, so that they share the machine's bad moments; ratios of medians.
"""
import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "tests", "e2e"))

import harness  # noqa: E402

SOURCE = """
#include <Python.h>
#include <stdlib.h>
#include <time.h>
void *volatile block;
static PyObject *pairs(PyObject *self, PyObject *n)
{
	long count = PyLong_AsLong(n);
	struct timespec a, b;
	clock_gettime(CLOCK_MONOTONIC, &a);
	for (long i = 0; i < count; i++) { block = malloc(700); free(block); }
	clock_gettime(CLOCK_MONOTONIC, &b);
	return PyFloat_FromDouble(((b.tv_sec - a.tv_sec) * 1e9 + (b.tv_nsec - a.tv_nsec)) / count);
}
static PyMethodDef m[] = {{"pairs", pairs, METH_O, 0}, {0}};
static struct PyModuleDef d = {PyModuleDef_HEAD_INIT, "benchext", 0, -1, m};
PyMODINIT_FUNC PyInit_benchext(void) { return PyModule_Create(&d); }
"""
PAIRS = """
import sys, time
sys.path.insert(0, sys.argv[1])
import benchext
with open(sys.argv[2], "w", buffering=1) as f:
    while True:
        f.write("%f %f\\n" % (time.monotonic(), benchext.pairs(300)))
        time.sleep(0.05)
"""
STACKS = """
import ctypes, time
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
space = {"malloc": libc.malloc}
exec("\\n".join("def f%d(): malloc(900)" % i for i in range(100)), space)
exec("\\n".join("def g%d(f): f()" % i for i in range(100)), space)
time.sleep(4)
for i in range(100):
    for k in range(100):
        space["g%d" % i](space["f%d" % k])
        time.sleep(0.002)
time.sleep(600)
"""


def build(where):
    path = os.path.join(where, "benchext.c")
    with open(path, "w") as f:
        f.write(SOURCE)
    subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-I/usr/include/python3.11", "-o",
                    os.path.join(where, "benchext.so"), path], check=True)  # fmt: skip


def window(tool, pid, args, log, seconds):
    """Median ns per pair while the tool (or nothing) is at work."""
    process = None
    if args is not None:
        process = subprocess.Popen([tool, "-p", str(pid), "-i", "3", "--overhead", "50", "--no-fds", *args],
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)  # fmt: skip
        process.stdout.readline()  # the first report: everything is in place
    begin = time.monotonic()
    time.sleep(seconds)
    end = time.monotonic()
    if process:
        process.terminate()
        process.communicate()
    with open(log) as f:
        rows = [tuple(map(float, line.split())) for line in f if line.endswith("\n")]
    return statistics.median(ns for t, ns in rows if begin < t < end)


def pairs(tool, where, rounds):
    build(where)
    log = os.path.join(where, "log")
    target = subprocess.Popen(["/usr/bin/python3.11", "-c", PAIRS, where, log])
    kinds = {"off": None, "innermost": ["--no-native"], "full": ["--native"]}
    got = {k: [] for k in kinds}
    try:
        time.sleep(1)
        for _ in range(rounds):
            for kind, args in kinds.items():
                got[kind].append(window(tool, target.pid, args, log, 4))
    finally:
        target.kill()
        target.wait()
    print("| | ns per malloc and free |\n|---|---|")
    for kind, values in got.items():
        print("| %s | %.0f (%.0f – %.0f) |" % (kind, statistics.median(values), min(values), max(values)))
    print("\nfull / innermost: %.3f of the medians, %.3f of the least of %d turns"
          % (statistics.median(got["full"]) / statistics.median(got["innermost"]),
             min(got["full"]) / min(got["innermost"]), rounds))  # fmt: skip


def stacks():
    target = subprocess.Popen(["/usr/bin/python3.11", "-c", STACKS])
    try:
        time.sleep(1)
        for args in (["--no-native"], ["--native"]):
            if args == ["--native"]:
                target.kill()
                target.wait()
                target = subprocess.Popen(["/usr/bin/python3.11", "-c", STACKS])
                time.sleep(1)
            run = harness.run_tool(target.pid, 40, args)
            lost = {k: v for k, v in run.report["processes"][0]["lost"].items() if v}
            print("%s: %.1f MiB, %.1f %% of a core, lost %s"
                  % (args[0], run.usage.rss_kib / 1024, 100 * run.usage.cpu_share(after_s=3.0), lost))  # fmt: skip
    finally:
        target.kill()
        target.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pyleak-bench-") as where:
        pairs(harness.TOOL, where, args.rounds)
    stacks()


main()
