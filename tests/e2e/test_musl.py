# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""CPython with musl instead of glibc: malloc in a library of another name, or in the program itself."""
import concurrent.futures
import json
import os
import subprocess
import tempfile
import time

import pytest

import harness
import native_ext
import pythons

pytestmark = pytest.mark.matrix
BIN = os.path.join(pythons.ROOTS, "musl", "bin")
PROGRAM = os.path.join(native_ext.SOURCES, "musl.py")
KINDS = ("static", "shared")


def watch(kind):
    """The tool is asked to end when the program has said what it holds."""
    with tempfile.TemporaryDirectory(prefix="pyleak-musl-") as where:
        go, said, out = (os.path.join(where, n) for n in ("go", "said", "report.json"))
        target = subprocess.Popen([os.path.join(BIN, "python-" + kind), "-B", PROGRAM, go, said])
        time.sleep(1)
        tool = subprocess.Popen([harness.TOOL, "-p", str(target.pid), "-i", "1", "--overhead", "20",
                                 "--json", out], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True)  # fmt: skip
        try:
            assert tool.stdout.readline(), tool.stderr.read()
            open(go, "w").close()
            for line in tool.stdout:
                if os.path.exists(said):
                    break
            time.sleep(3)  # the last ones are old enough, and the table is read once more
            tool.terminate()
            tool.communicate(timeout=60)
            assert tool.returncode == 0 and target.poll() is None
            with open(out) as f, open(said) as kept:
                return json.load(f)["processes"][0], int(kept.read())
        finally:
            for process in (tool, target):
                process.kill()
                process.wait()


@pytest.fixture(scope="module")
def runs():
    if not os.path.exists(BIN):
        pytest.skip("musl.sh has built no interpreter")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return dict(zip(KINDS, pool.map(watch, KINDS)))


def leak(process, kind):
    line = native_ext.line_of(PROGRAM, "# LEAK: " + kind)
    return [s for s in process["sites"] if s["kind"] == kind and
            [f["line"] for f in s["stack"] if f["lang"] == "python"][:1] == [line]]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_outstanding_bytes(runs, kind):
    process, kept = runs[kind]
    (site,) = leak(process, "heap")
    print("%s: %d of %d bytes" % (kind, site["outstanding_bytes"], kept))
    assert abs(site["outstanding_bytes"] / kept - 1) <= 0.01
    assert [f["function"] for f in site["stack"]][:3] == ["take_block", "build_record", "no_free"]


@pytest.mark.parametrize("kind", KINDS)
def test_objects_are_seen(runs, kind):
    assert leak(runs[kind][0], "object")[0]["types"][0]["name"] == "list"


def test_stripped_is_refused_in_words(runs):
    target = subprocess.Popen([os.path.join(BIN, "python-stripped"), "-c", "import time; time.sleep(60)"])
    try:
        time.sleep(0.5)
        run = harness.run_tool(target.pid, 2)
        assert run.rc == 1 and "is stripped of all names" in run.stderr
    finally:
        target.kill()
        target.wait()
