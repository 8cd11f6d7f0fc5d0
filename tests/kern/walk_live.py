#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Live check of the BPF walker: every stack it records is compared with what the program says.

usage: walk_live.py WALK_LIVE PYTHON... [-- SCENE...]   (root; PYTHON may be ROOT:/usr/bin/python3.X)
The probes sit at the entries of functions that builtins call with an object in rdi; link-time
optimisation leaves at least one of them in use.
"""
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "walk"))
import pyproc  # noqa: E402

SCENES = ("plain", "deep", "deeper", "generator", "yield_from", "coroutine", "sorted", "class",
          "thread", "subinterpreter")
MECHS = ("perf", "multi", "tracefs")
FUNCTIONS = ("PyObject_Repr", "PyObject_Hash", "PyLong_FromVoidPtr", "PyObject_Str",
             "PyObject_Dir")


def live(tool, py, mech, ms=20):
    at = [py.elf.sym[f] for f in FUNCTIONS]
    sites = ["site=%x:%x:7:0" % (py.elf.offset(a), py.bias + a) for a in at]
    argv = [tool, "pid=%d" % py.pid, "minor=%d" % py.minor, "how=%d" % py.how,
            "tstate_addr=%d" % py.tstate_addr, "tls_module=%d" % py.tls_module,
            "tls_offset=%d" % py.tls_offset, "key=%d" % py.key, "path=" + py.path,
            "ms=%d" % ms, "mech=" + mech] + sites
    run = subprocess.run(argv, stdout=subprocess.PIPE, timeout=60)
    if run.returncode == 3:  # no uprobe_multi here
        return live(tool, py, "tracefs", ms)
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


def check(tool, python, scene, mech):
    """None when every stack that was recorded is the true one, else what is wrong."""
    p, truth, minor = pyproc.start(python, scene, "work")
    try:
        time.sleep(0.1)
        py = pyproc.PyProc(p.pid, minor)
        stacks, births, rest = live(tool, py, mech)
        mine = [b for b in births if int(b[1], 16) == truth["mark"]]
        bad = [pyproc.judge(py, truth, *stacks[b[2]]) if b[2] in stacks else "no stack" for b in mine]
        bad += ["a bad record" for b in births if len(b) > 5]
        wrong = [b for b in bad if b]
        wrong += ["not one birth"] * (not mine) + [r for r in rest if r.startswith("lost")]
        print("%s %s %-14s %-8s %d births, %d stacks%s" % (
            "FAIL" if wrong else "ok  ", python[-20:], scene, mech, len(mine), len(stacks),
            "; " + wrong[0] if wrong else ""), flush=True)
        return wrong[0] if wrong else None
    finally:
        p.kill()
        p.wait()


def main():
    args, scenes = sys.argv[1:], SCENES
    if "--" in args:
        scenes = args[args.index("--") + 1:]
        args = args[:args.index("--")]
    bad, n = 0, 0
    for python in args[1:]:
        for scene in scenes:
            bad += check(args[0], python, scene, MECHS[n % 3]) is not None
            n += 1
    print("%d of %d failed" % (bad, n))
    return bad > 0


if __name__ == "__main__":
    sys.exit(main())
