# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A run of the tests is not green because something was tried again that must not be, or was not tried at all."""
import argparse
import importlib.util
import os
import sys

import pytest

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.append(os.path.join(TESTS, "e2e"))

import vm_wedge  # noqa: E402

# By its path: tests/fuzz has a module of that name.
spec = importlib.util.spec_from_file_location("tests_run", os.path.join(TESTS, "run.py"))
run = importlib.util.module_from_spec(spec)
spec.loader.exec_module(run)

LOST = "AssertionError: (125, '', '... RIP: uprobe_perf_filter\\nvm: kernel 6.1 is at fault, as its console says\\n')"
SILENT = "AssertionError: (125, '', 'vm: no result from kernel 6.1 (qemu exit 124, limit 900 s), whose console ended so\\n')"


def row(test, why):
    return {"test": test, "result": "failed", "seconds": 1, "cpu": 0, "why": why}


@pytest.fixture(name="tried")
def tried_fixture(monkeypatch):
    """The tests that are tried again; each of them passes then."""
    tests = []

    def passes(_, paths):
        tests.extend(os.path.relpath(p, run.HERE) for p in paths)
        return [{**row(t, ""), "result": "passed"} for t in tests]

    monkeypatch.setattr(run, "run_pytest", passes)
    return tests


@pytest.mark.parametrize("test, why", [("e2e/test_vm.py::test_other_kernels[6.12]", LOST),
                                       ("e2e/test_vm.py::test_numbers_of_processes[5.10]", SILENT),
                                       ("e2e/test_wedge.py::test_failing_calls[debug]", "the kernel says: BUG: KASAN")])  # fmt: skip
def test_a_lost_kernel_stays_lost(tried, test, why):
    rows = [row(test, why), row("e2e/test_windows.py::test_windows", "too slow")]
    after, better = run.again(argparse.Namespace(matrix="full"), rows)
    assert tried == better == ["e2e/test_windows.py::test_windows"]
    assert [r["result"] for r in after] == ["failed", "passed"]


def test_with_a_lost_kernel_alone_nothing_is_tried(tried):
    rows = [row("e2e/test_vm.py::test_other_kernels[6.12]", LOST)]
    assert run.again(argparse.Namespace(matrix="full"), rows) == (rows, []) and not tried


def test_a_guest_that_was_only_slow_is_tried_again(tried):
    rows = [row("e2e/test_vm.py::test_other_kernels[6.12]", "AssertionError: dicts: not found")]
    assert run.again(argparse.Namespace(matrix="full"), rows)[1] == tried == [rows[0]["test"]]


def test_another_user_who_is_not_there_has_tried_nothing():
    problems = vm_wedge.Problems()
    for _, wanted in vm_wedge.users() + vm_wedge.removers():
        vm_wedge.shell("no-such-tracer reset", wanted, problems)
    assert len(problems) == 8 and all("status 127" in p for p in problems), problems


def test_another_user_may_be_refused_what_is_in_use():
    problems = vm_wedge.Problems()
    vm_wedge.shell("exit 2", vm_wedge.users()[-1][1], problems)
    for _, wanted in vm_wedge.removers():
        vm_wedge.shell("exit 254", wanted, problems)
    assert not problems


def test_another_user_who_is_refused_his_own_probe_has_tried_nothing(tmp_path, monkeypatch):
    (tmp_path / "perf").write_text('#!/bin/sh\n[ "$2" = -d ]\n')
    (tmp_path / "perf").chmod(0o755)
    monkeypatch.setenv("PATH", "%s:%s" % (tmp_path, os.environ["PATH"]))
    problems = vm_wedge.Problems()
    vm_wedge.shell(*vm_wedge.users()[0], problems)
    assert len(problems) == 1 and "status 1" in problems[0], problems
