# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Pace and truth of the programs that leak descriptors, threads and children."""
import argparse
import contextlib
import json
import os
import socket
import sys
import tempfile
import time

KEPT = []
"""The things that a program leaks and still refers to."""


def arguments():
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    parser.add_argument("--rate", type=float, default=4.0, help="turns per second")
    parser.add_argument("--truth", help="file for the number of turns done, as JSON lines")
    parser.add_argument("--seconds", type=float, default=180.0)
    return parser.parse_args()


ARGS = arguments()


def scratch():
    """A directory beside the truth, which the test removes."""
    path = (ARGS.truth or os.path.join(tempfile.gettempdir(), "pyleak-fds-%d" % os.getpid())) + ".scratch"
    os.makedirs(path, exist_ok=True)
    return path


def run(turn):
    """Calls turn(n) by the clock, and says after each how many there were."""
    args = ARGS
    fd = os.open(args.truth, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644) if args.truth else -1
    start = due = time.monotonic()
    n = 0
    while due - start < args.seconds:
        turn(n)
        n += 1
        if fd >= 0:
            os.write(fd, (json.dumps({"turns": n}) + "\n").encode())
        due = max(due + 1 / args.rate, time.monotonic() - 1)
        time.sleep(max(0.0, due - time.monotonic()))


def serve(answer, address=("127.0.0.1", 0)):
    """A server in a child: answer(connection) for each connection. Returns its address."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(address)
    listener.listen(64)
    name = listener.getsockname()
    parent = os.getpid()
    if os.fork():
        listener.close()
        return name
    listener.settimeout(1.0)
    while os.getppid() == parent:
        with contextlib.suppress(TimeoutError, socket.timeout):
            answer(listener.accept()[0])
    os._exit(0)
