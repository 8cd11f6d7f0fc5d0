# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Modules in C inside of a stripped executable: no symbol and no file tells whose code a frame is. What is told is compared
with the symbols of the same build before it was stripped."""
import bisect
import os
import re
import subprocess

import harness
import pytest
import pythons

PROGRAM = os.path.join(pythons.HERE, "native", "kept.py")
STATIC = [p for p in pythons.builds() if p.name.startswith(("uv-", "uvt-")) and p.name.endswith("-stripped")]
MODULES = {"zlib": "zlib", "bz2": "_bz2", "sqlite": "_sqlite3", "ssl": "_ssl"}
pytestmark = [pytest.mark.matrix, pytest.mark.skipif(not STATIC, reason="no static build: tests/e2e/builds.sh")]


class Symbols:
    """Names by the address of their function."""

    def __init__(self, path):
        text = subprocess.run(["nm", "--defined-only", "-n", path], capture_output=True, text=True, check=True).stdout
        self.names = {}
        for line in text.splitlines():
            addr, kind, name = line.split()[:3]
            if kind in "tTwW":
                self.names.setdefault(int(addr, 16), []).append(name)
        self.starts = sorted(self.names)

    def at(self, addr):
        return self.names[self.starts[bisect.bisect_right(self.starts, addr) - 1]]


def lines_of(kind):
    with open(PROGRAM) as f:
        return {(PROGRAM, n) for n, text in enumerate(f, 1) if text.rstrip().endswith("# LEAK " + kind)}


def plain(name):
    return re.sub(r"[^a-z0-9]", "", name.lower().removeprefix("tp_"))


def words_of(name):
    """Slots have other names in C: there words of the type's have to do."""
    part = name.split(".")
    if part[-1].startswith("__") and len(part) > 1:
        return [w for w in part[-2].split("_") if len(w) > 3]
    return [part[-1]]


def callers(path, symbol):
    """Functions with a direct call of it, or a jump there."""
    text = subprocess.run(["objdump", "-d", "--no-show-raw-insn", path], capture_output=True, text=True, check=True).stdout
    found, function = set(), None
    for line in text.splitlines():
        if line.endswith(">:"):
            function = line.split("<")[1][:-2]
        elif line.endswith("<%s>" % symbol):
            found.add(function)
    return found - {symbol}


def is_called_so(name, symbols, path, depth=2):
    """The function itself, or a part of it that nobody else calls."""
    if any(plain(word) in plain(s) for word in words_of(name) for s in symbols):
        return True
    return depth > 0 and all(len(by) == 1 and is_called_so(name, by, path, depth - 1)
                             for by in (callers(path, s) for s in symbols))  # fmt: skip


@pytest.mark.parametrize("kind", MODULES)
@pytest.mark.parametrize("python", STATIC, ids=lambda p: p.name)
def test_names(tmp_path, python, kind):
    twin = python.path.replace("-stripped", "")
    symbols = Symbols(twin)
    ready = str(tmp_path / "ready")
    run = harness.run_ready([python.path, "-B", PROGRAM, kind, ready], ready)
    sites = run.report["processes"][0]["sites"]
    assert sites and lines_of(kind) & {(f["file"], f["line"]) for f in sites[0]["stack"]}, run.stdout[-3000:]
    told, unnamed = {}, set()
    for frame in [f for s in sites for f in s["stack"] if f["lang"] == "native"]:
        offset = int(frame["offset"], 16)
        if frame["function"] and not frame["module"].endswith(".so") and ".so." not in frame["module"]:
            told[offset] = (frame["function"], frame["module"])
        elif os.path.basename(frame["module"]).startswith("python3"):
            unnamed.add(offset)
    exported = {a for a in told if told[a][1].startswith("/")}  # by the symbols that stay
    wrong = [(hex(a), *told[a], symbols.at(a)) for a in told
             if not is_called_so(told[a][0], symbols.at(a), twin)]
    print("%s: %d frames of the executable named by its symbols, %d by what Python knows, %d not; %s"
          % (kind, len(exported), len(told) - len(exported), len(unnamed), sorted(set(told.values()))))  # fmt: skip
    assert not wrong, wrong
    assert MODULES[kind] in {module for _, module in told.values()}, (told, run.stdout[-3000:])
