#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The cost of watching descriptors to a target that opens and closes all the time.

Operations per second of the target's own CPU time, with the tool paused and working, in interleaved
windows of one run; once with --no-fds and once with --fds. A target that reaches its share of the
budget is watched in windows only, so the loss stays near it whatever the target does.
"""
import argparse
import bisect
import json
import math
import os
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import slowdown  # noqa: E402

PROGRAM = """
import os, socket, struct, sys, threading, time
kind, path = sys.argv[1:]
out = open(path, "ab", buffering=0)
address = None
if kind == "connect":
    listener = socket.socket(); listener.bind(("127.0.0.1", 0)); listener.listen(128)
    address = listener.getsockname()
    def serve():
        while True:
            listener.accept()[0].close()
    threading.Thread(target=serve, daemon=True).start()
def files():
    open("/dev/null").close()
def connect():
    s = socket.create_connection(address); s.recv(1); s.close()
def locks(f=open(path + ".lock", "w+")):
    import fcntl
    fcntl.lockf(f, fcntl.LOCK_SH)
def paced():
    open("/etc/passwd").read(); time.sleep(0.002)
def nothing():
    sum(range(300))
turn = {"files": files, "connect": connect, "locks": locks, "paced": paced, "nothing": nothing}[kind]
n = 0
while True:
    for _ in range(5 if kind == "paced" else 50):
        turn()
        n += 1
    out.write(struct.pack("<ddd", time.monotonic(), n, time.process_time()))
"""
KINDS = ("nothing", "paced", "files", "connect", "locks")


def start_tool(cmd):
    tool = slowdown.Tool.__new__(slowdown.Tool)
    tool.process = subprocess.Popen(cmd, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                    stderr=subprocess.PIPE, text=True)  # fmt: skip
    tool.toggled, tool.errors, tool.on = threading.Event(), [], True
    for line in tool.process.stderr:
        if line.startswith("watching"):
            break
    threading.Thread(target=tool.read, daemon=True).start()
    return tool


def losses(data, spans):
    """Percent of the operations per CPU second that are lost, one per pair of windows, and the rate alone."""
    rows = [struct.unpack_from("<ddd", data, i) for i in range(0, len(data) - 23, 24)]
    times = [r[0] for r in rows]

    def rate(begin, end):
        a, b = bisect.bisect_left(times, begin), bisect.bisect_right(times, end) - 1
        return (rows[b][1] - rows[a][1]) / (rows[b][2] - rows[a][2])

    found, alone = [], []
    for pair in zip(spans[::2], spans[1::2]):
        rates = {on: rate(begin, end) for on, begin, end in pair}
        found.append(100 * (1 - rates[True] / rates[False]))
        alone.append(rates[False])
    return found, statistics.median(alone)


def measure(tool_path, kind, option, pairs, overhead):
    with tempfile.TemporaryDirectory() as d:
        records, out = os.path.join(d, "records"), os.path.join(d, "report.json")
        target = subprocess.Popen(["/usr/bin/python3.11", "-B", "-c", PROGRAM, kind, records])
        try:
            time.sleep(1)
            tool = start_tool([tool_path, "-p", str(target.pid), "-v", "--no-color", "-i", "60", "--json", out,
                               "--overhead", str(overhead), option])  # fmt: skip
            try:
                time.sleep(slowdown.LEARN_S)
                spans = slowdown.run_windows(tool, pairs)
            finally:
                tool.finish()
        finally:
            target.kill()
            target.wait()
        with open(records, "rb") as f:
            found, alone = losses(f.read(), spans)
        with open(out) as f:
            process = json.load(f)["processes"][0]
        return {
            "loss": statistics.median(found),
            "ci": 1.96 * statistics.stdev(found) / math.sqrt(len(found)),
            "alone": alone,
            "stated": process["probe"]["core_pct"],
        }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tool", default="build/pyleak-bpf")
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--overhead", type=float, default=3.0)
    parser.add_argument("--only", action="append", choices=KINDS)
    args = parser.parse_args()
    print("| target | ops per CPU s alone | loss %, --no-fds | loss %, --fds | stated %, --fds |")
    print("|---|---|---|---|---|", flush=True)
    for kind in args.only or KINDS:
        without = measure(args.tool, kind, "--no-fds", args.pairs, args.overhead)
        with_fds = measure(args.tool, kind, "--fds", args.pairs, args.overhead)
        print("| %s | %.0f | %.2f ± %.2f | %.2f ± %.2f | %.2f |"
              % (kind, with_fds["alone"], without["loss"], without["ci"], with_fds["loss"],
                 with_fds["ci"], with_fds["stated"]), flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
