# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Starts target.py as nobody in a memory group of its own, and tells from /proc what it costs."""
import contextlib
import ctypes
import mmap
import os
import shutil
import signal
import struct
import subprocess
import tempfile
import threading
import time

import lib_fuse
import lib_groups
import target_words as words

HERE = os.path.dirname(os.path.abspath(__file__))
NOBODY = 65534
PYTHON = "/usr/bin/python3"  # that which the packages install, readable for nobody
NICE = -10  # as root may: what else this host does is then seen less than what the tool does
SILENT_S = 2
LIMIT_ROOM = 3 << 20
PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None)
SMAPS = {"Rss": "rss", "Pss_Anon": "pss_anon", "Pss_Shmem": "pss_shmem", "Private_Dirty": "private_dirty",
         "LazyFree": "lazy_free", "AnonHugePages": "huge", "Swap": "swap"}  # fmt: skip
STATUS = {"RssAnon": "rss_anon", "RssFile": "rss_file", "RssShmem": "rss_shmem", "VmPTE": "page_tables"}


class Shared:
    """A page of numbers that another program writes."""

    def __init__(self):
        self.file = tempfile.NamedTemporaryFile(prefix="pyleak-state-", dir="/dev/shm")
        self.file.truncate(mmap.PAGESIZE)
        os.chmod(self.file.name, 0o666)
        self.page = mmap.mmap(self.file.fileno(), mmap.PAGESIZE)

    def get(self, word):
        return struct.unpack_from("Q", self.page, 8 * word)[0]

    def put(self, word, value):
        struct.pack_into("Q", self.page, 8 * word, value)

    def close(self):
        self.page.close()
        self.file.close()


def _fields(path, wanted):
    out = {}
    with open(path) as f:
        for line in f:
            name, _, rest = line.partition(":")
            if name in wanted:
                out[wanted[name]] = int(rest.split()[0]) << 10
    return out


def text_of(pid):
    """Bytes of programs and libraries that the process has mapped in, and those of them that are copies of its own, as where a
    probe is in."""
    fields, counts = {"Rss:": 0, "Anonymous:": 0}, False
    with open("/proc/%d/smaps" % pid) as f:
        for line in f:
            words = line.split()
            if not words[0].endswith(":"):
                counts = "x" in words[1] and words[4] != "0"
            elif counts and words[0] in fields:
                fields[words[0]] += int(words[1]) << 10
    return fields["Rss:"], fields["Anonymous:"]


def usage(pid):
    """Bytes by kind, and major faults. Text is told by itself."""
    out = {**_fields("/proc/%d/smaps_rollup" % pid, SMAPS), **_fields("/proc/%d/status" % pid, STATUS)}
    with open("/proc/%d/stat" % pid) as f:
        out["major_faults"] = int(f.read().rpartition(")")[2].split()[9])
    out["text"], out["private_text"] = text_of(pid)
    out["rss"] -= out["text"]
    out["rss_file"] -= out["text"] - out["private_text"]
    for name in ("rss_anon", "pss_anon", "private_dirty"):
        out[name] -= out["private_text"]
    return out


class Running:
    """A program of this directory that has a page of numbers; ready when the first of them is set."""

    def __init__(self, program, args=(), uid=NOBODY, enter=None, nice=NICE):
        self.shared = Shared()
        # Nobody may be unable to read where the project lies.
        self.directory = tempfile.mkdtemp(prefix="pyleak-harmless-")
        os.chmod(self.directory, 0o755)
        for name in (program, "target_words.py"):
            shutil.copy(os.path.join(HERE, name), self.directory)

        def become():
            if enter:
                enter()
            os.nice(nice)
            if uid:
                os.setgroups([])
                os.setgid(uid)
                os.setuid(uid)
            # It ends with whoever started it, however that ends.
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

        command = [PYTHON, "-B", os.path.join(self.directory, program), self.shared.file.name, *args]
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.errors,
                                        stderr=self.errors, preexec_fn=become)  # fmt: skip
        self.pid = self.process.pid

    def wait_ready(self, limit_s=60):
        end = time.monotonic() + limit_s
        while not self.shared.get(words.READY):
            if not self.alive() or time.monotonic() > end:
                self.errors.seek(0)
                raise RuntimeError("target not ready: %s" % self.errors.read()[-600:])
            time.sleep(0.02)

    def alive(self):
        return self.process.poll() is None

    def longest_ms(self, reset=False):
        gap = self.shared.get(words.GAP) / 1e6
        if reset:
            self.shared.put(words.GAP, 0)
        return gap

    def close(self):
        if self.alive():
            self.process.kill()
        self.process.wait()
        self.errors.close()
        self.shared.close()
        shutil.rmtree(self.directory)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Target(Running):
    """target.py of one kind, with what that kind needs around it."""

    def __init__(self, kind, silent_s=SILENT_S):
        self.kind = kind
        with contextlib.ExitStack() as stack:
            self.group = stack.enter_context(lib_groups.Group("memory", "%s-%x" % (kind, time.monotonic_ns())))
            self.storage, args = None, [kind]
            if kind == "fuse":
                self.storage = stack.enter_context(lib_fuse.Storage(silent_s, 60))
                args.append(self.storage.path)
            super().__init__("target.py", args, enter=self.group.enter)
            # Closed in this order: the process, its storage, its group.
            self.around = stack.pop_all()
        try:
            self.wait_ready()
            # Swapped pages that the loop needs come back, and shared ones that it writes to are copied.
            time.sleep(4 if kind in ("swapped", "forked") else 0.5)
            if kind == "limit":
                self.group.limit(self.group.read("charge") + LIMIT_ROOM)
        except BaseException:
            self.close()
            raise

    def pids(self):
        """It and its children."""
        return [self.pid] + [p for p in map(self.shared.get, (words.CHILDREN, words.CHILDREN + 1)) if p]

    def usage(self):
        total = {}
        for pid in self.pids():
            for name, value in usage(pid).items():
                total[name] = total.get(name, 0) + value
        total["charge"] = self.group.read("charge")
        total["storage_reads"] = len(self.storage.reads()) if self.storage else 0
        return total

    def harm(self):
        """Sentences about what must never be."""
        if not self.alive():
            yield "target died with status %d" % self.process.returncode
        elif self.group.kills():
            yield "a process of the target was killed for want of memory"
        elif self.shared.get(words.WRONG):
            yield "the target's data are damaged"

    def close(self):
        super().close()
        self.around.close()


class Forks(Running):
    """A small program that does nothing but fork; the longest fork is what it tells each thread, since that one began to count."""

    def __init__(self):
        super().__init__("fork_loop.py")
        self.lock, self.longest = threading.Lock(), {}
        self.wait_ready()

    def longest_ms(self, reset=False):
        me = threading.get_ident()
        with self.lock:
            gap = super().longest_ms(reset=True)
            self.longest = {thread: max(longest, gap) for thread, longest in self.longest.items()}
            if reset:
                self.longest[me] = 0
            return self.longest[me]
