# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The BPF walker in the kernel: loads for every CPython, and yields true stacks of live ones."""
import glob
import os
import re
import subprocess

import pytest

import walk_live

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
# What the verifier counts, on the most thorough kernel seen; its limit is a million.
MOST_INSNS = 90000


def pythons():
    found = glob.glob("/usr/bin/python3.[0-9]*[0-9]")
    found += glob.glob(os.path.expanduser("~/.pyenv/versions/3.*/bin/python3"))
    for exe in glob.glob("/var/tmp/pyleak-roots/*/usr/bin/python3.[0-9]*[0-9]"):
        root, _, rest = exe.partition("/usr/")
        found.append("%s:/usr/%s" % (root, rest))
    known = re.compile(r"3\.(8|9|1[0-5])(?!\d)")
    return sorted(p for p in found if known.search(p.rpartition(":")[2]))


@pytest.fixture(scope="session")
def tool():
    build = os.environ.get("PYLEAK_BUILD", os.path.join(TOP, "build"))
    path = os.path.join(build, "tests/kern/walk_live")
    subprocess.run(["make", "-s", "-C", TOP, "O=" + build, path], check=True, timeout=300)
    if os.geteuid():
        pytest.skip("needs root")
    return path


def test_loads_for_every_cpython(tool):
    out = subprocess.run([tool, "load=1"], stdout=subprocess.PIPE, timeout=120).stdout.decode()
    rows = re.findall(r"(3\.\d+) birth loads: processed (\d+) insns", out)
    assert [r[0] for r in rows] == ["3.%d" % m for m in range(8, 16)], out
    assert max(int(r[1]) for r in rows) < MOST_INSNS


@pytest.mark.parametrize("python", pythons())
def test_yields_the_stack_the_program_says_it_has(tool, python):
    wrong = {}
    for i, scene in enumerate(walk_live.SCENES):
        why = walk_live.check(tool, python, scene, walk_live.MECHS[i % 3])
        if why:
            wrong[scene] = why
    assert not wrong
