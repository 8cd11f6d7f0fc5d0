#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Live check of the BPF walker: every stack it records is compared with what the program says.

usage: walk_live.py WALK_LIVE PYTHON... [-- SCENE...]   (root; PYTHON may be ROOT:/usr/bin/python3.X)
The probes sit at the entries of functions that builtins call with an object in rdi; link-time
optimisation leaves at least one of them in use.
"""
import json
import os
import re
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "walk"))
import pyproc  # noqa: E402

SCENES = ("plain", "deep", "deeper", "generator", "yield_from", "coroutine", "sorted", "class",
          "thread")
MAX_FRAMES = 128
FUNCTIONS = ("PyObject_Repr", "PyObject_Hash", "PyLong_FromVoidPtr", "PyObject_Str",
             "PyObject_Dir")


def start(python, scene, mode):
    with open(os.path.join(HERE, "..", "walk", "scenes.py")) as f:
        text = f.read()
    root, _, exe = python.rpartition(":")
    argv = [exe, "-c", text, scene, mode]
    if root:
        argv = ["chroot", root] + argv
    p = subprocess.Popen(argv, stdout=subprocess.PIPE)
    line = p.stdout.readline()
    minor = int(re.search(r"3\.(\d+)", os.path.basename(os.path.realpath(root + exe))
                          if root or "pyenv" not in exe else exe).group(1))
    return p, json.loads(line), minor


def live(tool, py, mech, ms=20):
    at = [py.elf.sym[f] for f in FUNCTIONS]
    sites = ["site=%x:%x:7:0" % (py.elf.offset(a), py.bias + a) for a in at]
    argv = [tool, "pid=%d" % py.pid, "minor=%d" % py.minor, "how=%d" % py.how,
            "tstate_addr=%d" % py.tstate_addr, "tls_module=%d" % py.tls_module,
            "tls_offset=%d" % py.tls_offset, "key=%d" % py.key, "path=" + py.path,
            "ms=%d" % ms, "mech=" + mech] + sites
    out = subprocess.run(argv, stdout=subprocess.PIPE, check=True, timeout=60).stdout.decode()
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


def judge(py, truth, flags, frames):
    """None when the recorded stack is the true one, else what is wrong."""
    want = truth["frames"]
    if (flags & 1) != (len(want) > MAX_FRAMES) or flags & 2:
        return "flags %d with %d frames" % (flags, len(want))
    if len(frames) != min(len(want), MAX_FRAMES):
        return "%d frames of %d" % (len(frames), len(want))
    for i, ((code, instr), (name, wcode, lasti, line)) in enumerate(zip(frames, want)):
        if code != wcode:
            return "frame %d is not %s" % (i, name)
        if lasti is not None and instr != py.code_and_instr(code, lasti):
            return "frame %d (%s) at %d, not at %d" % (i, name, py.lasti(code, instr), lasti)
        if lasti is None:
            at = py.lasti(code, instr)
            got = [n for s, n in truth["lines"] if s <= at][-1]
            if got not in range(line, line + 6):  # stay() goes on to its last lines
                return "innermost line %d, not %d" % (got, line)
    return None


def check(tool, python, scene, mech):
    p, truth, minor = start(python, scene, "work")
    try:
        time.sleep(0.1)
        py = pyproc.PyProc(p.pid, minor)
        stacks, births, rest = live(tool, py, mech)
        mine = [b for b in births if int(b[1], 16) == truth["mark"]]
        bad = [judge(py, truth, *stacks[b[2]]) if b[2] in stacks else "no stack" for b in mine]
        bad += ["a bad record" for b in births if len(b) > 5]
        wrong = [b for b in bad if b]
        ok = mine and not wrong and len(rest) == 1
        print("%s %s %-11s %-8s %d of %d births, %d stacks, %s%s" % (
            "ok  " if ok else "FAIL", python[-20:], scene, mech, len(mine), len(births),
            len(stacks), "; ".join(rest), "; " + wrong[0] if wrong else ""), flush=True)
        return bool(ok)
    finally:
        p.kill()
        p.wait()


def main():
    args, scenes = sys.argv[1:], SCENES
    if "--" in args:
        scenes = args[args.index("--") + 1:]
        args = args[:args.index("--")]
    mechs = ("perf", "multi", "tracefs")
    bad, n = 0, 0
    for python in args[1:]:
        for scene in scenes:
            bad += not check(args[0], python, scene, mechs[n % 3])
            n += 1
    print("%d of %d failed" % (bad, n))
    return bad > 0


if __name__ == "__main__":
    sys.exit(main())
