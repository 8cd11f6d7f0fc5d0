#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Storage that is silent: one file on a FUSE mount whose READ is answered late, and with an error.

    lib_fuse.py DIR SILENT_S LIFE_S [FIRST_SILENT_OFFSET [FILE [USER]]]

With FILE it is a copy of that, a program, and answers until SIGUSR1: then nothing is answered any more. The mount is
USER's, else root's.
It speaks the kernel's protocol itself, so that nothing but this process can hold a request back. A page
that was asked for stays absent (the late answer is EIO), so every read of it is as slow as the first one.
Each READ is told on standard output: "read OFFSET SIZE PID". Three things end every silence, because the
kernel may make all of this host's forks wait for it: the answer after SILENT_S, a budget of BUDGET_S
seconds of silence in all (neither for FILE), and an alarm after LIFE_S that ends the process and with it the connection."""
import contextlib
import ctypes
import os
import select
import signal
import struct
import subprocess
import sys
import tempfile
import time

MAX_SILENT_S = 6
BUDGET_S = 12
FILE_BYTES = 64 << 10
NAME = b"silent"
ROOT, FILE = 1, 2  # nodes
EIO, ENOENT, ENOSYS = 5, 2, 38
LOOKUP, FORGET, GETATTR, OPEN, READ, STATFS, RELEASE, FLUSH, INIT, OPENDIR, RELEASEDIR, INTERRUPT, DESTROY, \
    BATCH_FORGET = 1, 2, 3, 14, 15, 17, 18, 25, 26, 27, 29, 36, 38, 42  # fmt: skip
HEADER = struct.Struct("<IIQQIIIHH")
MS_NOSUID, MS_NODEV, MNT_DETACH = 2, 4, 2
libc = ctypes.CDLL(None, use_errno=True)


def attributes(node, size=FILE_BYTES):
    mode, size = (0o040755, 4096) if node == ROOT else (0o100777, size)
    return struct.pack("<6Q10I", node, size, size // 512, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)


class Server:
    def __init__(self, where, silent_s, first_silent=0, file=None, user=0):
        self.silent_s = min(silent_s, MAX_SILENT_S)
        self.first_silent = first_silent
        self.left_s = BUDGET_S
        self.waiting = []  # (when, unique)
        self.content = None
        self.is_dumb = False
        if file:
            with open(file, "rb") as f:
                self.content = f.read()
            signal.signal(signal.SIGUSR1, self.hush)
        self.fd = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        options = b"fd=%d,rootmode=40000,user_id=%d,group_id=0,allow_other" % (self.fd, int(user))
        if libc.mount(b"silent", where.encode(), b"fuse", MS_NOSUID | MS_NODEV, options):
            raise OSError(ctypes.get_errno(), "mount of a FUSE file system")

    def hush(self, *_):
        self.is_dumb = True

    def size(self):
        return FILE_BYTES if self.content is None else len(self.content)

    def answer(self, unique, error=0, data=b""):
        # A request that was interrupted or whose asker has died is gone: ENOENT.
        with contextlib.suppress(FileNotFoundError):
            os.write(self.fd, struct.pack("<IiQ", 16 + len(data), -error, unique) + data)

    def read(self, unique, body, pid):
        offset, size = struct.unpack_from("<QI", body, 8)
        print("read", offset, size, pid, flush=True)
        size = max(0, min(size, self.size() - offset))
        if self.content is not None:
            return self.answer(unique, 0, self.content[offset : offset + size])
        if offset + size <= self.first_silent:
            return self.answer(unique, 0, bytes(size))
        wait = min(self.silent_s, self.left_s)
        self.left_s -= wait
        self.waiting.append((time.monotonic() + wait, unique))

    def serve(self, request):
        _, op, unique, node, _, _, pid, _, _ = HEADER.unpack_from(request)
        body = request[HEADER.size :]
        if self.is_dumb:
            return None
        if op == INIT:
            # No readahead: each page is a request of its own.
            out = struct.pack("<4I2H2I2HI7I", 7, 31, 0, 0, 16, 12, 4096, 1, 1, 0, 0, *[0] * 7)
            self.answer(unique, 0, out)
        elif op == LOOKUP:
            if body.rstrip(b"\0") != NAME:
                return self.answer(unique, ENOENT)
            self.answer(unique, 0, struct.pack("<4Q2I", FILE, 0, 3600, 3600, 0, 0) + attributes(FILE, self.size()))
        elif op == GETATTR:
            self.answer(unique, 0, struct.pack("<QII", 3600, 0, 0) + attributes(node, self.size()))
        elif op in (OPEN, OPENDIR):
            self.answer(unique, 0, struct.pack("<QII", 1, 0, 0))
        elif op == READ:
            self.read(unique, body, pid)
        elif op in (RELEASE, RELEASEDIR, FLUSH, DESTROY):
            self.answer(unique)
        elif op not in (FORGET, BATCH_FORGET, INTERRUPT):
            self.answer(unique, ENOSYS)

    def run(self):
        while True:
            now = time.monotonic()
            for _, unique in (w for w in self.waiting if w[0] <= now):
                self.answer(unique, EIO)
            self.waiting = [w for w in self.waiting if w[0] > now]
            wait = min([w[0] - now for w in self.waiting], default=1)
            if select.select([self.fd], [], [], wait)[0]:
                self.serve(os.read(self.fd, 128 << 10))


class Storage:
    """A mounted file that is silent; `path` is its name. reads(): what storage was asked for."""

    def __init__(self, silent_s, life_s, first_silent=0, file=None, user=0):
        self.directory = tempfile.mkdtemp(prefix="pyleak-silent-")
        os.chmod(self.directory, 0o755)
        self.path = os.path.join(self.directory, NAME.decode())
        self.log = tempfile.TemporaryFile("w+")
        args = [sys.executable, os.path.abspath(__file__), self.directory, silent_s, life_s, first_silent]
        args += [file, user] if file else []
        self.server = subprocess.Popen(list(map(str, args)), stdout=self.log, stdin=subprocess.DEVNULL)
        end = time.monotonic() + 10
        while not os.path.ismount(self.directory):
            if self.server.poll() is not None or time.monotonic() > end:
                self.close()
                raise OSError("no FUSE mount can be made here")
            time.sleep(0.02)

    def reads(self):
        self.log.seek(0)
        return [tuple(map(int, line.split()[1:])) for line in self.log]

    def hush(self):
        """Nothing of the file is answered any more."""
        self.server.send_signal(signal.SIGUSR1)

    def close(self):
        # The connection ends with the server, and every wait with the connection.
        self.server.kill()
        self.server.wait()
        libc.umount2(self.directory.encode(), MNT_DETACH)
        self.log.close()
        os.rmdir(self.directory)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def main():
    where, silent_s, life_s = sys.argv[1], float(sys.argv[2]), int(float(sys.argv[3]))
    signal.alarm(life_s)
    with contextlib.suppress(KeyboardInterrupt, OSError):
        Server(where, silent_s, *map(int, sys.argv[4:5]), *sys.argv[5:7]).run()


if __name__ == "__main__":
    main()
