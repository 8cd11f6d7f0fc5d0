#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The cost of a library with a million symbols to the tool: time of CPU and memory of a watch that has to
name functions of it, beside the same watch with the same library less those symbols."""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

import usage

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "tests", "e2e"))

import harness  # noqa: E402

TAKERS = 8  # functions that leak, each called by a line of its own: so many names are looked up
TARGET = """
import ctypes, sys, time
lib = ctypes.CDLL(sys.argv[1])
while True:
    time.sleep(0.02)
""" + "".join("    lib.take_%d(700)\n" % i for i in range(TAKERS))


def build(where, symbols):
    path = os.path.join(where, "many-%d.so" % symbols)
    source, rows = os.path.join(where, "take.c"), os.path.join(where, "many.s")
    with open(source, "w") as f:
        f.write("#include <stdlib.h>\nvoid *volatile kept;\n")
        for i in range(TAKERS):
            f.write("void take_%d(long n) { kept = malloc(n); }\n" % i)
    with open(rows, "w") as f:
        f.write('\t.section .note.GNU-stack,"",@progbits\n\t.text\n')
        for i in range(symbols):
            name = "a_rather_long_name_of_a_function_as_templates_make_them_%d" % i
            f.write("\t.globl %s\n\t.type %s, @function\n%s:\tret\n\t.size %s, 1\n" % ((name,) * 4))
    subprocess.run(["gcc", "-O2", "-g0", "-shared", "-fPIC", "-o", path, source, rows], check=True)
    os.unlink(rows)
    return path


def watch(library, seconds, out):
    """Returns CPU seconds and peak RSS of the tool, and the functions it named."""
    target = subprocess.Popen([sys.executable, "-c", TARGET, library], stdin=subprocess.DEVNULL)
    try:
        time.sleep(1)
        tool = subprocess.Popen([harness.TOOL, "-p", str(target.pid), "-d", str(seconds), "-i", "60", "--json", out],
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)  # fmt: skip
        cpu, kib = usage.wait(tool)
    finally:
        target.kill()
        target.wait()
    with open(out) as f:
        sites = json.load(f)["processes"][0]["sites"]
    frames = [frame for s in sites for frame in s["stack"] if frame["lang"] == "native"]
    return cpu, kib / 1024, {f["function"] for f in frames}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--symbols", type=int, default=1000000)
    parser.add_argument("--seconds", type=int, default=12)
    args = parser.parse_args()
    print("| symbols | file, MB | CPU of a watch of %d s | peak RSS, MiB | functions named |\n|---|---|---|---|---|"
          % args.seconds)  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="pyleak-bench-") as where:
        for symbols in (0, args.symbols):
            path = build(where, symbols)
            cpu, rss, names = watch(path, args.seconds, os.path.join(where, "report.json"))
            right = len(names & {"take_%d" % i for i in range(TAKERS)})
            print("| %d | %.1f | %.2f s | %.0f | %d of %d |"
                  % (symbols, os.path.getsize(path) / 1e6, cpu, rss, right, TAKERS), flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
