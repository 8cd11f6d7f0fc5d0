# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The BPF walker in the kernel: loads for every CPython, and yields true stacks of live ones."""
import os
import re
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e"))

import pythons  # noqa: E402
import walk_live  # noqa: E402

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
# The verifier counts so many instructions, on the most thorough kernel seen; its limit is a million.
MOST_INSNS = 90000
# The structures that this walks are laid out for a GIL.
PYTHONS = [p for p in pythons.params([pythons.host()] + pythons.debian_roots()) if not p.values[0].free_threaded]


@pytest.fixture(scope="session")
def tool():
    build = os.environ.get("PYLEAK_BUILD", os.path.join(TOP, "build"))
    path = os.path.join(build, "tests/kern/walk_live")
    if not os.path.exists(path):
        subprocess.run(["make", "-s", "-C", TOP, "O=" + build, path], check=True, timeout=300)
    if os.geteuid():
        pytest.skip("needs root")
    return path


def test_loads_for_every_cpython(tool):
    out = subprocess.run([tool, "load=1"], stdout=subprocess.PIPE, timeout=120).stdout.decode()
    rows = re.findall(r"(3\.\d+) birth loads: processed (\d+) insns", out)
    assert [r[0] for r in rows] == ["3.%d" % m for m in range(8, 16)], out
    assert max(int(r[1]) for r in rows) < MOST_INSNS


@pytest.mark.parametrize("python", PYTHONS)
def test_yields_the_stacks_the_program_says_it_has(tool, python, full):
    path = "%s:%s" % (python.root, python.path) if python.root else python.path
    mechs = walk_live.MECHS if full or python == pythons.host() else walk_live.MECHS[:2]
    assert walk_live.check_all(tool, path, mechs) == {}
