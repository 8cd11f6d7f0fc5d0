# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""No kernel is wedged: copies of the tool in two pid namespaces, killed, stopped and frozen ones, ones whose calls fail, and
others that use and clear what is in tracefs. Each in a guest of its own: what goes wrong there needs a restart."""
import os
import subprocess

import pytest

import harness
import pythons
from vm_run import LOST, in_guest, python_in_guest

pytestmark = [pytest.mark.matrix, pytest.mark.quiet]
KERNELS = ["5.10", "6.1", "6.12", "newest", "debug"]
NO_MULTI = ["5.10", "6.1"]  # there tracefs is what carries probes, and the kernel's own fault is in reach of everybody
GUEST = os.path.join(pythons.HERE, "vm_wedge.py")
R1 = os.path.join(harness.BUILD, "tests", "vm", "r1")
# Starts and ends of a copy (an hour on the kernel that checks itself, a quarter of one on others), seconds of signals,
# failing calls of each kind.
STARTS, SIGNALS_S, CALLS = 50, 600, {"debug": 1}
USERS_S = 60


def wedge(kernel, limit_s, *words, said="nothing wrong"):
    run = python_in_guest(kernel, limit_s, (), "-B", GUEST, *words)
    assert run.returncode == 0, (run.returncode, run.stdout[-2500:], run.stderr[-6000:])
    assert "nothing wrong" in run.stdout and said in run.stdout, run.stdout[-1500:]


@pytest.mark.parametrize("kernel", KERNELS)
def test_two_namespaces(kernel):
    wedge(kernel, 7200, "namespaces", "--count", str(STARTS))


@pytest.mark.parametrize("kernel", KERNELS)
def test_killed_stopped_frozen(kernel):
    wedge(kernel, 3600, "signals", "--seconds", str(SIGNALS_S))


@pytest.mark.parametrize("kernel", KERNELS)
def test_other_users_of_tracing(kernel):
    # Where multi is not taken what removes events is left out: then this would try nothing of it.
    wedge(kernel, 3600, "names", "--seconds", str(USERS_S), said="watched by " + ("tracefs" if kernel in NO_MULTI else "multi"))


@pytest.mark.parametrize("kernel", KERNELS)
def test_failing_calls(kernel):
    wedge(kernel, 7200, "faults", "--count", str(CALLS.get(kernel, 3)))


@pytest.fixture(scope="module", name="r1")
def r1_fixture():
    subprocess.run(["make", "-s", "-C", harness.TOP, "O=" + harness.BUILD, R1], check=True, timeout=300)
    return R1


@pytest.mark.parametrize("kernel", KERNELS)
def test_busy_event_loses_a_probe(kernel, r1, record_property):
    """The kernel's own fault, without a crash. When a kernel keeps both, docs that quote this are to be changed."""
    run = in_guest(kernel, 600, [], r1)
    record_property("said", run.stdout.strip())
    assert run.returncode == 0, (run.stdout, run.stderr[-3000:])
    assert "2 probes, removal: Device or resource busy, 1 left" in run.stdout


@pytest.mark.parametrize("kernel", NO_MULTI)
def test_removed_by_name(kernel, record_property):
    """The same fault, by `perf probe -d` beside a watch: no tool can help it, and only these kernels are exposed."""
    run = python_in_guest(kernel, 900, [], "-B", GUEST, "removal", "--seconds", "30")
    record_property("said", run.stderr[-3000:])
    # By the removal, not by the watch before it.
    assert "watched by tracefs" in run.stdout and "watched by tracefs, 0 events" not in run.stdout, (run.stdout, run.stderr)
    assert run.returncode == LOST and "is at fault" in run.stderr and "uprobe" in run.stderr, (run.stdout, run.stderr)
