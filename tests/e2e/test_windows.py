# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Too many calls of malloc to see each: what stays is found in windows, with any allocator, and what
comes and goes beside it is no leak. Other allocators in the full matrix: that their blocks are
seen at all is test_allocators.py's."""
import contextlib
import os
import subprocess
import tempfile
import time

import pytest

import harness
import native_ext
import pythons

PROGRAM = os.path.join(native_ext.SOURCES, "windows.py")
LEAKS = ("native", "object")


@contextlib.contextmanager
def started(command, env):
    with subprocess.Popen(command, env=env) as target:
        try:
            yield target
        finally:
            target.kill()


@pytest.fixture(scope="module", params=[pytest.param(a, marks=() if a == "glibc" else pytest.mark.matrix)
                                        for a in native_ext.ALLOCATORS])  # fmt: skip
def watched(request):
    """The rows of a program for each leak, watched together."""
    with tempfile.TemporaryDirectory(prefix="pyleak-windows-") as where, contextlib.ExitStack() as stack:
        os.chmod(where, 0o755)
        native_ext.compile_ext(where, "ways", "ways.c", "/usr/include/python3.11", "-g")
        env, ready = native_ext.preload(request.param), {leak: os.path.join(where, leak) for leak in LEAKS}
        targets = {k: stack.enter_context(started([pythons.HOST, "-B", PROGRAM, where, ready[k], k], env)) for k in LEAKS}
        for leak, target in targets.items():
            harness.wait_file(ready[leak], target)
        time.sleep(4)  # the queues and the caches are full
        # Without an answer to who holds the objects nothing is called a leak, nor where windows were few: those of a dear
        # host are, in 30 s.
        run = harness.run_tool(",".join(str(t.pid) for t in targets.values()), 45, args=("--wait", 20))
        assert run.rc == 0, run.stderr
        assert not harness.validate(run.report)
        print(run.stdout)
        assert all(t.poll() is None for t in targets.values()), "a target died"
        rows = {p["pid"]: p for p in run.report["processes"]}
        yield {leak: rows[target.pid] for leak, target in targets.items()}


def line_of(site):
    return [f["line"] for f in site["stack"] if f["lang"] == "python"][0]


# A window that is held up by other tests may cost what a whole minute may.
@pytest.mark.calm
@pytest.mark.parametrize("leak", LEAKS)
def test_what_stays_is_found_and_nothing_else(watched, leak):
    process = watched[leak]
    kind = "heap" if leak == "native" else "object"
    line = native_ext.line_of(PROGRAM, "# LEAK: " + leak)
    leaks = [s for s in process["sites"] if s["verdict"] == "leak"]
    mine = [s for s in leaks if s["kind"] == kind and line_of(s) in (line, line + 1)]
    assert mine, [(s["kind"], s["verdict"], line_of(s), s["reason"]) for s in process["sites"]] + process.get("notes", [])
    if leak == "native":
        assert all(s["estimated"] for s in mine), "not in windows: the program is too quiet"
        rate = process["memory"]["rss_growth_bytes_per_s"]
        assert 0.6 < mine[0]["growth_bytes_per_s"] / rate < 1.4
    others = [(s["kind"], line_of(s), s["reason"], s["held_by"]) for s in leaks if s not in mine]
    assert not others
