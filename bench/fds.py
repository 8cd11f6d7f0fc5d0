#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What watching descriptors costs a target that opens and closes all the time, and a bystander.

Each row: operations per second with the tool paused and working, in interleaved windows of one run, once
with --fds and once with --no-fds; the difference of the two losses is what descriptors cost.
"""
import argparse
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
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
def locks(f=open(path + ".lock", "w")):
    import fcntl
    fcntl.lockf(f, fcntl.LOCK_SH)
def paced():
    open("/etc/passwd").read(); time.sleep(0.002)
def nothing():
    sum(range(300))
turn = {"files": files, "connect": connect, "locks": locks, "paced": paced, "nothing": nothing}[kind]
n = 0; last = time.monotonic(); gap = 0.0
while True:
    for _ in range(5 if kind == "paced" else 50):
        turn()
        n += 1
    now = time.monotonic()
    out.write(struct.pack("<ddd", now, n, now - last))
    last = now
"""
KINDS = ("nothing", "paced", "files", "connect", "locks")


def measure(tool_path, kind, option, pairs, overhead):
    import struct

    with tempfile.TemporaryDirectory() as d:
        records, out = os.path.join(d, "records"), os.path.join(d, "report.json")
        target = subprocess.Popen(["/usr/bin/python3.11", "-B", "-c", PROGRAM, kind, records])
        try:
            time.sleep(1)
            cmd = [tool_path, "-p", str(target.pid), "-v", "--no-color", "-i", "60", "--json", out,
                   "--overhead", str(overhead), option]  # fmt: skip
            tool = slowdown.Tool.__new__(slowdown.Tool)
            tool.process = subprocess.Popen(cmd, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                            stderr=subprocess.PIPE, text=True)  # fmt: skip
            import threading

            tool.toggled, tool.errors, tool.on = threading.Event(), [], True
            threading.Thread(target=tool.read, daemon=True).start()
            try:
                time.sleep(slowdown.LEARN_S)
                spans = slowdown.run_windows(tool, pairs)
            finally:
                tool.finish()
        finally:
            target.kill()
            target.wait()
        with open(records, "rb") as f:
            data = f.read()
        rows = [struct.unpack_from("<ddd", data, i) for i in range(0, len(data) - 23, 24)]
        with open(out) as f:
            process = json.load(f)["processes"][0]
        r = slowdown.summarise(rows, spans, process["probe"]["slowdown_pct"])
        r["fds"] = process["fds"]
        return r


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tool", default="build/pyleak-bpf")
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--overhead", type=float, default=3.0)
    parser.add_argument("--only", action="append", choices=KINDS)
    args = parser.parse_args()
    print("| target | ops/s alone | loss %, --no-fds | loss %, --fds | stated %, --fds |")
    print("|---|---|---|---|---|", flush=True)
    for kind in args.only or KINDS:
        without = measure(args.tool, kind, "--no-fds", args.pairs, args.overhead)
        with_fds = measure(args.tool, kind, "--fds", args.pairs, args.overhead)
        print("| %s | %.0f | %.2f ± %.2f | %.2f ± %.2f | %.2f |"
              % (kind, with_fds["off_per_s"], without["loss"], without["ci"], with_fds["loss"],
                 with_fds["ci"], with_fds["stated"]), flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
