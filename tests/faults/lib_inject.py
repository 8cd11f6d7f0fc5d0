# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The library that makes calls fail, and the program that is watched meanwhile."""
import dataclasses
import errno
import os
import struct
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
BUILD = os.environ.get("PYLEAK_BUILD") or os.path.join(TOP, "build")
TOOL = os.path.join(BUILD, "pyleak-bpf")
PYTHON = "/usr/bin/python3"
TRACING = "/sys/kernel/tracing/uprobe_events"

# As in inject.c, in its order, and what the calls of each may fail with.
GROUPS = {
    "mem": [errno.ENOMEM],
    "filter": [errno.ENOMEM],  # within libseccomp
    "open": [errno.EMFILE, errno.EACCES],
    "read": [errno.EIO, errno.ESRCH],
    "write": [errno.ENOSPC, errno.EIO],
    "map": [errno.ENOMEM],
    "ctl": [errno.EIO, errno.EINVAL],
    "net": [errno.ENOBUFS, errno.EPERM],
    "task": [errno.EAGAIN, errno.EMFILE],
    "call": [errno.EPERM, errno.ENOMEM, errno.ENOSPC],
    "wait": [errno.EINTR, errno.ENOMEM],  # never for good: a kernel has no reason to
    "stat": [errno.EIO],
    "name": [errno.EROFS, errno.EIO],
}
PAGE_BYTES, PLACES = 1 << 18, 4000  # no less than the library's page
PLACE = struct.Struct("4Q")


def build(where):
    """The library, made by the compiler that makes the tool."""
    out = os.path.join(where, "inject.so")
    subprocess.run([os.environ.get("CC", "gcc"), "-D_GNU_SOURCE", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-shared",
                    "-fPIC", "-fvisibility=hidden", "-o", out, os.path.join(HERE, "inject.c")], check=True)  # fmt: skip
    return out


@dataclasses.dataclass(frozen=True)
class Fault:
    group: str
    n: int
    code: int
    on: bool = False  # and all calls after it
    place: int = 0  # the key of one, in place of n

    def __str__(self):
        return "%s:%s:%s%s" % (self.group, "at %x" % self.place if self.place else self.n, errno.errorcode[self.code],
                               " and all later" if self.on else "")  # fmt: skip

    def spec(self):
        return "%s:%d:%d:%d" % (*(("place", self.place) if self.place else (self.group, self.n)), self.code, self.on)


LIST = Fault("place", 0, 0)  # nothing fails, and the places from which calls are made are listed


class Page:
    """The counts that the library keeps, for one run."""

    def __init__(self, library, where):
        self.library = library
        self.file = tempfile.NamedTemporaryFile(prefix="page-", dir=where)
        self.file.truncate(PAGE_BYTES)

    def env(self, fault=None):
        more = {"LD_PRELOAD": self.library, "PYLEAK_FAULT_PAGE": self.file.name}
        return {**os.environ, **more, **({"PYLEAK_FAULT": fault.spec()} if fault else {})}

    def read(self):
        """({group: calls}, how many failed, from where the first was made)."""
        self.file.seek(0)
        raw = self.file.read(4096)
        n = len(GROUPS)
        words = struct.unpack_from("%dQ" % (n + 2), raw)
        name = raw[8 * (n + 2):][:128].split(b"\0")[0].decode(errors="replace")
        return dict(zip(GROUPS, words)), words[n], "%s+0x%x" % (os.path.basename(name), words[n + 1])

    def places(self):
        """{key: (group, where it is called)} of a run that lists them. Memory is not in it: it is asked for everywhere."""
        self.file.seek(0)
        raw = self.file.read(PAGE_BYTES)
        begin = 8 * (len(GROUPS) + 2) + 128
        n = struct.unpack_from("Q", raw, begin)[0]
        assert 0 < n <= PLACES, n
        rows = [PLACE.unpack_from(raw, begin + 8 + i * PLACE.size) for i in range(n)]
        return {key: (list(GROUPS)[group], "0x%x from 0x%x" % (caller, outer)) for key, group, caller, outer in rows}

    def close(self):
        self.file.close()


class Target:
    """Leaks, and must go on doing so whatever happens to the tool."""

    def __init__(self, mark):
        self.mark = mark
        self.path = os.path.join(HERE, "target.py")
        self.pulse = tempfile.NamedTemporaryFile(prefix="pulse-")
        self.pulse.write(bytes(8))
        self.pulse.flush()
        self.process = subprocess.Popen([PYTHON, "-B", self.path, self.pulse.name, mark], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE)  # fmt: skip
        assert self.process.stdout.readline() == b"ready\n"
        self.pid = self.process.pid

    def beats(self):
        self.pulse.seek(0)
        return int.from_bytes(self.pulse.read(8), "little")

    def goes_on(self, limit_s=3):
        before, end = self.beats(), time.monotonic() + limit_s
        while self.process.poll() is None and time.monotonic() < end:
            if self.beats() > before + 5:
                return True
            time.sleep(0.01)
        return False

    def changed_text(self):
        """Files whose code in memory is not what it is on the disk: where probes are."""
        changed = []
        with open("/proc/%d/maps" % self.pid) as f:
            rows = [x.split(None, 5) for x in f if x.split()[1].startswith("r-x") and "/" in x]
        with open("/proc/%d/mem" % self.pid, "rb", 0) as memory:
            for row in rows:
                begin, end = (int(x, 16) for x in row[0].split("-"))
                memory.seek(begin)
                with open(row[5].strip(), "rb") as f:
                    f.seek(int(row[2], 16))
                    if memory.read(end - begin) != f.read(end - begin):
                        changed.append(row[5].strip())
        return changed

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.pulse.close()


def definitions(pid):
    """Probes that are defined in tracefs by a tool of this number."""
    with open(TRACING) as f:
        return sum("pyleak_%d_" % pid in line for line in f)
