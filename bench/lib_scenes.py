# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The scenes of stalls.py: programs that are there all the time, and the commands of the tool that run beside them."""
import contextlib
import dataclasses
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "tests", "safety"))

import lib_commands  # noqa: E402
import lib_target  # noqa: E402
import room  # noqa: E402

MARK = "pyleak-stalls-bench"  # in the command line of every Python of a scene: sweep and serve look at no other
GIB = 1 << 30
ROOM_BYTES = 300 << 10  # less than the copies of text pages take
SILENT_S = 3
END_S = 60  # for the end of a command after the time it was given
# All are the same interpreter, so a switch of a probe takes the lock of each of them.
IDLE = "import time, json\nkeep = [{'n': n} for n in range(2000)]\nwhile True:\n time.sleep(0.2); json.loads('[1, 2]')\n"
LEAK = "import time\nkeep = []\nwhile True:\n keep.append({'n': len(keep) + 0.5}); time.sleep(0.002)\n"
# Memory without huge pages; the first line that is printed says that all of it is there.
FILL = """
import mmap, sys, time
size, step, keep = int(sys.argv[1]), int(sys.argv[2]), []
m = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000)
m.madvise(mmap.MADV_NOHUGEPAGE)
for at in range(0, size, step):
    m[at] = 1  # a fault takes the lock of this row alone; MADV_POPULATE_WRITE would keep that of the process
print("full", flush=True)
while True:
    keep.append({"n": len(keep) + 0.5}); time.sleep(0.002)
"""


def start(argv, **more):
    """A program that ends with us, however we end."""
    return subprocess.Popen(argv, stdin=subprocess.DEVNULL, preexec_fn=lambda: lib_target.libc.prctl(
        lib_target.PR_SET_PDEATHSIG, signal.SIGKILL), **more)  # fmt: skip


@contextlib.contextmanager
def running(argv):
    process = start(argv)
    try:
        yield process.pid
    finally:
        process.kill()
        process.wait()


def python(code, *args):
    return [lib_target.PYTHON, "-c", code, *map(str, args), MARK]


def busy():
    demo = os.path.join(TOP, "tests", "zoo", "demo.py")
    return running([lib_target.PYTHON, "-B", demo, "--seconds", "600"])


def start_full(size, step=4096):
    process = start(python(FILL, size, step), stdout=subprocess.PIPE)
    if not process.stdout.readline():
        raise OSError("no %d MiB to be had" % (size >> 20))
    return process


@contextlib.contextmanager
def full(size, step=4096):
    process = start_full(size, step)
    try:
        yield process.pid
    finally:
        process.kill()
        process.communicate()


class Kills:
    """Processes of some size are killed at random moments all the time, `beside` each other. counts: by phase."""

    def __init__(self, size, beside):
        self.size, self.phase, self.counts = size, 0, {}
        self.ended = threading.Event()
        self.threads = [threading.Thread(target=self.kill, args=(random.Random(n),)) for n in range(beside)]
        for t in self.threads:
            t.start()

    def kill(self, rng):
        while not self.ended.is_set():
            process = start_full(self.size)
            self.ended.wait(rng.uniform(0, 0.3))
            process.kill()
            process.communicate()
            self.counts[self.phase] = self.counts.get(self.phase, 0) + 1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ended.set()
        for t in self.threads:
            t.join()


@dataclasses.dataclass
class Tool:
    """A command that runs once, over and over, or until it is stopped."""

    words: str
    over_and_over: bool = False
    stop: bool = False

    def argv(self, at, seconds, directory):
        # Their reports are for nobody: -q.
        words = self.words.format(seconds="%g" % seconds, name=MARK, dir=directory, **at).split()
        return [lib_commands.TOOL, *words, "-q"]


def attach_full(beside):
    """A watch of a program whose memory group is full."""
    for row in room.attaches(ROOM_BYTES, 1):
        beside.runs += 1
        beside.killed += bool(row["alone"] or row["killed"])


class Beside:
    """Some commands of the tool, beside each other. wait() ends when those that end by themselves have."""

    def __init__(self, tools, at, seconds):
        self.seconds, self.over = seconds, threading.Event()
        self.statuses, self.runs, self.killed = [], 0, 0
        self.directory = tempfile.TemporaryDirectory(prefix="pyleak-stalls-")
        self.processes, self.threads = [], []
        for tool in tools:
            if callable(tool):
                self.threads.append(threading.Thread(target=self.repeat, args=(tool, self)))
                continue
            argv = tool.argv(at, seconds, self.directory.name)
            if tool.over_and_over:
                self.threads.append(threading.Thread(target=self.repeat, args=(self.run, argv)))
            else:
                self.processes.append((tool, self.begin(argv)))
        for t in self.threads:
            t.start()

    def begin(self, argv):
        self.runs += 1
        return start(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def end(self, process):
        try:
            process.wait(self.seconds + END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self.statuses.append(process.returncode)

    def run(self, argv):
        self.end(self.begin(argv))

    def repeat(self, act, what):
        while not self.over.is_set():
            act(what)

    def wait(self):
        if not any(not t.stop for t, _ in self.processes):
            time.sleep(self.seconds)
        for tool, process in self.processes:
            if tool.stop:
                process.send_signal(signal.SIGTERM)
            self.end(process)
        self.over.set()
        for t in self.threads:
            t.join()
        self.on_s = room.on_s(os.path.join(self.directory.name, "report.json"))
        self.directory.cleanup()


@contextlib.contextmanager
def forty():
    with contextlib.ExitStack() as stack:
        for n in range(40):
            stack.enter_context(running(python(LEAK if n % 10 == 0 else IDLE)))
        time.sleep(1)
        yield {}


@contextlib.contextmanager
def one():
    with busy() as pid:
        time.sleep(0.5)
        yield {"pid": pid}


@contextlib.contextmanager
def killed(size, beside):
    with one() as at, Kills(size, beside) as kills:
        yield {**at, "kills": kills}


@contextlib.contextmanager
def silent():
    with one() as at, lib_target.Target("fuse", SILENT_S) as target:
        yield {**at, "other": target.pid, "storage": target.storage}


@contextlib.contextmanager
def big():
    """16 GiB with a page in every 2 MiB, and nearly 4 GiB that are all there: of more the tool reads no smaps."""
    with full(16 * GIB, 2 << 20) as sparse, full(4 * GIB - (64 << 20)) as resident:
        yield {"sparse": sparse, "resident": resident}


WATCH = Tool("-p {pid} -d {seconds} --json {dir}/report.json")
CENSUS = [Tool("census -p {%s}" % name, over_and_over=True) for name in ("sparse", "resident")]


@dataclasses.dataclass
class Scene:
    words: str
    around: object  # a context manager: who is there all the time, by name
    tools: list  # Tool, or what is done over and over with a Beside


SCENES = {
    "baseline": Scene("a busy Python, no tool", one, []),
    "watch": Scene("watch -d 30 of a busy Python", one, [WATCH]),
    "sweep": Scene("sweep, 40 Pythons", forty, [Tool("sweep -d {seconds} --name {name} --json {dir}/report.json")]),
    "serve": Scene("serve, 40 Pythons", forty, [Tool("serve --listen unix:{dir}/socket --name {name}", stop=True)]),
    "kills-1g": Scene("watch, others of 1 GiB killed", lambda: killed(GIB, 2), [WATCH]),
    "kills-4g": Scene("watch, others of 4 GiB killed", lambda: killed(4 * GIB, 2), [WATCH]),
    "full": Scene("watches of targets without room", one, [attach_full]),
    "silent": Scene("watch, census of silent storage", silent, [WATCH, Tool("census -p {other}", over_and_over=True)]),
    "big-census": Scene("census of 16 GiB sparse, 4 GiB", big, CENSUS),
    "big-watch": Scene("watch of 4 GiB, census of both", big, [Tool("-p {resident} -d {seconds} --json {dir}/report.json"), *CENSUS]),
    "big-sparse": Scene("watch of 16 GiB sparse, census of both", big, [Tool("-p {sparse} -d {seconds} --json {dir}/report.json"), *CENSUS]),
}  # fmt: skip
