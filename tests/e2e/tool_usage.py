# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The tool's use of its host while it runs, and how dear the same work is on this host at this hour."""
import contextlib
import os
import random
import statistics
import threading
import time


class Usage(threading.Thread):
    """The tool's own cost, from /proc, while it runs."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid = pid
        self.rss_kib = 0
        self.samples = []  # (monotonic, cpu seconds, reads)
        self.memlock = {}  # (kind, id) -> bytes
        self.stop = threading.Event()

    def run(self):
        while not self.stop.wait(0.25):
            try:
                self.look()
            except (OSError, ValueError, IndexError, StopIteration):
                # It ended between two reads.
                pass

    def look(self):
        with open("/proc/%d/status" % self.pid) as f:
            for line in f:
                if line.startswith("VmHWM:"):
                    self.rss_kib = max(self.rss_kib, int(line.split()[1]))
        # The process's own clock (clock_getcpuclockid): /proc counts in ticks, which fall on who happens to run.
        self.samples.append((time.monotonic(), time.clock_gettime(~self.pid << 3 | 2), self.reads()))
        if len(self.samples) % 4 != 1:  # maps stay; to look at a hundred descriptors takes ten times as long as all else here
            return
        for fd in os.listdir("/proc/%d/fdinfo" % self.pid):
            with contextlib.suppress(OSError), open("/proc/%d/fdinfo/%s" % (self.pid, fd)) as f:
                info = dict(x.split(":", 1) for x in f.read().splitlines() if ":" in x)
                for kind in ("map_id", "prog_id"):
                    if kind in info and "memlock" in info:
                        self.memlock[(kind, int(info[kind]))] = int(info["memlock"])

    def reads(self):
        """Calls that read a file: of the memory of others, for the most part."""
        with open("/proc/%d/io" % self.pid) as f:
            return int(next(line.split()[1] for line in f if line.startswith("syscr:")))

    def per_second(self, what, after_s):
        rows = [r for r in self.samples if r[0] >= self.samples[0][0] + after_s]
        if len(rows) < 2:
            return 0.0
        return (rows[-1][what] - rows[0][what]) / (rows[-1][0] - rows[0][0])

    def cpu_share(self, after_s=0.0):
        """Share of one core, leaving out the first seconds."""
        return self.per_second(1, after_s)

    def reads_per_s(self, after_s=0.0):
        return self.per_second(2, after_s)

    def map_bytes(self):
        return sum(v for (kind, _), v in self.memlock.items() if kind == "map_id")


def call_us():
    """The shortest call of the kernel here: 0.1 on most machines, above 1 under hypervisors without hardware support."""
    times = []
    for _ in range(5):
        begin = time.perf_counter()
        for _ in range(20000):
            os.getppid()
        times.append((time.perf_counter() - begin) / 20000 * 1e6)
    return min(times)


class ColdPages:
    """CPU time, in microseconds, of reading a few bytes of a page of process @pid that nobody else has looked at for a second:
    what most of the tool's reads are. Hypervisors that share their host take from 5 to above 20, and change from hour to hour
    while everything else keeps its speed."""

    PAGES = 400

    def __init__(self, pid):
        pages = []
        with open("/proc/%d/maps" % pid) as f:
            for fields in map(str.split, f):
                if fields[1] == "rw-p" and (len(fields) < 6 or fields[5] == "[heap]"):
                    pages += range(*(int(x, 16) for x in fields[0].split("-")), 4096)
        with open("/proc/%d/pagemap" % pid, "rb", buffering=0) as f:
            pages = [page for page in pages if self.is_present(f, page)]
        assert pages, "process %d has no memory of its own" % pid
        self.pages = random.Random(1).sample(pages, min(self.PAGES, len(pages)))
        self.times = []
        self.mem = os.open("/proc/%d/mem" % pid, os.O_RDONLY | os.O_CLOEXEC)

    @staticmethod
    def is_present(pagemap, page):
        entry = os.pread(pagemap.fileno(), 8, page // 4096 * 8)
        return len(entry) == 8 and entry[7] & 0x80

    def measure(self):
        """One half of them, and then the other."""
        time.sleep(1)
        for pages in (self.pages[::2], self.pages[1::2]):
            begin = time.thread_time()
            for page in pages:
                with contextlib.suppress(OSError):
                    os.pread(self.mem, 64, page)
            self.times.append((time.thread_time() - begin) / len(pages) * 1e6)

    def us(self):
        return statistics.median(self.times)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.mem)


def dearness(cold):
    """How many times its share the tool may take here: as much again for each 1.5 us of a call of the kernel beyond 0.3, and
    for each 20 us of a cold page's read beyond 6."""
    return 1 + max(0, call_us() - 0.3) / 1.5 + max(0, cold.us() - 6) / 20
