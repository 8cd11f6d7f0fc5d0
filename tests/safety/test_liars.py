# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Processes of nobody that lie about sizes, places and lengths: no command crashes of them, takes more memory than it
may, or does not end. `make liars` does so for longer."""
import contextlib
import json
import os
import random
import subprocess
import time

import lib_liars
import pytest

SANITIZED = os.path.join(lib_liars.BUILD, "fuzz", "san", "pyleak-bpf")
# One line of tables for thousands of code objects.
TABLES = """
import ctypes, os, time, types
os.setgroups([]); os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)
ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
keep = []
def f():
    keep.append([1, 2, str(len(keep))])
table = b"\\xf0\\0\\0\\0" * ((1 << 18) - 16)
code = f.__code__
made = [types.FunctionType(code.replace(co_linetable=table, co_name="f%d" % i), globals()) for i in range(3000)]
print("ready", flush=True)
while True:
    for g in made:
        g()
    if len(keep) > 200000:
        keep.clear()
    time.sleep(0.003)
"""


def check(tool, liar, args, limit_s):
    run = lib_liars.Run(tool, [a.format(pid=liar.pid()) for a in args], limit_s)
    assert not run.problems(lib_liars.MAX_RSS), (args, run.problems(lib_liars.MAX_RSS), run.said[-2000:])


def test_places_in_objects_near_the_ends_of_64_bits():
    """tp_dictoffset and tp_weaklistoffset, where a sum with a size wraps."""
    with lib_liars.Liar(5, ["dictoffsets"]) as liar:
        check(lib_liars.TOOL, liar, ["-p", "{pid}", "-d", "4", "-q"], 60)
        check(lib_liars.TOOL, liar, ["census", "-p", "{pid}", "--type", "Slots"], 60)
        check(lib_liars.TOOL, liar, ["why", "-p", "{pid}", "--type", "Deque", "--watch", "0"], 60)


@pytest.mark.calm  # beside tests whose targets' storage is silent no window is opened for seconds
def test_a_table_of_lines_for_thousands_of_functions(tmp_path):
    """A megabyte of the target's is no gigabyte of ours."""
    out = tmp_path / "out.json"
    target = subprocess.Popen([lib_liars.PYTHON, "-B", "-c", TABLES], stdout=subprocess.PIPE, cwd="/")
    try:
        target.stdout.readline()
        args = ["-p", str(target.pid), "-d", "8", "-q", "--json", str(out)]
        run = lib_liars.Run(lib_liars.TOOL, args, 60)
    finally:
        target.kill()
        target.wait()
        target.stdout.close()
    assert not run.problems(lib_liars.MAX_RSS), (run.problems(lib_liars.MAX_RSS), run.said)
    process = json.loads(out.read_text())["processes"][0]
    assert process["probe"]["on_s"] > 0, process["probe"]


@pytest.mark.parametrize("seed", [1])
def test_all_lies(seed):
    all_lies(lib_liars.TOOL, seed, 10)


def test_all_lies_under_the_sanitizers():
    assert lib_liars.is_sanitized(SANITIZED)
    all_lies(SANITIZED, 3, 10)


def all_lies(tool, seed, seconds):
    bad = []

    def tell(name, of, problems, run):
        if problems:
            bad.append((name, of, problems, run.said[-2000:]))

    with contextlib.ExitStack() as stack:
        liar = stack.enter_context(lib_liars.Liar(seed))
        lib_liars.rounds(tool, liar, time.monotonic() + seconds, random.Random(seed), tell)
    assert not bad
