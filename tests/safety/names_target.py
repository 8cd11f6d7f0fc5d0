#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""names_target.py NAME LINE [--root DIR]: leaks on line LINE of a file that it calls NAME, as nobody."""
import argparse
import os
import time

parser = argparse.ArgumentParser()
parser.add_argument("name")
parser.add_argument("line", type=int)
parser.add_argument("--root")
o = parser.parse_args()
if o.root:
    os.chroot(o.root)
    os.chdir("/")
if not os.geteuid():
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
keep = []
code = compile("\n" * (o.line - 1) + "[keep.append([i, {}]) for i in range(20)]", o.name, "exec")
print("ready", flush=True)
while True:
    exec(code)
    time.sleep(0.02)
