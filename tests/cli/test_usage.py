# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The command line as a script sees it: exit codes, one clear line, nothing left behind.

No root is needed: what is tested here ends before a process is touched.
"""
import os
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOOL = os.environ.get("PYLEAK_BPF", os.path.join(ROOT, "build", "pyleak-bpf"))


def run(*args, **env):
    return subprocess.run([TOOL, *args], capture_output=True, text=True, timeout=30,
                          env={**os.environ, **env}, check=False)


BAD = [
    ([], "-p PID"),
    (["-p"], "-p/--pid"),
    (["-p", "abc"], "abc"),
    (["-p", "0"], "-p/--pid 0"),
    (["-p", "-1"], "-p/--pid -1"),
    (["-p", "1,,2"], "1,,2"),
    (["-p", "1", "--top", "-1"], "from 1 to 10000"),
    (["-p", "1", "--overhead", "500"], "from 0.1 to 50"),
    (["-p", "1", "--overhead", "nan"], "from 0.1 to 50"),
    (["-p", "1", "-i", "0"], "-i/--interval 0"),
    (["-p", "1", "--mode", "exact"], "auto"),
    (["-p", "1", "-z", "2k", "-Z", "1k"], "--min-size"),
    (["-p", "1", "--json", ""], "--json"),
    (["-p", "1", "--nonsense"], "--nonsense"),
    (["-p", "1", "extra"], "extra"),
    (["sensus", "-p", "1"], "sensus"),
    (["doctor", "extra"], "extra"),
    (["-p", "1", "--alert", "rrs>2G"], "did you mean 'rss'?"),
    (["-p", "1", "--alert", "growth>1M/min fro 10m"], "did you mean 'for'?"),
    (["-p", "1", "--alert", "rss=>2G"], "did you mean '>='?"),
    (["-p", "1", "--alert", "growth>1M"], "growth>1M/min for 10m"),
    (["-p", "1", "--alert", "rss>2X"], "the value is not understood"),
    (["-p", "1", "--alert", ""], "a rule is like"),
    (["-p", "1", "--alert-hook", "true"], "--alert-hook needs a rule"),
    (["-p", "1", "--alert", "rss>1", "--alert-log", "-", "--json", "-"], "standard output"),
    (["-p", "1", "--fail-on", "growing"], "leak"),
