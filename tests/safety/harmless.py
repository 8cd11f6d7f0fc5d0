#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The effect of watching on who is watched: every command on every kind of memory, seen from outside the tool.

    harmless.py [--kind KIND]... [--command COMMAND]... [--json FILE] [--markdown FILE]

For each cell a program of that kind starts anew, the command runs, and /proc tells before and after what
the program has. A baseline is the same program left alone, before and after the cells of its kind."""
import argparse
import contextlib
import json
import signal
import sys
import time

import lib_commands
import lib_groups
import lib_target

KIB = 1 << 10
KINDS = ("shm", "memmap", "memmap_private", "madv_free", "swapped", "sparse", "thp", "mappings", "userfaultfd",
         "fuse", "limit", "forked")  # fmt: skip
BASELINE_S = 15
STALL_MS = 50  # beyond the baseline
# Those in ROOM may rise by no more than without the tool and this much, those in KEPT may not fall. A charge
# is taken in stocks of 256 KiB, one for each CPU.
ROOM = {"rss": 256 * KIB, "pss_anon": 256 * KIB, "pss_shmem": 0, "private_dirty": 256 * KIB, "rss_anon": 256 * KIB,
        "rss_file": 256 * KIB, "rss_shmem": 0, "page_tables": 64 * KIB, "charge": 1024 * KIB, "text": 256 * KIB, "private_text": 0,
        "major_faults": 8, "storage_reads": 0}  # fmt: skip
# A breakpoint brings its page of text in, and the kernel maps what it has of the 64 KiB around it: no memory that anybody
# else could have. Linux 6.18 may keep its copy of the page, with the file's bytes, until a probe there goes in and out once
# more (some 110 pages have one). For each process that is probed.
PROBED = {"text": 1024 * KIB, "private_text": 512 * KIB}
KEPT = {"lazy_free": 64 * KIB, "huge": 0, "swap": 256 * KIB}


def look(target, forks, work):
    """The changes in the target while work() is done, and the longest stalls."""
    begin = time.monotonic()
    before = target.usage()
    # Looking takes the lock that the program needs: its stalls are counted from here.
    target.longest_ms(reset=True)
    forks.longest_ms(reset=True)
    run = work()
    stall, fork = target.longest_ms(), forks.longest_ms()
    harm = list(target.harm())
    after = target.usage() if target.alive() else before
    # It leaks while /proc tells of 64,000 mappings, too.
    seconds = time.monotonic() - begin
    return {"seconds": seconds, "processes": len(target.pids()), "stall_ms": stall, "fork_ms": fork, "harm": harm, "run": run,
            "before": before, "change": {k: after[k] - before[k] for k in before}}  # fmt: skip


def baseline(kind, forks, seconds=BASELINE_S):
    with lib_target.Target(kind) as target:
        return look(target, forks, lambda: time.sleep(seconds))


def worst_baseline(rows):
    """The most of each that two runs without the tool did; rates for what rises with time."""
    rises = {k: max(max(r["change"][k] / r["seconds"] for r in rows), 0) for k in ROOM}
    # CPUs take a charge in stocks: in a few seconds it may not show the objects that RSS shows.
    rises["charge"] = max(rises["charge"], rises["rss"])
    return {
        "per_s": rises,
        "fall_per_s": {k: max(max(-r["change"][k] / r["seconds"] for r in rows), 0) for k in KEPT},
        "stall_ms": max(r["stall_ms"] for r in rows),
        "fork_ms": max(r["fork_ms"] for r in rows),
    }


def judge(row, base, command):
    """Sentences about what the baseline does not explain."""
    wrong = list(row["harm"])
    probed = command.probes * (row["processes"] if command.children else 1)
    for k, room in {**ROOM, **({k: v * probed for k, v in PROBED.items()} if probed else {})}.items():
        if row["change"][k] > base["per_s"][k] * row["seconds"] + room:
            wrong.append("%s +%d" % (k, row["change"][k]))
    for k, room in KEPT.items():
        if -row["change"][k] > base["fall_per_s"][k] * row["seconds"] + room:
            wrong.append("%s %d" % (k, row["change"][k]))
    for k in ("stall_ms", "fork_ms"):
        if row[k] > base[k] + STALL_MS:
            wrong.append("%s %.0f" % (k, row[k]))
    if row["run"].status not in command.statuses:
        wrong.append("status %d: %s" % (row["run"].status, row["run"].output.strip()[-200:]))
    return wrong


def only_time(wrong):
    return bool(wrong) and all(w.startswith(("stall_ms", "fork_ms")) for w in wrong)


def cell(kind, name, forks, base, attempts=2):
    """One row. A stall alone may be the machine's: it counts when a second run has one, too."""
    command = lib_commands.COMMANDS[name]
    for attempt in range(1, attempts + 1):
        with lib_target.Target(kind) as target:
            row = look(target, forks, lambda t=target: lib_commands.run(command, t.pid, t.directory))
        row["wrong"] = judge(row, base, command)
        row["attempts"] = attempt
        if not only_time(row["wrong"]):
            break
    run = row.pop("run")
    row.update(kind=kind, command=name, status=run.status, tool_s=run.seconds, tool_peak_rss=run.peak_rss)
    row["beyond"] = {k: row["change"][k] - base["per_s"][k] * row["seconds"] for k in ROOM}
    row["base"] = base
    return row


def around(kind):
    return lib_groups.swap() if kind == "swapped" else contextlib.nullcontext()


def measure(kind, names, forks, tell=print):
    """Rows of one kind; the second baseline comes last, and all are judged by the worse of both."""
    with around(kind):
        first = baseline(kind, forks)
        rows = []
        for name in names:
            rows.append(cell(kind, name, forks, worst_baseline([first])))
            tell(line(rows[-1]), flush=True)
        last = baseline(kind, forks)
    both = worst_baseline([first, last])
    for row in rows:
        if only_time(row["wrong"]):
            limits = {k: both[k] + STALL_MS for k in ("stall_ms", "fork_ms")}
            row["wrong"] = ["%s %.0f" % (k, row[k]) for k, limit in limits.items() if row[k] > limit]
        row["base"] = both
    return rows


def most(row):
    """(name, KiB): the memory that rose most beyond the baseline."""
    sizes = {k: v for k, v in row["beyond"].items() if k not in ("major_faults", "storage_reads", "charge", "private_text")}
    name = max(sizes, key=sizes.get)
    return name, sizes[name] / KIB


def line(row):
    name, kib = most(row)
    return "%-14s %-16s %5.1f s  rss %+7d KiB  most %-13s %+7d KiB  charge %+7d KiB  text %+4d KiB  faults %3d  stall %5.1f/%5.1f ms  " \
        "fork %5.1f/%5.1f ms  tool %3d MiB  %s" % (
            row["kind"], row["command"], row["tool_s"], row["change"]["rss"] // KIB, name, kib,
            row["change"]["charge"] // KIB, row["change"]["private_text"] // KIB, row["change"]["major_faults"], row["stall_ms"], row["base"]["stall_ms"],
            row["fork_ms"], row["base"]["fork_ms"], row["tool_peak_rss"] >> 20,
            "; ".join(row["wrong"]) or "ok")  # fmt: skip


def markdown(rows):
    """A line per command, a column per kind: most memory beyond the baseline in KiB, stall and fork in ms."""
    kinds = [k for k in KINDS if any(r["kind"] == k for r in rows)]
    names = [c for c in lib_commands.COMMANDS if any(r["command"] == c for r in rows)]
    at = {(r["command"], r["kind"]): r for r in rows}
    out = ["| command | " + " | ".join(kinds) + " |", "|---" * (len(kinds) + 1) + "|"]
    for name in names:
        cells = []
        for kind in kinds:
            r = at.get((name, kind))
            text = r and "%+d / %d / %d" % (most(r)[1], r["stall_ms"], r["fork_ms"])
            cells.append("–" if not r else "**%s**" % text if r["wrong"] else text)
        out.append("| `%s` | %s |" % (name, " | ".join(cells)))
    bases = [next(r["base"] for r in rows if r["kind"] == k) for k in kinds]
    out.append("| left alone | %s |" % " | ".join("0 / %d / %d" % (b["stall_ms"], b["fork_ms"]) for b in bases))
    return "\n".join(out) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kind", action="append", choices=KINDS)
    parser.add_argument("--command", action="append", choices=list(lib_commands.COMMANDS))
    parser.add_argument("--json")
    parser.add_argument("--markdown")
    args = parser.parse_args()
    # SIGTERM puts away what was begun, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    rows = []
    with lib_target.Forks() as forks:
        for kind in args.kind or KINDS:
            rows += measure(kind, args.command or list(lib_commands.COMMANDS), forks)
            if args.json:
                with open(args.json, "w") as f:
                    json.dump(rows, f, indent=1)
            if args.markdown:
                with open(args.markdown, "w") as f:
                    f.write(markdown(rows))
    wrong = [r for r in rows if r["wrong"]]
    print("%d cells, %d with harm" % (len(rows), len(wrong)))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
