# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Under other kernels, in software emulation: all programs are loaded, `doctor` is right, programs that leak are watched."""
import json
import os

import pytest

import harness
import pythons
import zoo
from vm_run import in_guest, python_in_guest

pytestmark = [pytest.mark.matrix, pytest.mark.quiet]
# The tests that are to pass there.
THERE = ["tests/e2e/test_doctor.py", "tests/e2e/test_programs.py", "tests/kern/test_walk_live.py"]
WHICH = "host or no_python or every_program or every_cpython"
GUEST = os.path.join(pythons.HERE, "vm_guest.py")


def boot(kernel, out):
    return python_in_guest(kernel, 900, ["-o", str(out)], GUEST)


def load(out):
    path = os.path.join(str(out), "matrix.jsonl")
    if not os.path.exists(path):
        return []
    with open(path) as f:
        return [harness.Result(**json.loads(line)) for line in f]


@pytest.fixture(scope="module")
def guest(tmp_path_factory):
    out = tmp_path_factory.mktemp("vm")
    run = boot("6.1", out)
    return {r.program: r for r in load(out)}, run


@pytest.mark.parametrize("name", zoo.VM_SET)
def test_debian_12_kernel(guest, name, record_property):
    results, run = guest
    assert name in results, "no result; rc %d: %s %s" % (run.returncode, run.stdout[-1500:], run.stderr[-800:])
    result = results[name]
    result.python += "@" + result.kernel
    record_property("cell", harness.row(result))
    assert result.kernel.startswith("6.1."), result.kernel
    assert result.ok, "; ".join(result.problems)


# Not on the debug kernel, which is so slow that a watch of `dicts` ends without any site. Watches run there in test_wedge.py.
@pytest.mark.parametrize("kernel", ["5.10", "6.12", "newest"])
def test_other_kernels(kernel, tmp_path, record_property):
    run = boot(kernel, tmp_path)
    results = load(tmp_path)
    assert len(results) == len(zoo.VM_SET), (run.returncode, run.stdout[-1500:], run.stderr[-800:])
    bad = []
    for result in results:
        result.python += "@" + result.kernel
        record_property("cell", harness.row(result))
        bad += ["%s: %s" % (result.program, p) for p in result.problems]
    assert not bad, "; ".join(bad)


@pytest.mark.parametrize("kernel", ["5.10", "6.1", "6.12", "newest", "debug"])
def test_numbers_of_processes(kernel):
    """In a container without the host's pids the kernel half knows the target all the same."""
    run = in_guest(kernel, 400, [], os.path.join(harness.BUILD, "tests", "kern", "test_pids"))
    assert run.returncode == 0 and "PASSED" in run.stdout + run.stderr, (run.stdout[-1500:], run.stderr[-800:])


@pytest.mark.parametrize("kernel", ["6.1", "5.10", "debug"])
def test_programs_and_doctor(kernel):
    run = python_in_guest(kernel, 900 if kernel == "debug" else 400, [], "-B", "-m", "pytest", "-q", *THERE, "-k", WHICH)
    assert run.returncode == 0, (run.stdout[-1500:], run.stderr[-800:])
    assert "9 passed" in run.stdout and "skipped" not in run.stdout, run.stdout
