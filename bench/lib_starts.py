# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Runs starts.c beside whatever is measured, and reads how long its forks and execs took, without the tool and with it."""
import mmap
import os
import struct
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PROGRAM = os.path.join(TOP, os.environ.get("PYLEAK_BUILD", "build"), "bench", "starts")
sys.path.insert(0, os.path.join(TOP, "tests", "safety"))

import lib_target  # noqa: E402

# As in starts.c: its structures shared and series, in words of eight bytes.
READY, PHASE, BEGUN, SERIES = 0, 1, 2, 4
COUNT, WORST, WORST_AT, BINS = 0, 1, 2, 3
UNCOUNTED, WITHOUT, WITH = 0, 1, 2
SUB_BITS = 4
N_BINS = 41 << SUB_BITS
SERIES_WORDS = BINS + N_BINS


def upper_ns(bin_number):
    """The durations of a bin lie below this."""
    octave, part = divmod(bin_number + 1, 1 << SUB_BITS)
    return part if not octave else ((1 << SUB_BITS) + part) << (octave - 1)


class Durations:
    """Histogram of the starts of one phase; sums of two are made by add()."""

    def __init__(self, count=0, worst_ns=0, worst_at_ns=0, bins=()):
        self.count, self.worst_ns, self.worst_at_ns = count, worst_ns, worst_at_ns
        self.bins = {n: c for n, c in enumerate(bins) if c}

    def quantile_ms(self, share):
        left = share * self.count
        for n, c in sorted(self.bins.items()):
            left -= c
            if left <= 0:
                # The upper end of a bin may be beyond the longest that was seen.
                return min(upper_ns(n), self.worst_ns) / 1e6
        return 0.0

    def row(self):
        return {"count": self.count, "p50_ms": self.quantile_ms(0.5), "p99.9_ms": self.quantile_ms(0.999),
                "worst_ms": self.worst_ns / 1e6,
                "below_us": {upper_ns(n) / 1e3: c for n, c in sorted(self.bins.items())}}  # fmt: skip


def go_first():
    """Before all that want a CPU: a start that takes long has waited for a lock of the kernel's, not for its turn."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except PermissionError:
        # A group of processes may have no share of real time.
        os.nice(lib_target.NICE)


class Starts:
    """A running loop of forks or of execs."""

    def __init__(self, what):
        self.what = what
        self.file = tempfile.NamedTemporaryFile(prefix="pyleak-starts-", dir="/dev/shm")
        self.process = subprocess.Popen([PROGRAM, what, self.file.name], stdin=subprocess.DEVNULL, preexec_fn=go_first)
        self.pid = self.process.pid
        self.page = None
        end = time.monotonic() + 10
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() > end:
                self.close()
                raise OSError("%s does not run: make %s" % (PROGRAM, os.path.relpath(PROGRAM, TOP)))
            time.sleep(0.02)

    def is_ready(self):
        size = os.fstat(self.file.fileno()).st_size
        if size and not self.page:
            self.page = mmap.mmap(self.file.fileno(), size)
        return bool(self.page) and self.get(READY)

    def get(self, word):
        return struct.unpack_from("Q", self.page, 8 * word)[0]

    def enter(self, phase):
        struct.pack_into("Q", self.page, 8 * PHASE, phase)

    def waits_ms(self):
        """(for so long, begin of it) of the start that is under way; (0, 0) between two."""
        begun = self.get(BEGUN)
        return ((time.monotonic_ns() - begun) / 1e6, begun) if begun else (0, 0)

    def settle(self, limit_s=60):
        """The start that is under way belongs to the phase it began in, and who starts no more has measured nothing."""
        begun, end = self.get(BEGUN), time.monotonic() + limit_s
        while begun and self.get(BEGUN) == begun and self.process.poll() is None and time.monotonic() < end:
            time.sleep(0.01)
        if self.process.poll() is not None or begun and self.get(BEGUN) == begun:
            raise OSError("the loop of %ss has ended, or stands" % self.what)

    def durations(self, phase):
        words = struct.unpack_from("%dQ" % SERIES_WORDS, self.page, 8 * (SERIES + phase * SERIES_WORDS))
        return Durations(words[COUNT], words[WORST], words[WORST_AT], words[BINS:])

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self.page:
            self.page.close()
        self.file.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
