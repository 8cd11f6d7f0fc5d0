# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Runs a program under births_live and reads what that recorded: births, answers, static data."""
import bisect
import contextlib
import functools
import json
import os
import struct
import subprocess
import sys
from array import array

EXIT_OVERRUN = 4
LIMIT_S = 120
PAGE = 4096


class Overrun(Exception):
    """The machine was too busy for the record to keep up."""


class Statics:
    """The addresses of static data: file mappings, and the .bss behind the data of each file."""

    def __init__(self, maps):
        self.spans = []
        lowest = {}
        for line in maps.splitlines():
            part = line.split(None, 5)
            if len(part) < 6 or not part[5].startswith("/"):
                continue
            start, end = (int(x, 16) for x in part[0].split("-"))
            self.spans.append((start, end))
            lowest.setdefault(part[5], start - int(part[2], 16))
        for path, start in lowest.items():
            with contextlib.suppress(FileNotFoundError):  # deleted: shared memory
                self.spans += self.bss(path, start)
        self.spans.sort()
        self.starts = [s[0] for s in self.spans]

    @staticmethod
    def bss(path, lowest):
        """From the end of the file's data to the end of its segment, by the program headers."""
        with open(path, "rb") as f:
            head = f.read(64)
            if head[:5] != b"\x7fELF\x02":
                return
            kind, phoff, phnum = *struct.unpack_from("<H14xQ", head, 16), struct.unpack_from("<H", head, 56)[0]
            f.seek(phoff)
            headers = f.read(56 * phnum)
        loads = list(struct.iter_unpack("<IIQQQQQQ", headers))
        loads = [p for p in loads if p[0] == 1]
        bias = 0 if kind == 2 else lowest - (loads[0][3] & -PAGE) + (loads[0][2] & -PAGE)
        for _, _, _, vaddr, _, filesz, memsz, _ in loads:
            if memsz > filesz:
                yield bias + vaddr + filesz, bias + vaddr + memsz

    def __contains__(self, addr):
        i = bisect.bisect_right(self.starts, addr) - 1
        # A .bss begins inside the last page of a file mapping.
        return any(s <= addr < e for s, e in self.spans[max(0, i - 1) : i + 1])


class Memory:
    """The memory that was writable in the target when the probes were in."""

    def __init__(self, path, free_threaded):
        self.free_threaded = free_threaded
        self.spans = []
        with open(path, "rb") as f:
            while True:
                head = f.read(16)
                if not head:
                    break
                start, length = struct.unpack("<QQ", head)
                self.spans.append((start, f.read(length)))
        self.starts = [s[0] for s in self.spans]

    def lived(self, addr, type_):
        """Was there a live object of this type? Of freed memory the first word is 0 or a pointer:
        pymalloc's next free block, a free list's next object; a dead object's count is 0."""
        i = bisect.bisect_right(self.starts, addr) - 1
        if i < 0 or addr + 32 > self.starts[i] + len(self.spans[i][1]):
            return False
        if self.free_threaded:
            local, shared, found = struct.unpack_from("<12xIqQ", self.spans[i][1], addr - self.starts[i])
            return found == type_ and local + (shared >> 2) > 0
        count, found = struct.unpack_from("<QQ", self.spans[i][1], addr - self.starts[i])
        # 32 bits of count, and from 3.14 on flags in the upper 16; bits 32-47 are only in pointers.
        return found == type_ and count & 0xFFFFFFFF != 0 and count >> 32 & 0xFFFF == 0


class Record:
    """One run: summary of the loader, births in their order, what the program wrote."""

    def __init__(self, directory, summary, free_threaded):
        self.summary, self.free_threaded = summary, free_threaded
        flat = array("Q")
        with open(os.path.join(directory, "births"), "rb") as f:
            flat.frombytes(f.read())
        self.objects, self.types = flat[::2], flat[1::2]
        with open(os.path.join(directory, "truth"), "rb") as f:
            self.truth = f.read()
        with open(os.path.join(directory, "maps")) as f:
            self.statics = Statics(f.read())
        self.directory = directory

    @functools.cached_property
    def memory(self):
        return Memory(os.path.join(self.directory, "memory"), self.free_threaded)

    def last_type(self):
        """Address -> type of the last birth there."""
        return dict(zip(self.objects, self.types))

    def steps(self):
        """Where the births of each step begin and end: those between two answers."""
        at = [i for i, o in enumerate(self.objects) if not o]
        return [(a + 1, b) for a, b in zip(at, at[1:])]


def run(tool, python, program, directory, env=None):
    """Record the program's births. The text goes over the command line: the interpreter may live in
    a root file system without it."""
    with open(program) as f:
        text = f.read()
    command = [python.path, "-S", "-I", "-B", "-c", text]
    if python.root:
        command = ["chroot", python.root] + command
    done = subprocess.run([tool, directory, "--"] + command, stdin=subprocess.DEVNULL, env=env,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=LIMIT_S)  # fmt: skip
    if done.returncode == EXIT_OVERRUN:
        raise Overrun(done.stdout.decode())
    if done.returncode:
        raise AssertionError(done.stderr.decode(errors="replace")[-2000:])
    sys.stderr.write(done.stderr.decode(errors="replace"))
    return Record(directory, json.loads(done.stdout), python.free_threaded)
