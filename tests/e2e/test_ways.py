# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A function that takes memory for many others: of those, the one that keeps it is named, whoever
was seen first. With calls that are rare enough to be exact, and with so many that there are windows."""
import os
import tempfile

import pytest

import harness
import native_ext

PROGRAM = os.path.join(native_ext.SOURCES, "ways.py")


# temporary blocks for each that stays, the pause between two rounds
@pytest.fixture(scope="module", params=[pytest.param(("10", "0.1"), marks=pytest.mark.matrix), pytest.param(("0", "0.01"), marks=pytest.mark.matrix), ("10", "0.002")],
                ids=["rare", "all-stay", "windows"])  # fmt: skip
def report(request):
    with tempfile.TemporaryDirectory(prefix="pyleak-ways-") as where:
        os.chmod(where, 0o755)
        native_ext.compile_ext(where, "ways", "ways.c", "/usr/include/python3.11", "-g")
        ready = os.path.join(where, "ready")
        command = ["/usr/bin/python3.11", "-B", PROGRAM, where, ready, *request.param]
        # One birth of eleven is of a list that stays, and its stack is to be among those copied: beside other tests the default
        # had windows for half a second in the last fifteen.
        return harness.run_ready(command, ready, seconds=25, args=("--overhead", 10)).report["processes"][0]


def functions_at(process, mark, kind):
    line = native_ext.line_of(PROGRAM, "# " + mark)
    for site in process["sites"]:
        python = [f for f in site["stack"] if f["lang"] == "python"]
        if python and site["kind"] == kind and (python[0]["file"], python[0]["line"]) == (PROGRAM, line):
            return [f["function"] for f in site["stack"] if (f.get("module") or "").endswith("/ways.so")]
    raise AssertionError("no %s site at line %d" % (kind, line))


def test_who_keeps_a_block_is_named(report):
    assert functions_at(report, "LEAK: freed", "heap") == ["take_checked", "keep", "mostly_freed"]


def test_who_loses_a_reference_is_named(report):
    assert functions_at(report, "LEAK: released", "object") == ["new_list", "lose_list", "mostly_released"]


def test_the_most_bytes_count(report):
    assert functions_at(report, "LEAK: big", "heap") == ["take_checked", "big", "small_and_big"]
