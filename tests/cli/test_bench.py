# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Benchmarks are run by hand, and find what they import: names of tests/e2e and of bench are one name space there."""
import glob
import math
import os
import statistics
import subprocess
import sys

import pytest

BENCH = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "bench")
sys.path.append(BENCH)

import lib_pairs  # noqa: E402


@pytest.mark.parametrize("path", sorted(glob.glob(os.path.join(BENCH, "*.py"))), ids=os.path.basename)
def test_it_says_how_it_is_used(path):
    run = subprocess.run([sys.executable, "-B", path, "--help"], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    with open(path, encoding="utf-8") as f:
        assert ("argparse" not in f.read()) or run.stdout.startswith("usage: ")


def test_the_interval_of_a_mean_is_the_usual_one():
    values = [0.97, 1.04, 1.01, 0.99, 1.02, 1.08, 0.95, 1.00, 1.03, 1.01]
    mean, half = lib_pairs.interval(values, statistics.mean)
    assert mean == statistics.mean(values)
    assert half == pytest.approx(2.262 * statistics.stdev(values) / math.sqrt(10), rel=0.002)
    assert [lib_pairs.t95(n) for n in (4, 5, 20)] == pytest.approx([3.182, 2.776, 2.093], rel=0.01)


def test_what_grows_steadily_is_no_part_of_a_ratio():
    before, after = {"at": 3, "cpu_us": 100}, {"at": 31, "cpu_us": 128}
    assert [lib_pairs.between(before, after, at, "cpu_us") for at in (3, 11, 22, 31)] == [100, 108, 119, 128]
