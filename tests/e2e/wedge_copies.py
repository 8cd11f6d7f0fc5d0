# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Copies of the tool in a guest that may be lost, and whether they work, and what must hold after them."""
import contextlib
import glob
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
for folder in ("safety", "faults"):
    sys.path.insert(0, os.path.join(os.path.dirname(HERE), folder))

import lib_cases  # noqa: E402
import lib_inject  # noqa: E402
import lib_target  # noqa: E402
import lib_text  # noqa: E402
import target_words as words  # noqa: E402
import torture  # noqa: E402
from lib_commands import TOOL  # noqa: E402

PYTHON = os.path.realpath("/usr/bin/python3")
TRACING = "/sys/kernel/tracing/"
IS_CHECKED = "debug" in os.uname().release  # a kernel that checks itself: a start takes half a minute
END_S = 720 if IS_CHECKED else 240
SILENCE_S = END_S / 2
# The tool's words with -vv when it has counted a birth, or a call of malloc.
COUNTED = re.compile(r"pyleak-bpf: (?:window .* open, [1-9]\d* births|(?:burst \d+: )?[1-9]\d* (?:calls/s|allocator calls))")
# A program that dies by a probe is told of by the kernel, whoever waits for it.
lib_text.BAD += ("segfault at", "trap int3", "trap invalid opcode")
FORKS = "import os, sys; p = os.fork(); p or os._exit(7); sys.exit(os.waitpid(p, 0)[1] != 7 << 8)"
LAST = [time.monotonic()]


def progress():
    LAST[0] = time.monotonic()


def tell(*text):
    progress()
    print("%7.1f" % time.monotonic(), *text, flush=True)


class Problems(list):
    def add(self, text):
        tell("WRONG:", text)
        self.append(text)


def start_tool(pids, *args, enter=None, stderr=subprocess.PIPE):
    command = [TOOL, "-p", ",".join(map(str, pids)), "-q", *args]

    def begin():
        os.setpgid(0, 0)  # a group of its own in our session: one that nobody could continue is not stopped
        if enter:
            enter()

    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr,
                            text=True, preexec_fn=begin)  # fmt: skip


def tell_waits(pid):
    """Where each thread of a process and of its children is."""
    for p in lib_text.family(pid):
        for task in glob.glob("/proc/%d/task/*" % p):
            with contextlib.suppress(OSError):
                with open(task + "/stat") as f, open(task + "/stack") as g:
                    line, stack = f.read(), g.read()
                fields = line.rpartition(")")[2].split()
                tell("%s: state %s, CPU %s+%s ticks" % (line.rpartition(")")[0], fields[0], fields[11], fields[12]),
                     " < ".join(x.split()[-1].partition("+")[0] for x in stack.splitlines()[:8]))  # fmt: skip


def tell_silence():
    """Where everybody is when nothing has happened for long; again after the same time."""
    while True:
        time.sleep(5)
        if time.monotonic() - LAST[0] > SILENCE_S:
            tell("nothing has happened for %d s" % SILENCE_S)
            tell_waits(os.getpid())


def watch_for(pid, seconds, problems):
    """One whole run. Has it counted anything?"""
    tool = start_tool([pid], "-d", str(seconds), "-vv")
    try:
        said = tool.communicate(timeout=END_S)[1]
        if tool.returncode:
            problems.add("a run of %d s ended with %d: %s" % (seconds, tool.returncode, said[-300:]))
        return any(map(COUNTED.match, said.splitlines()))
    except subprocess.TimeoutExpired:
        problems.add("a run of %d s did not end in %d s" % (seconds, END_S))
        tell_waits(tool.pid)
        tool.kill()
        return False


class Live:
    """A copy that watches all the time. One that has seen nothing for long makes room for another: where changes of probes
    take long, as here they may, windows end."""

    def __init__(self, target, problems):
        self.target, self.problems = target, problems
        self.past = self.half = 0
        self.begin()

    def begin(self):
        self.log = tempfile.NamedTemporaryFile(prefix="live-")
        self.tool = start_tool([self.target.pid], "-d", "100000", "-vv", stderr=self.log)
        self.seen, self.seen_at = 0, time.monotonic()
        if not attached(self.target, self.tool):
            self.problems.add("the copy that works did not attach")
            tell_waits(self.tool.pid)

    def counted(self):
        """The windows in which something was counted, so far."""
        with open(self.log.name) as f:
            now = sum(map(bool, map(COUNTED.match, f)))
        if now != self.seen:
            self.seen, self.seen_at = now, time.monotonic()
        return self.past + now

    def look(self):
        """To be called often."""
        counted = self.counted()
        if self.tool.poll() is None and time.monotonic() - self.seen_at < END_S / 4:
            return
        tell("the copy that works has counted in %d windows, and now in none: another one" % counted)
        self.past = counted
        end_tools([self.tool], self.problems)
        self.begin()

    def halve(self):
        """Half of what happens beside it has happened."""
        self.half = self.counted()

    def end(self):
        """Without windows the others were beside nobody."""
        end = time.monotonic() + END_S
        while self.counted() <= self.half and time.monotonic() < end:
            self.look()
            time.sleep(0.5)
        if self.counted() <= self.half:
            self.problems.add("the copy that works counted nothing in the second half: %d windows" % self.half)
        tell("windows of the copy that works: %d, and then %d" % (self.half, self.counted() - self.half))
        # Another one may have had its first window just now, and have nothing to report yet.
        end_tools([self.tool], self.problems, (0, 130) if self.past else (0,))


def attached(target, tool):
    """Waits until probes were seen in the target."""
    end = time.monotonic() + END_S
    while time.monotonic() < end and tool.poll() is None:
        if lib_text.foreign_bytes(target.pid):
            return True
        time.sleep(0.02)
    return False


def end_tools(tools, problems, codes=(0,)):
    for tool in tools:
        with contextlib.suppress(ProcessLookupError):
            tool.send_signal(signal.SIGINT)
    for tool in tools:
        try:
            said = tool.communicate(timeout=END_S)[1]
            if tool.returncode not in codes:
                problems.add("a copy ended with %d: %s" % (tool.returncode, (said or "")[-300:]))
        except subprocess.TimeoutExpired:
            problems.add("a copy did not end in %d s after SIGINT" % END_S)
            tell_waits(tool.pid)
            tool.kill()


def counts(target, problems):
    """A copy counts what the target does, sooner or later: windows pause where changes of probes take long."""
    tool = start_tool([target.pid], "-d", str(END_S), "-vv")
    found = next(filter(COUNTED.match, tool.stderr), None)
    tell("in", os.readlink("/proc/self/ns/pid"), found.strip() if found else "nothing was counted")
    if not found:
        problems.add("nothing was counted in %d s" % END_S)
    end_tools([tool], problems, (0, 130))  # it may not have begun to watch


def events():
    with open(TRACING + "uprobe_events") as f:
        return sorted({line.split()[0].partition(":")[2] for line in f if ":pyleak_" in line})


def parts(target):
    """How far each thread of the target has come, and its forks."""
    return [target.shared.get(n) for n in (words.FORKS, *range(words.WORKERS, words.WORKERS + torture.WORKERS))]


def fork(problems):
    """An unrelated Python starts and forks: the next exec and the next child are what meets freed probes."""
    try:
        if subprocess.run([PYTHON, "-S", "-c", FORKS], timeout=END_S).returncode:
            problems.add("an unrelated Python could not fork")
    except subprocess.TimeoutExpired:
        problems.add("an unrelated Python did not end in %d s" % END_S)


def unharmed(target, problems):
    """Its numbers are right, and its text is that of the files again."""
    end = time.monotonic() + END_S
    while target.foreign() and time.monotonic() < end:
        time.sleep(0.1)
    if target.foreign():
        problems.add("%d foreign bytes are left in the target" % target.foreign())
    before, end = parts(target), time.monotonic() + END_S
    while not all(now > was for was, now in zip(before, parts(target))) and time.monotonic() < end and target.alive():
        time.sleep(0.1)
    try:
        target.check()
    except torture.Harm as e:
        problems.add(str(e))
    if not all(now > was for was, now in zip(before, parts(target))):
        problems.add("of the target stands still: %s" % list(zip(before, parts(target))))


class Target(torture.Program):
    """The program that checks itself, without the twin that torture.py compares its speed with. It computes all the time:
    the tool, whose start takes long here, gets its CPU first."""

    def __init__(self):
        lib_target.Running.__init__(self, "torture_target.py", nice=10)
        self.wait_ready(END_S)

    foreign = torture.Target.foreign
    check = torture.Target.check


def still_works(problems):
    """Another Python starts and forks; a new target's line is named, and if time is short at least the run ends well."""
    fork(problems)
    target = lib_inject.Target("pyleak-wedge-after")
    try:
        run = subprocess.run([TOOL, "-p", str(target.pid), "-d", "5", "-q", "--json", "-"], capture_output=True, text=True,
                             stdin=subprocess.DEVNULL, timeout=END_S)  # fmt: skip
        if run.returncode:
            problems.add("a second run ended with %d: %s" % (run.returncode, run.stderr[-300:]))
            return
        report = json.loads(run.stdout)["processes"][0]
        lines = [lib_cases.lines_of(s, target.path) for s in report["sites"]]
        tell("a second run:", "names the line" if [lib_cases.LEAK_LINE] in lines else "ends well, names no line", "by",
             report["probe"]["mechanism"])  # fmt: skip
        counts(target, problems)
    except subprocess.TimeoutExpired:
        problems.add("a second run did not end in %d s" % END_S)
    finally:
        target.close()


def nobody_left(problems):
    """Copies that were killed have left guardians, which end by themselves."""
    end = time.monotonic() + END_S
    while True:
        left = []
        for path in glob.glob("/proc/[0-9]*/comm"):
            with contextlib.suppress(OSError), open(path) as f:
                if f.read().startswith("pyleak"):
                    left.append(int(path.split("/")[2]))
        left = [p for p in left if lib_text.exists(p)]
        if not left or time.monotonic() > end:
            break
        time.sleep(0.2)
    for pid in left:
        tell_waits(pid)
    if left:
        problems.add("%d processes of the tool are left" % len(left))
