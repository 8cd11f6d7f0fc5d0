#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Reads from the object files who calls whom inside a room, and fails on a circle of too many files: circles.py BUILD [-v]"""
import collections
import pathlib
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
MOST_FILES = 6


def calls_of(objects):
    """{file: {other file: functions of the other's that it calls}}"""
    out = subprocess.run(["nm", "-A", *objects], capture_output=True, text=True, check=True).stdout
    has, wants = {}, collections.defaultdict(set)
    for line in out.splitlines():
        path, symbol = line.split(":", 1)
        kind, name = symbol.split()[-2:]
        if kind == "T":
            has[name] = pathlib.Path(path).stem
        elif kind == "U":
            wants[pathlib.Path(path).stem].add(name)
    calls = {o.stem: collections.defaultdict(list) for o in objects}
    for file, names in wants.items():
        for name in sorted(names & has.keys()):
            calls[file][has[name]].append(name)
    return calls


def circles(calls):
    """Files each of which reaches all others of its circle (strongly connected components)."""
    reach = {}
    for file in calls:
        seen, left = set(), [file]
        while left:
            new = set(calls[left.pop()]) - seen
            seen |= new
            left += new
        reach[file] = seen
    return {frozenset(o for o in reach[f] if f in reach[o]) for f in calls if f in reach[f]}


def main():
    build, verbose = pathlib.Path(sys.argv[1]), "-v" in sys.argv
    failed = 0
    for room in sorted({p.parent.name for p in TOP.glob("src/*/*.c")}):
        calls = calls_of([build / room / (p.stem + ".o") for p in sorted((TOP / "src" / room).glob("*.c"))])
        for circle in sorted(map(sorted, circles(calls))):
            bad = len(circle) > MOST_FILES
            failed |= bad
            if bad or verbose:
                print("src/%s: %d files call each other in a circle: %s" % (room, len(circle), " ".join(circle)))
                for file in circle:
                    for other in sorted(set(calls[file]) & set(circle)):
                        print("\t%s -> %s: %s" % (file, other, " ".join(calls[file][other])))
    return failed


if __name__ == "__main__":
    sys.exit(main())
