# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Benchmarks are run by hand, and find what they import: names of tests/e2e and of bench are one name space there."""
import glob
import os
import subprocess
import sys

import pytest

BENCH = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "bench")


@pytest.mark.parametrize("path", sorted(glob.glob(os.path.join(BENCH, "*.py"))), ids=os.path.basename)
def test_it_says_how_it_is_used(path):
    run = subprocess.run([sys.executable, "-B", path, "--help"], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    with open(path, encoding="utf-8") as f:
        assert ("argparse" not in f.read()) or run.stdout.startswith("usage: ")
