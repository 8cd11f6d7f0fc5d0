#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Reads the #include lines and fails on an arrow that the architecture does not have."""
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]

# Who may include whom, besides itself and include/pyleak (docs/ARCHITECTURE.md).
BASE = {"base"}
LOW = BASE | {"dso", "proc"}
MAY = {
    "base": set(),
    "dso": BASE,
    "proc": BASE,
    "py": LOW,
    "sym": LOW,
    "heap": LOW | {"py"},
    "probe": LOW | {"py"},
    "judge": BASE | {"report"},
    "record": BASE | {"report", "judge"},
    "track": LOW | {"py", "heap", "probe", "judge", "report"},
    "report": BASE,
    "session": LOW | {"py", "sym", "heap", "probe", "track", "judge", "report"},
    "out": BASE | {"report"},
    "serve": BASE | {"report"},
}
EVERY = set(MAY) | {"cli"}
MAY["cli"] = EVERY
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.M)
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


def main():
    bad = []
    for path in sorted(TOP.glob("src/*/*.[ch]")):
        room = path.parent.name
        if room not in MAY:
            bad.append((path, ["no such room in the architecture: " + room]))
            continue
        bad.append((path, list(check_user(path, room))))
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
