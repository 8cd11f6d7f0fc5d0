# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Other allocators in the C library's place: as many bytes outstanding as the program itself counts."""
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

PROGRAM = os.path.join(native_ext.SOURCES, "blocks.py")
MARKS = ("malloc", "realloc", "new")


def watch(name, extension):
    """The tool is asked to end when the program has said what it holds."""
    with tempfile.TemporaryDirectory(prefix="pyleak-alloc-") as where:
        go, said, out = (os.path.join(where, n) for n in ("go", "said", "report.json"))
        target = subprocess.Popen([pythons.HOST, "-B", PROGRAM, extension, go, said],
                                  env=native_ext.preload(name))  # fmt: skip
        time.sleep(1)
        tool = subprocess.Popen([harness.TOOL, "-p", str(target.pid), "-i", "1", "--overhead", "20",
                                 "--no-fds", "--json", out], stdout=subprocess.PIPE,
                                stderr=subprocess.DEVNULL, text=True)  # fmt: skip
        try:
            # The first report: everything is in place.
            assert tool.stdout.readline()
            open(go, "w").close()
            for line in tool.stdout:
                if os.path.exists(said):
                    break
            time.sleep(3)  # the last ones are old enough, and the table is read once more
            tool.terminate()
            tool.stdout.read()
            assert tool.wait(60) == 0
            with open(said) as f:
                said = list(map(int, f.read().split()))
            with open(out) as f:
                return json.load(f), dict(zip(MARKS, said)), dict(zip(MARKS, said[3:]))
        finally:
            for process in (tool, target):
                process.kill()
                process.wait()


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    extension = str(tmp_path_factory.mktemp("extension"))
    native_ext.compile_ext(extension, "leaky_cpp", "cache.cpp", "/usr/include/python3.11")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return dict(zip(native_ext.ALLOCATORS, pool.map(lambda n: watch(n, extension), native_ext.ALLOCATORS)))


@pytest.mark.parametrize("name", native_ext.ALLOCATORS)
def test_outstanding_bytes(runs, name):
    report, kept, rounded = runs[name]
    process = report["processes"][0]
    for mark in MARKS:
        line = native_ext.line_of(PROGRAM, "# KEPT: " + mark)
        mine = [s for s in process["sites"] if s["kind"] == "heap" and
                [f["line"] for f in s["stack"] if f["lang"] == "python"][:1] == [line]]  # fmt: skip
        assert mine, (mark, [(s["kind"], s["stack"][:2]) for s in process["sites"]], process["lost"])
        told = mine[0]["outstanding_bytes"]
        print("%s %s: %d of %d bytes" % (name, mark, told, kept[mark]))
        assert abs(told / kept[mark] - 1) <= 0.01
        # The bytes handed out beyond the size are known of glibc's chunks only.
        if name != "glibc":
            assert mine[0]["waste_bytes"] is None
        elif mark in rounded:
            print("waste: %s of %d bytes" % (mine[0]["waste_bytes"], rounded[mark]))
            assert abs(mine[0]["waste_bytes"] / rounded[mark] - 1) <= 0.02
