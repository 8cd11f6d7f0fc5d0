# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Too many calls of malloc to see each: what stays is found in windows, with any allocator, and what
comes and goes beside it is no leak. Other allocators in the full matrix: that their blocks are
seen at all is test_allocators.py's."""
import os
import tempfile

import pytest

import harness
import native_ext
import pythons

PROGRAM = os.path.join(native_ext.SOURCES, "windows.py")


def watch(allocator, leak):
    with tempfile.TemporaryDirectory(prefix="pyleak-windows-") as where:
        os.chmod(where, 0o755)
        native_ext.compile_ext(where, "ways", "ways.c", "/usr/include/python3.11", "-g")
        ready = os.path.join(where, "ready")
        run = harness.run_ready([pythons.HOST, "-B", PROGRAM, where, ready, leak], ready, seconds=30,
                                settle_s=4,  # the queue and the cache are full
                                env=native_ext.preload(allocator))  # fmt: skip
        return run.report["processes"][0]


def line_of(site):
    return [f["line"] for f in site["stack"] if f["lang"] == "python"][0]


# A window that is held up by other tests may cost what a whole minute may.
@pytest.mark.calm
@pytest.mark.parametrize("allocator", [pytest.param(a, marks=() if a == "glibc" else pytest.mark.matrix)
                                       for a in native_ext.ALLOCATORS])  # fmt: skip
@pytest.mark.parametrize("leak", ["native", "object"])
def test_what_stays_is_found_and_nothing_else(allocator, leak):
    process = watch(allocator, leak)
    kind = "heap" if leak == "native" else "object"
    line = native_ext.line_of(PROGRAM, "# LEAK: " + leak)
    leaks = [s for s in process["sites"] if s["verdict"] == "leak"]
    mine = [s for s in leaks if s["kind"] == kind and line_of(s) in (line, line + 1)]
    assert mine, [(s["kind"], s["verdict"], line_of(s)) for s in process["sites"]]
    if leak == "native":
        assert all(s["estimated"] for s in mine), "not in windows: the program is too quiet"
        rate = process["memory"]["rss_growth_bytes_per_s"]
        assert 0.6 < mine[0]["growth_bytes_per_s"] / rate < 1.4
    others = [(s["kind"], line_of(s)) for s in leaks if s not in mine]
    assert not others
