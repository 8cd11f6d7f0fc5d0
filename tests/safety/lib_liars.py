#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Every command on processes that lie, one after the other: none may crash, take more memory than it may, or not end.

    lib_liars.py [--minutes N] [--seed N] [--tool FILE] [--keep DIR]

Runs until the time is up; what goes wrong is told with the seed of the liar and the command."""
import argparse
import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.join(TOP, os.environ.get("PYLEAK_BUILD", "build"))
TOOL = os.path.join(BUILD, "pyleak-bpf")
PYTHON = "/usr/bin/python3.11"
MIB = 1 << 20
MAX_RSS = 100 * MIB
MAX_WHY = 300 * MIB  # in proportion to the live blocks, of which a liar may claim more than it has
# As much as a command may take beyond the time it is told to: machines are busy, and a report is made.
SLACK_S = 40
# From Ctrl-C to the end: a second on a machine that is not busy. Programs being loaded into the kernel and probes being
# placed are waited for, which takes ten times as long with twenty others at work.
STOP_S = 1
BUSY_S = 14
SAN = {
    "ASAN_OPTIONS": "detect_leaks=0:exitcode=99:abort_on_error=0:allocator_may_return_null=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1:exitcode=99",
}
COMMANDS = (
    ("watch", ["-p", "{pid}", "-d", "4", "-q", "--json", "{out}"], 4),
    ("census", ["census", "-p", "{pid}", "--json", "{out}"], 0),
    ("census --type", ["census", "-p", "{pid}", "--type", "Slots", "--json", "{out}"], 0),
    ("why --type", ["why", "-p", "{pid}", "--type", "Slots", "--watch", "0", "--json", "{out}"], 0),
    ("census --diff", ["census", "-p", "{pid}", "--diff", "2", "--json", "{out}"], 2),
    ("why, Queue", ["why", "-p", "{pid}", "--type", "Deque", "--json", "{out}"], 1),
    ("watch, shown", ["-p", "{pid}", "-d", "3", "-i", "1", "-T", "50", "--json", "{out}"], 3),
)
SERVE = "serve"


class Liar:
    """A running liar; another one, with the next seed, whenever it has died of a lie of its own."""

    def __init__(self, seed, kinds=()):
        self.seed, self.kinds, self.process = seed, kinds, None
        self.name = "pyleak-liar-%d" % os.getpid()
        self.deaths = 0

    def pid(self):
        while not self.process or self.process.poll() is not None:
            if self.process:
                self.process.stdout.close()
                self.deaths += 1
                self.seed += 1000
            self.process = subprocess.Popen(
                [PYTHON, "-B", os.path.join(HERE, "liars.py"), str(self.seed), self.name, *self.kinds],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd="/")  # fmt: skip
            self.process.stdout.readline()
        return self.process.pid

    def close(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def greatest_rss(pid):
    """So far; 0 once it has ended."""
    with contextlib.suppress(OSError), open("/proc/%d/status" % pid) as f:
        for line in f:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


class Run:
    """One run of the tool: how it ended, what it said, its greatest RSS, how long it took."""

    def __init__(self, tool, args, limit_s, stop_after=None, meanwhile=None):
        with tempfile.TemporaryFile("w+", errors="replace") as said:
            begin = time.monotonic()
            process = subprocess.Popen([tool, *args], stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                                       env={**os.environ, **SAN})  # fmt: skip
            self.stop_s = None
            if meanwhile:
                meanwhile(process)
            if stop_after is not None:
                time.sleep(stop_after)
                stopped = time.monotonic()
                with contextlib.suppress(ProcessLookupError):
                    process.send_signal(signal.SIGINT)
            self.in_time = self.wait(process, begin + limit_s)
            if stop_after is not None:
                self.stop_s = time.monotonic() - stopped
            self.took_s = time.monotonic() - begin
            said.seek(0)
            self.said = said.read()

    def wait(self, process, end):
        self.rss = 0
        # The RSS that wait4() tells is no less than that of whoever started it.
        while process.poll() is None and time.monotonic() < end:
            self.rss = max(self.rss, greatest_rss(process.pid))
            time.sleep(0.005)
        in_time = process.poll() is not None
        if not in_time:
            process.kill()
        self.rc = process.wait()
        return in_time

    def problems(self, max_rss):
        found = []
        if not self.in_time:
            found.append("no end after %.0f s" % self.took_s)
        elif self.rc not in (0, 1, 130) and not (self.stop_s is not None and self.rc == -signal.SIGINT):
            found.append("exit %d" % self.rc)
        elif self.rc == 1 and not self.said.strip():
            found.append("exit 1 without a sentence")
        if "runtime error" in self.said or "Sanitizer" in self.said:
            found.append("a sanitizer")
        elif max_rss and self.rss > max_rss:
            found.append("%.0f MiB" % (self.rss / MIB))
        if self.stop_s is not None and self.stop_s > STOP_S + BUSY_S:
            found.append("%.1f s from Ctrl-C to the end" % self.stop_s)
        return found


def is_sanitized(tool):
    with open(tool, "rb") as f:
        return b"__asan_init" in f.read()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def serve(tool, liar, seconds):
    """Pages of the liar, asked for again and again."""
    port = free_port()
    answers = []

    def scrape(_):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            liar.pid()
            for page in ("/metrics", "/report.json"):
                with contextlib.suppress(OSError), urllib.request.urlopen(
                        "http://127.0.0.1:%d%s" % (port, page), timeout=5) as answer:  # fmt: skip
                    answers.append(len(answer.read()))
            time.sleep(0.5)

    args = ["serve", "--listen", "127.0.0.1:%d" % port, "--name", liar.name, "-q"]
    run = Run(tool, args, seconds + SLACK_S, stop_after=0, meanwhile=scrape)
    run.answers = len(answers)
    return run


def rounds(tool, liar, end, random, tell):
    """All commands in turn until the time is up: (name, seed, problems, run) of each."""
    sanitized = is_sanitized(tool)
    with tempfile.TemporaryDirectory() as where:
        out = os.path.join(where, "out.json")
        k = 0
        while time.monotonic() < end:
            name, args, seconds = COMMANDS[k % len(COMMANDS)] if k % 10 < 9 else (SERVE, None, 8)
            k += 1
            pid, seed = liar.pid(), liar.seed
            if name == SERVE:
                run = serve(tool, liar, seconds)
            else:
                stop = random.uniform(0.1, 1.5) if random.random() < 0.2 else None
                args = [a.format(pid=pid, out=out) for a in args]
                run = Run(tool, args, seconds + SLACK_S * (3 if sanitized else 1), stop)
            most = 0 if sanitized else MAX_WHY if name.startswith("why") else MAX_RSS
            tell(name, seed, run.problems(most), run)


def main():
    import random

    p = argparse.ArgumentParser()
    p.add_argument("--minutes", type=float, default=30)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--tool", default=TOOL)
    a = p.parse_args()
    counts, most, bad = {}, {}, []

    def tell(name, seed, problems, run):
        counts[name] = counts.get(name, 0) + 1
        most[name] = max(most.get(name, (0, 0)), (run.rss, run.took_s))
        if problems:
            bad.append((name, seed, problems))
            print("%s, seed %d: %s (exit %d)\n%s" % (name, seed, ", ".join(problems), run.rc, run.said[-3000:]), flush=True)

    end = time.monotonic() + 60 * a.minutes
    seed, deaths = a.seed, 0
    while time.monotonic() < end:
        with Liar(seed) as liar:
            rounds(a.tool, liar, min(end, time.monotonic() + 60), random.Random(seed), tell)
            deaths += liar.deaths
        seed += 1
    for name, n in sorted(counts.items()):
        print("%-14s %5d runs, at most %4.0f MiB" % (name, n, most[name][0] / MIB))
    print("%d liars, %d died of it; %d runs, %d with problems" % (seed - a.seed, deaths, sum(counts.values()), len(bad)))
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
