#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""No target is killed because watching it takes memory: attaches to a program whose memory group is at its limit.

    room.py [--room MIB]... [--attaches 50] [--beside 4] [--json FILE]

Breakpoints are copies of text pages, which the kernel charges to the target: some 110 to 170 pages. Each attach finds as
much room as the row says. A row is wrong when a target was killed, or was not probed and the report does not say why."""
import argparse
import concurrent.futures
import json
import os
import re
import signal
import sys
import time

import lib_commands
import lib_target

MIB = 1 << 20
ROOMS = (0, 0.3, 0.7, 2)
ATTACHES = 50
ALONE_S = 1.0  # nobody watches it, and it must live
WATCH = "-p {pid} -d 2 -q --json "
# Why nothing was probed: a sentence about probes, and about the memory that they would take.
WHY = re.compile(r"^.*(?=.*\b(?:prob|breakpoint|watch))(?=.*\b(?:room|limit)\b).*$", re.I | re.M)


class Full(lib_target.Target):
    """A program that uses no more memory than it has."""

    def __init__(self):
        super().__init__("full")

    def leave(self, room):
        """Its limit lies `room` bytes above what is in use now."""
        self.group.limit(1 << 40)
        self.group.shrink()
        time.sleep(0.3)
        # While it runs a CPU may hold a stock of 256 KiB for it, which is charged and free.
        os.kill(self.pid, signal.SIGSTOP)
        try:
            self.group.shrink()
            self.group.limit(self.group.read("charge") + room)
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def is_killed(self):
        return not self.alive() or bool(list(self.harm()))


def on_s(path):
    """For so long probes were on; None where there is no report."""
    try:
        with open(path, encoding="utf-8") as f:
            return sum(p["probe"]["on_s"] or 0 for p in json.load(f)["processes"])
    except (OSError, ValueError, LookupError):
        return None


def attach(target, room):
    """One attach to a target that has so much room."""
    target.leave(room)
    time.sleep(ALONE_S)
    if target.is_killed():
        return {"alone": True}
    report = os.path.join(target.directory, "room.json")
    if os.path.exists(report):
        os.unlink(report)
    run = lib_commands.run(lib_commands.Command(WATCH + report, 2), target.pid, target.directory)
    # The reaper may be late.
    time.sleep(0.2)
    why = WHY.search(run.output)
    return {"alone": False, "killed": target.is_killed(), "status": run.status, "seconds": run.seconds,
            "on_s": on_s(report), "why": why and why.group().strip(),
            "output": run.output[-2000:]}  # fmt: skip


def attaches(room, n):
    """n of them, one after the other; a target that was killed has a successor."""
    target, rows = None, []
    try:
        # One that dies alone was no attach.
        while sum(not r["alone"] for r in rows) < n and len(rows) < 2 * n:
            if not target:
                target = Full()
            rows.append(attach(target, room))
            if rows[-1]["alone"] or rows[-1]["killed"]:
                target.close()
                target = None
    finally:
        if target:
            target.close()
    return rows


def measure(mib, n, beside):
    """The row of one amount of room."""
    shares = [n // beside + (i < n % beside) for i in range(beside)]
    with concurrent.futures.ThreadPoolExecutor(beside) as pool:
        rows = sum(pool.map(lambda share: attaches(int(mib * MIB), share), shares), [])
    watched = [r for r in rows if not r["alone"]]
    silent = [r for r in watched if not r["killed"] and not r["on_s"] and not r["why"]]
    return {"room_mib": mib, "attaches": len(watched), "killed": sum(r["killed"] for r in watched),
            "probed": sum(bool(r["on_s"]) for r in watched), "told": sum(bool(r["why"]) for r in watched),
            "silent": len(silent), "killed_alone": len(rows) - len(watched), "runs": rows}  # fmt: skip


def line(row):
    why = next((r["why"] for r in row["runs"] if r.get("why")), "")
    return "%.1f MiB of room: %d attaches, %d targets killed, %d probed, %d told why not, %d neither; %d died alone%s" % (
        row["room_mib"], row["attaches"], row["killed"], row["probed"], row["told"], row["silent"], row["killed_alone"],
        why and ": \"%s\"" % why)  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--room", action="append", type=float, help="MiB; default: %s" % ", ".join(map(str, ROOMS)))
    parser.add_argument("--attaches", type=int, default=ATTACHES, help="for each")
    parser.add_argument("--beside", type=int, default=4, help="targets beside each other")
    parser.add_argument("--json", metavar="FILE")
    args = parser.parse_args()
    # Targets that were started end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    rows = []
    for mib in args.room or ROOMS:
        rows.append(measure(mib, args.attaches, args.beside))
        print(line(rows[-1]), flush=True)
    if args.json:
        with open(args.json, "w", encoding="utf-8") as f:
            json.dump(rows, f, indent=1)
    return 1 if any(r["killed"] or r["silent"] for r in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
