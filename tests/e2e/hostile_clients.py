# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A thousand clients of a web server at once that mean it no good, from twenty local addresses. Whoever is shown out
comes back.

    hostile_clients.py PORT [N]
"""
import contextlib
import errno
import itertools
import os
import resource
import socket
import sys
import time

ADDRESSES = ["127.0.0.%d" % n for n in range(1, 21)]
ASK = b"GET /report.json HTTP/1.1\r\nHost: x\r\n"
HEADER = b"X-%d: " + b"a" * 60 + b"\r\n"


def slow_header(n):
    """A line of a header now and then, for ever: never silent for long."""
    yield ASK if n == 0 else HEADER % n
    yield 1.0


def huge_header(n):
    yield ASK + b"X: " if n == 0 else b"a" * 65536
    yield 0.0


def malformed(n):
    yield os.urandom(512).replace(b"\n", b"?") if n % 2 else b"GET \x00 HTTP/9.9\r\n\xff\xfe: \x00\r\n" * 4
    yield 0.3


def half_closed(n):
    yield ASK if n == 0 else None
    yield 0.5


def never_reads(n):
    """Asks properly, for the biggest page, and again."""
    yield ASK + b"\r\n"
    yield 0.5


def silent(n):
    yield b""
    yield 1.0


KINDS = (slow_header, huge_header, malformed, half_closed, never_reads, silent)


class Client:
    def __init__(self, port, address, kind):
        self.port, self.address, self.kind = port, address, kind
        self.socket = None

    def connect(self):
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.bind((self.address, 0))
        self.socket.connect_ex(("127.0.0.1", self.port))
        self.n, self.due, self.rest = 0, 0.0, b""

    def end(self):
        self.socket.close()

    def step(self, now):
        """False when the server is rid of it."""
        if now < self.due:
            return self.kind is never_reads or self.is_there()
        if not self.rest:
            self.rest, pause = self.kind(self.n)
            self.n += 1
            self.due = now + pause
            if self.rest is None:
                with contextlib.suppress(OSError):
                    self.socket.shutdown(socket.SHUT_WR)
                self.rest = b""
        try:
            self.rest = self.rest[self.socket.send(self.rest):] if self.rest else b""
        except BlockingIOError:
            pass
        except OSError as e:
            return e.errno in (errno.ENOTCONN, errno.EINPROGRESS)
        return True

    def is_there(self):
        try:
            return self.socket.recv(65536, socket.MSG_DONTWAIT) != b""
        except BlockingIOError:
            return True
        except OSError as e:
            return e.errno == errno.ENOTCONN


def main():
    port, n = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    resource.setrlimit(resource.RLIMIT_NOFILE, (n + 100, n + 100))
    addresses, kinds = itertools.cycle(ADDRESSES), itertools.cycle(KINDS)
    clients = [Client(port, next(addresses), next(kinds)) for _ in range(n)]
    for c in clients:
        c.connect()
    print("all here", flush=True)
    ended = 0
    told = time.monotonic()
    while True:
        now = time.monotonic()
        for c in clients:
            if not c.step(now):
                c.end()
                c.connect()
                ended += 1
        if now - told > 1:
            told = now
            print("shown out %d" % ended, flush=True)
        time.sleep(0.002)


if __name__ == "__main__":
    main()
