#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Live check of the BPF walker: every stack it records is compared with what the program says.

usage: walk_live.py WALK_LIVE PYTHON...   (root; PYTHON may be ROOT:/usr/bin/python3.X)
The probes sit at the entries of functions that builtins call with an object in rdi; link-time
optimisation leaves at least one of them in use.
"""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "walk"))
import pyproc  # noqa: E402

SCENES = ("plain", "deep", "deeper", "generator", "yield_from", "coroutine", "sorted", "class", "thread")
ALONE = "subinterpreter"  # it may have a GIL of its own: births of others would be beside those of its own
MECHS = ("perf", "multi", "tracefs")
ENOUGH = 100  # births of each scene
FUNCTIONS = ("PyObject_Repr", "PyObject_Hash", "PyLong_FromVoidPtr", "PyObject_Str",
             "PyObject_Dir")


def is_musl(pid):
    with open("/proc/%d/maps" % pid) as f:
        return "-musl" in f.read()  # ld-musl-x86_64.so.1, or x86_64-linux-musl/libc.so


def live(tool, py, mech, scenes, ms=20):
    at = [py.elf.sym[f] for f in FUNCTIONS]
    sites = ["site=%x:%x:7:0" % (py.elf.offset(a), py.bias + a) for a in at]
    argv = [tool, "pid=%d" % py.pid, "minor=%d" % py.minor, "how=%d" % py.how,
            "tstate_addr=%d" % py.tstate_addr, "tls_module=%d" % py.tls_module,
            "tls_offset=%d" % py.tls_offset, "musl=%d" % is_musl(py.pid), "key=%d" % py.key, "path=" + py.path,
            "ms=%d" % ms, "enough=%d" % (ENOUGH * scenes), "mech=" + mech] + sites
    run = subprocess.run(argv, stdout=subprocess.PIPE, timeout=60)
    if run.returncode == 3:  # no uprobe_multi here
        return live(tool, py, "tracefs", scenes, ms)
    run.check_returncode()
    out = run.stdout.decode()
    stacks, births, rest = {}, [], []
    for line in out.splitlines():
        w = line.split()
        if w[0] == "stack":
            stacks[w[1]] = (int(w[3]), [tuple(int(x, 16) for x in f.split(":")) for f in w[4:]])
        elif w[0] == "birth":
            births.append(w[1:])
        elif w[0] != "cost":
            rest.append(line)
    return stacks, births, rest


def check(tool, python, scenes, mechs):
    """Scene and mechanism -> what is wrong: all are in one process, and each stack that was recorded is the true one."""
    p, truths, minor = pyproc.start_all(python, scenes, "work")
    found = {}
    try:
        py = pyproc.PyProc(p.pid, minor)
        for mech in mechs:
            stacks, births, rest = live(tool, py, mech, len(scenes))
            bad = ["a bad record" for b in births if len(b) > 5] + [r for r in rest if r.startswith("lost")]
            for scene, truth in truths.items():
                mine = [b for b in births if int(b[1], 16) == truth["mark"]]
                judged = [pyproc.judge(py, truth, *stacks[b[2]]) if b[2] in stacks else "no stack" for b in mine]
                wrong = bad + [j for j in judged if j] + ["not one birth"] * (not mine)
                print("%s %s %-14s %-8s %d births, %d stacks%s" % (
                    "FAIL" if wrong else "ok  ", python[-20:], scene, mech, len(mine), len(stacks),
                    "; " + wrong[0] if wrong else ""), flush=True)
                if wrong:
                    found[scene, mech] = wrong[0]
    finally:
        p.kill()
        p.communicate()
    return found


def check_all(tool, python, mechs=MECHS):
    return {**check(tool, python, SCENES, mechs), **check(tool, python, [ALONE], MECHS[2:])}


def main():
    tool, *wanted = sys.argv[1:]
    bad = sum(len(check_all(tool, python)) for python in wanted)
    print("%d failed" % bad)
    return bad > 0


if __name__ == "__main__":
    sys.exit(main())
