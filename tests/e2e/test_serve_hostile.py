# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""`serve` among a thousand hostile clients: who asks and reads gets an answer in time, and nobody else gets much."""
import concurrent.futures
import contextlib
import http.client
import os
import socket
import subprocess
import sys
import time

import pytest

import harness
import pythons
from test_serve import MARK, get, serving, wait_ready

HERE = os.path.dirname(os.path.abspath(__file__))
EVERY_S = 0.1
LIMIT_S = 1.0
DEADLINE_S = 5.0
SLEEPER = "import time\ntime.sleep(1000)\n"
# Command lines, as long as they are told, that make a page larger than all buffers on its way.
LONG = "x" * 120000
SLEEPERS = 10


@contextlib.contextmanager
def crowd(port):
    """The clients, until the block ends; they say each second how many of them were shown out so far."""
    child = subprocess.Popen([sys.executable, "-B", os.path.join(HERE, "hostile_clients.py"), str(port)],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)  # fmt: skip
    try:
        assert child.stdout.readline() == "all here\n"
        yield child
        assert child.poll() is None, "the clients ended by themselves"
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


@contextlib.contextmanager
def big_page():
    words = [pythons.HOST, "-c", SLEEPER, MARK, LONG]
    children = [subprocess.Popen(words, stdin=subprocess.DEVNULL) for _ in range(SLEEPERS)]
    try:
        with serving() as tool:
            wait_ready(tool)
            harness.wait_until(lambda: len(get(tool.port, "/report.json")[1]) > 500000)
            yield tool
    finally:
        for child in children:
            child.kill()
            child.wait()


def scrape(port, path):
    begin = time.monotonic()
    try:
        c = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        c.request("GET", path)
        answer = c.getresponse()
        text = answer.read()
        c.close()
    except (OSError, http.client.HTTPException) as e:
        return "%s: %s" % (type(e).__name__, e)
    took = time.monotonic() - begin
    return took if answer.status == 200 and text else "status %d" % answer.status


def status_kib(pid, key):
    with open("/proc/%d/status" % pid, encoding="ascii") as f:
        return int(next(x for x in f if x.startswith(key)).split()[1])


@pytest.mark.quiet
def test_a_thousand_hostile_clients(full):
    scrapes = 100 if full else 20
    with big_page() as tool, crowd(tool.port) as clients:
        clients.stdout.readline()  # all have come, and a second later who was shown out has come back
        took = []
        for n in range(scrapes):
            took.append(scrape(tool.port, "/healthz" if n % 4 == 3 else "/metrics"))
            time.sleep(EVERY_S)
        late = [t for t in took if isinstance(t, str) or t > LIMIT_S]
        fine = sorted(t for t in took if not isinstance(t, str))
        print("median %.4f s, worst %.3f s, rss %d KiB" % (fine[len(fine) // 2], fine[-1], status_kib(tool.pid, "VmHWM:"))
              if fine else "none answered")  # fmt: skip
        assert not late, "%d of %d scrapes: %s" % (len(late), scrapes, late[:5])
        assert status_kib(tool.pid, "VmHWM:") < 100 << 10
        assert status_kib(tool.pid, "Threads:") < 20


def never_silent(s):
    """A request, byte by byte."""
    s.send(b"G")
    time.sleep(0.2)
    return s.recv(4096, socket.MSG_DONTWAIT)


def slow_reader(s):
    """An answer, drop by drop."""
    time.sleep(0.02)
    return s.recv(256)


# Each sends something and then does this.
NEVER_DONE = ((never_silent, b"G"), (slow_reader, b"GET /report.json HTTP/1.1\r\nHost: x\r\n\r\n"))


def until_shown_out(port, behave, first):
    """Seconds until the server has ended the connection, or a while after it should have."""
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        begin = time.monotonic()
        s.connect(("127.0.0.1", port))
        s.sendall(first)
        while time.monotonic() - begin < 4 * DEADLINE_S:
            try:
                if not behave(s):
                    break
            except BlockingIOError:
                pass
            except OSError:
                break
        return time.monotonic() - begin


def test_no_connection_outlives_the_deadline():
    with big_page() as tool, concurrent.futures.ThreadPoolExecutor(len(NEVER_DONE)) as pool:
        took = dict(zip(NEVER_DONE, pool.map(lambda client: until_shown_out(tool.port, *client), NEVER_DONE)))
    assert all(DEADLINE_S - 1 < seconds < DEADLINE_S + 3 for seconds in took.values()), took
