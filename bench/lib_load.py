# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Requests to a server: at a rate that is held, or as many as it can do."""
import gc
import os
import random
import selectors
import shutil
import socket
import subprocess
import tempfile
import time

PATIENCE_S = 30  # nothing is answered for so long
QUANTILES = 4000  # the latencies of a span, long or short: so many, and spans of equal weight can be pooled


class Client:
    """One request, from a thread that has many of them under way."""

    ASKS = b"GET /item/%d HTTP/1.0\r\nHost: x\r\n\r\n"

    def __init__(self, port, due):
        self.due, self.answer, self.has_asked = due, b"", False
        self.socket = socket.socket()
        self.socket.setblocking(False)
        try:
            if self.socket.fileno() >= 1000:
                raise OSError("more than select() can look after")
            # One address has not enough ports for thousands of connections a second, each of which stays for a minute.
            self.socket.bind(("127.0.0.%d" % random.randrange(2, 250), 0))
            self.socket.connect_ex(("127.0.0.1", port))
        except OSError:
            self.socket.close()
            raise

    def step(self, selector):
        """True: it is over."""
        try:
            if not self.has_asked:
                self.socket.send(self.ASKS % random.randrange(1000))
                self.has_asked = True
                selector.modify(self.socket, selectors.EVENT_READ, self)
                return False
            data = self.socket.recv(65536)
        except OSError:
            data, self.answer = b"", b""
        self.answer += data
        return not data

    def end(self):
        """Its latency in seconds; None: it failed."""
        self.socket.close()
        return time.monotonic() - self.due if b" 200 " in self.answer[:20] else None


def paced(port, dues, at_once=None):
    """Latencies in seconds; None for a request that failed. @dues: when one is due, in order; @at_once: no more under way."""
    out, dues, selector = [], iter(dues), selectors.SelectSelector() if at_once is None else selectors.DefaultSelector()
    due = next(dues, None)
    while selector.get_map() or due is not None:
        now, room = time.monotonic(), at_once is None or len(selector.get_map()) < at_once
        if due is not None and due <= now and room:
            try:
                client = Client(port, due if at_once is None else now)
                selector.register(client.socket, selectors.EVENT_WRITE, client)
            except OSError:
                out.append(None)
            due = next(dues, None)
            continue
        ready = selector.select(max(0, due - now) if due is not None and room else PATIENCE_S)
        for key, _ in ready:
            if key.data.step(selector):
                selector.unregister(key.fileobj)
                out.append(key.data.end())
        if not ready and (due is None or not room):
            raise RuntimeError("no answer to %d requests for %d s" % (len(selector.get_map()), PATIENCE_S))
    selector.close()
    return out


def at_rate(port, rate, seconds):
    """Its own pauses are no part of a latency: it goes before all others, and collects no garbage meanwhile."""
    begin, usual = time.monotonic() + 0.05, os.sched_getscheduler(0)
    try:
        gc.disable()
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(1))
        return paced(port, (begin + k / rate for k in range(int(rate * seconds))))
    finally:
        os.sched_setscheduler(0, usual, os.sched_param(0))
        gc.enable()


def flood(port, seconds, connections=4):
    """A closed loop by this program: it takes a core of its own, or what the tool leaves of it."""
    end = time.monotonic() + seconds
    return paced(port, iter(lambda: 0 if time.monotonic() < end else None, None), connections)


WRK = '''done = function(summary, latency)
  local e = summary.errors
  io.write(string.format("\\nRESULT %%d %%d %%d", summary.requests, e.connect + e.read + e.write + e.status + e.timeout, summary.duration))
  for k = 0.5, %d do io.write(string.format(" %%d", latency:percentile(100 * k / %d))) end
end
''' % (QUANTILES, QUANTILES)  # fmt: skip


def before_all_others():
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))


def by_wrk(port, seconds):
    """(requests per second, answered, quantiles of latency in seconds): a closed loop of four, each request with a connection of
    its own, as at a rate. It takes little of the machine, and goes before all others, too: the tool keeps the server alone waiting."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(WRK)
        script.flush()
        run = subprocess.run(["wrk", "-t1", "-c4", "-d%ds" % round(seconds), "-s", script.name, "-H", "Connection: close",
                              "http://127.0.0.1:%d/item/7" % port],
                             capture_output=True, text=True, check=True, preexec_fn=before_all_others)  # fmt: skip
    good, failed, us, *latencies = map(int, run.stdout[run.stdout.index("RESULT") :].split()[1:])
    check(good, failed)
    return good * 1e6 / us, good, [x / 1e6 for x in latencies]


def check(good, failed):
    if failed > 0.1 * good:
        raise RuntimeError("%d of %d requests failed" % (failed, good + failed))


def part(values, share):
    """@values: in order."""
    return values[min(len(values) - 1, int(share * len(values)))]


def load(port, rate, seconds):
    """The same three for each way. @rate: requests per second; None: as many as it can do."""
    if not rate and shutil.which("wrk"):
        return by_wrk(port, seconds)
    out = at_rate(port, rate, seconds) if rate else flood(port, seconds)
    good = sorted(x for x in out if x is not None)
    check(len(good), len(out) - len(good))
    return len(good) / seconds, len(good), [part(good, (k + 0.5) / QUANTILES) for k in range(QUANTILES)]
