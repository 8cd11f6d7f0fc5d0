# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The traces that a tool that watches leaves: bytes of text, definitions of events, processes, kernel messages."""
import contextlib
import errno
import os
import time

EVENTS = ("/sys/kernel/tracing/uprobe_events", "/sys/kernel/debug/tracing/uprobe_events")
BAD = ("leaking uprobe", "BUG:", "Oops", "WARNING:", "blocked for more than", "general protection")
PARTS = 32  # of files are remembered
_read = {}


def family(pid):
    """The process and all that it has forked."""
    found = [pid]
    for p in found:
        with contextlib.suppress(OSError):
            for task in os.listdir("/proc/%d/task" % p):
                with contextlib.suppress(OSError), open("/proc/%d/task/%s/children" % (p, task)) as f:
                    found += map(int, f.read().split())
    return found


def _differ(was, now):
    """By halves: most of it is the same, and that is compared at once."""
    if was == now:
        return 0
    if len(was) <= 64:
        return sum(a != b for a, b in zip(was, now))
    half = len(was) // 2
    return _differ(was[:half], now[:half]) + _differ(was[half:], now[half:])


def _was(path, offset, length):
    """A part of a file, which is read once."""
    with open(path, "rb") as f:
        s = os.fstat(f.fileno())
        key = s.st_dev, s.st_ino, s.st_ctime_ns, offset, length
        if key not in _read:
            if len(_read) >= PARTS:
                _read.clear()
            f.seek(offset)
            _read[key] = f.read(length)
    return _read[key]


def _foreign(pid):
    with open("/proc/%d/maps" % pid) as f:
        rows = [line.split(None, 5) for line in f]
    differ = 0
    with open("/proc/%d/mem" % pid, "rb", buffering=0) as mem:
        for row in rows:
            if "x" not in row[1] or row[4] == "0":
                continue
            start, end = (int(x, 16) for x in row[0].split("-"))
            was = _was("/proc/%d/map_files/%x-%x" % (pid, start, end), int(row[2], 16), end - start)
            mem.seek(start)
            now = mem.read(len(was))
            differ += _differ(was, now)
    return differ


def foreign_bytes(pid, with_children=False):
    """Bytes of executable mappings that are not those of their files."""
    total = 0
    for p in family(pid) if with_children else [pid]:
        try:
            total += _foreign(p)
        except (OSError, ValueError) as e:
            # A child that has ended meanwhile has no breakpoints.
            if p == pid:
                raise
            assert not isinstance(e, OSError) or e.errno in (errno.ENOENT, errno.ESRCH, errno.EIO), e
    return total


def definitions(pids):
    """Event definitions of tracefs that one of these processes made."""
    for path in EVENTS:
        with contextlib.suppress(FileNotFoundError), open(path) as f:
            return [line for line in f if any(":pyleak_%d_" % p in line for p in pids)]
    return []


def state(pid):
    """As in /proc/PID/stat; X when there is no such process."""
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rpartition(")")[2].split()[0]
    except OSError:
        return "X"


def exists(pid):
    """A zombie has ended."""
    return state(pid) not in "ZX"


class KernelLog:
    """The messages of the kernel since."""

    def __init__(self):
        self.fd = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        os.lseek(self.fd, 0, os.SEEK_END)

    def bad(self, pids=()):
        """Lines that nobody wants; those of the uprobes of other processes are not ours."""
        out = []
        while True:
            try:
                line = os.read(self.fd, 8192).decode(errors="replace").split(";", 1)[-1].strip()
            except BlockingIOError:
                return out
            except BrokenPipeError:
                continue
            if any(b in line for b in BAD):
                if "leaking uprobe" not in line or not pids or any(":%d " % p in line for p in pids):
                    out.append(line)


def cpu_ns(pid):
    """CPU time of a process, all threads."""
    return time.clock_gettime_ns((~pid << 3) | 2)
