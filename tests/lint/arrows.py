#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Reads the #include lines and fails on an arrow that the architecture does not have, and on what is too large."""
import collections
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]

# The rooms that each may include, besides itself and include/pyleak (docs/ARCHITECTURE.md).
BASE = {"base"}
LOW = BASE | {"dso", "storage", "proc"}
MAY = {
    "base": set(),
    "dso": BASE,
    "storage": BASE,
    "proc": BASE | {"storage"},
    "container": BASE | {"proc"},
    "saved": BASE | {"proc"},
    "linetable": BASE,
    "py": LOW | {"linetable"},
    "sym": LOW,
    "heap": LOW | {"py"},
    "why": LOW | {"py", "heap"},
    "census": LOW | {"py", "heap", "report"},
    "places": LOW | {"py"},
    "probe": LOW,
    "verdict": BASE | {"report"},
    "evidence": BASE | {"report", "verdict"},
    "judge": BASE | {"report", "verdict", "evidence"},
    "record": BASE | {"report", "evidence", "judge"},
    "ledger": BASE | {"probe", "report"},
    "lines": LOW | {"py", "report"},
    "stacks": LOW | {"py"},
    "ladder": LOW | {"heap", "stacks", "evidence"},
    "track": LOW | {"py", "heap", "stacks", "places", "probe", "ledger", "evidence", "report"},
    "report": BASE,
    "alert": BASE | {"report", "out", "confine"},
    "confine": BASE | {"probe", "sym"},
    "memory": LOW | {"container", "py", "heap", "evidence", "judge", "verdict", "report", "alert"},
    "sweep": LOW | {"container", "py", "places", "heap", "judge", "verdict", "report", "session", "memory"},
    "inquiry": LOW | {"py", "heap", "places", "probe", "stacks", "ladder", "why", "evidence", "report", "memory"},
    "session": LOW | {"py", "sym", "heap", "why", "census", "places", "probe", "ledger", "stacks", "ladder", "track", "lines", "evidence", "judge", "report",
                      "alert", "memory", "inquiry"},
    "compare": BASE | {"report"},
    "out": BASE | {"report", "compare"},
    "screen": BASE | {"report", "out"},
    "serve": BASE | {"report"},
}
MAY["cli"] = set(MAY)
EVERY = set(MAY) | {"command"}
MAY["command"] = EVERY
VERSION = re.compile(r"\b(?:rt|f|o)->minor\s*(?:[<>]=?|[!=]=)|\bhexversion\s*[<>=!&]")
ROOM_LINES, FILE_LINES = 5500, 500
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.M)
# Headers that rooms share and that others may not see.
INSIDE = {
    "heap/inside.h": {"heap", "why", "census", "inquiry"},
    "proc/inside.h": {"proc", "container", "memory", "saved"},
    "proc/source.h": {"proc", "saved"},
}
# The generated skeleton belongs to whoever loads programs.
SKELETON = {"session", "probe", "track"}


def included(path):
    return INCLUDE.findall(path.read_text(errors="replace"))


def check_user(path, room):
    for name in included(path):
        first = name.split("/")[0]
        if name.startswith("pyleak/"):
            continue
        if name.endswith(".skel.h"):
            if room not in SKELETON:
                yield "%s may not include the BPF skeleton" % room
        elif room not in INSIDE.get(name, {room}):
            yield "%s is private to %s" % (name, ", ".join(sorted(INSIDE[name])))
        elif name.endswith("_priv.h") and "/" in name and first != room:
            yield "%s is private to %s" % (name, first)
        elif "/" in name and first in EVERY and first != room and first not in MAY[room]:
            yield "%s may not include %s" % (room, name)


def check_bpf(path):
    for name in included(path):
        if "/" in name and name.split("/")[0] in EVERY:
            yield "the kernel half may not include %s" % name
        elif re.match(r"(std(io|lib|int)|string|unistd|errno)\.h$", name):
            yield "the kernel half has no libc: %s" % name


def check_abi(path):
    for name in included(path):
        if not name.startswith("pyleak/") and name != "linux/types.h":
            yield "include/pyleak is for both halves, no %s there" % name


def check_versions(path, room):
    """A difference between versions of CPython has a name in src/py/versions.h."""
    for n, line in enumerate(path.read_text().splitlines(), 1):
        if room != "py" and VERSION.search(line):
            yield "line %d asks for a version of CPython" % n


def check_sizes(rooms):
    """The rooms and files that have grown beyond what one knows by their name."""
    for room, files in sorted(rooms.items()):
        lines = {path: len(path.read_text().splitlines()) for path in files}
        if sum(lines.values()) > ROOM_LINES:
            yield files[0].parent, ["%d lines, more than %d: a room of two ideas" % (sum(lines.values()), ROOM_LINES)]
        for path, n in lines.items():
            if n > FILE_LINES:
                yield path, ["%d lines, more than %d: a file of two ideas" % (n, FILE_LINES)]


def main():
    bad, rooms = [], collections.defaultdict(list)
    for path in sorted(TOP.glob("src/*/*.[ch]")):
        room = path.parent.name
        rooms[room].append(path)
        if room not in MAY:
            bad.append((path, ["no such room in the architecture: " + room]))
            continue
        bad.append((path, list(check_user(path, room)) + list(check_versions(path, room))))
    bad += list(check_sizes(rooms))
    bad += [(p, list(check_bpf(p))) for p in sorted(TOP.glob("bpf/*.[ch]"))]
    bad += [(p, list(check_abi(p))) for p in sorted(TOP.glob("include/pyleak/*.h"))]
    failed = 0
    for path, sentences in bad:
        for sentence in sentences:
            failed = 1
            print("%s: %s" % (path.relative_to(TOP), sentence))
    return failed


if __name__ == "__main__":
    sys.exit(main())
