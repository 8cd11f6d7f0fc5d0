#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Requests at a rate that is held, watched and not attached at all in turn: how much later they are answered, and what each
costs the service, as a Markdown table.

The load is open-loop: a request is due at its time, whether or not the one before has been answered, and its latency counts
from when it was due. At 100 % it is a closed loop of four connections, by wrk where that is installed. `settle` seconds after the start of the tool are left out, and are a row of their own (start).

    service.py [--tool build/pyleak-bpf] [--only flask-sync] [--load 0.3,0.7,1] [--pairs 10] [--seconds 20]
"""
import argparse
import gc
import importlib.util
import json
import os
import random
import selectors
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "tests", "e2e"))

import harness  # noqa: E402

sys.path.insert(0, HERE)

from usage import below, cpu_ns  # noqa: E402

PYTHON = "/usr/bin/python3"
APPS = os.path.join(HERE, "service")
PATIENCE_S = 30  # nothing is answered for so long
# Name: what must be there, and the command; {port} is free.
SERVERS = {
    "flask-sync": (["flask", "gunicorn"], ["-m", "gunicorn", "-w", "1", "-b", "127.0.0.1:{port}", "wsgi_flask:app"]),
    "flask-gthread": (["flask", "gunicorn"],
                      ["-m", "gunicorn", "-w", "1", "-k", "gthread", "--threads", "4", "-b", "127.0.0.1:{port}", "wsgi_flask:app"]),
    "starlette-uvicorn": (["starlette", "uvicorn"], ["-m", "uvicorn", "--port", "{port}", "--log-level", "error", "asgi_starlette:app"]),
    "django-sync": (["django", "gunicorn"], ["-m", "gunicorn", "-w", "1", "-b", "127.0.0.1:{port}", "wsgi_django:app"]),
}  # fmt: skip


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


def load(port, rate, seconds):
    """Its own pauses are no part of a latency: it goes before all others, and collects no garbage meanwhile."""
    begin, usual = time.monotonic() + 0.05, os.sched_getscheduler(0)
    try:
        gc.disable()
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(1))
        return paced(port, (begin + k / rate for k in range(int(rate * seconds))))
    finally:
        os.sched_setscheduler(0, usual, os.sched_param(0))
        gc.enable()


WRK = '''done = function(summary, latency)
  local p = function(share) return latency:percentile(share) / 1e6 end
  local e = summary.errors
  io.write(string.format("\\nRESULT %d %d %f %f %f\\n", summary.requests, e.connect + e.read + e.write + e.status + e.timeout, p(50), p(99), p(99.9)))
end
'''


def by_wrk(port, seconds):
    """(answered, failed, p50, p99, p99.9 in seconds): a closed loop of four connections, which takes little of the machine itself."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(WRK)
        script.flush()
        run = subprocess.run(["wrk", "-t1", "-c4", "-d%ds" % seconds, "-s", script.name, "http://127.0.0.1:%d/item/7" % port],
                             capture_output=True, text=True, check=True)  # fmt: skip
    words = run.stdout[run.stdout.index("RESULT") :].split()
    return int(words[1]), int(words[2]), *(float(w) for w in words[3:6])


def flood(port, seconds, connections=4):
    """The same without wrk, by this program: it takes a core of its own, or what the tool leaves of it."""
    end = time.monotonic() + seconds
    return paced(port, iter(lambda: 0 if time.monotonic() < end else None, None), connections)


class Server:
    def __init__(self, name, is_innocent):
        self.port = harness.free_port()
        command = [PYTHON, "-B", *(a.format(port=self.port) for a in SERVERS[name][1])]
        env = dict(os.environ, INNOCENT="1") if is_innocent else None
        self.process = subprocess.Popen(command, cwd=APPS, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        harness.wait_until(self.answers, 30, 0.1)
        time.sleep(1)
        workers = below(self.process.pid)
        self.pids = [self.process.pid, *workers]
        self.worker = workers[-1] if workers else self.process.pid

    def answers(self):
        assert self.process.poll() is None, "the server has ended"
        socket.create_connection(("127.0.0.1", self.port), 1).close()
        return True

    def close(self):
        self.process.terminate()
        self.process.wait(20)


class Tool:
    def __init__(self, path, pid, options, report):
        self.report = report
        self.process = subprocess.Popen([path, "-p", str(pid), "-q", "--json", report, *options], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip

    def cpu_ns(self):
        return cpu_ns([self.process.pid, *below(self.process.pid)])

    def close(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)
        with open(self.report) as f:
            return json.load(f)["processes"][0]


def part(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(share * len(values)))]


def measured(server, rate, seconds):
    """@rate: requests per second; None: as many as it can do."""
    begin, started = cpu_ns(server.pids), time.monotonic()
    if not rate and shutil.which("wrk"):
        good, failed, p50, p99, p999 = by_wrk(server.port, seconds)
        if failed > 0.1 * good:
            raise RuntimeError("%d of %d requests failed" % (failed, good))
        return {"per_s": good / (time.monotonic() - started), "cpu_us": (cpu_ns(server.pids) - begin) / good / 1e3,
                "p50": p50 * 1e3, "p99": p99 * 1e3, "p99.9": p999 * 1e3}  # fmt: skip
    out = load(server.port, rate, seconds) if rate else flood(server.port, seconds)
    good = [x for x in out if x is not None]
    if len(good) < 0.9 * len(out):
        raise RuntimeError("%d of %d requests failed" % (len(out) - len(good), len(out)))
    return {"per_s": len(good) / seconds, "cpu_us": (cpu_ns(server.pids) - begin) / len(good) / 1e3,
            "p50": part(good, 0.5) * 1e3, "p99": part(good, 0.99) * 1e3, "p99.9": part(good, 0.999) * 1e3}  # fmt: skip


def pair(server, rate, args, report):
    """(not attached, the seconds from the start of the tool, after that), and what the tool used and said."""
    off = measured(server, rate, args.seconds)
    tool = Tool(args.tool, server.worker, args.option, report)
    start = measured(server, rate, args.settle)
    used, begin = tool.cpu_ns(), time.monotonic()
    on = measured(server, rate, args.seconds)
    core = (tool.cpu_ns() - used) / 1e9 / (time.monotonic() - begin)
    return off, start, on, core, tool.close()


def ratio(rows, key, which):
    return statistics.median(r[which][key] / r[0][key] for r in rows)


def show(name, part_of, rate, rows):
    stated = statistics.median(r[4]["probe"]["slowdown_pct"] for r in rows)
    for which, what in ((1, "start"), (2, "watched")):
        print("| %s | %d %%, %.0f/s | %s | %.3f | %.0f | %.3f | %.2f | %.2f | %.2f | %s | %s |"
              % (name, 100 * part_of, rate, what, ratio(rows, "per_s", which), statistics.median(r[0]["cpu_us"] for r in rows), ratio(rows, "cpu_us", which),
                 ratio(rows, "p50", which), ratio(rows, "p99", which), ratio(rows, "p99.9", which),
                 "%.2f" % (100 * statistics.median(r[3] for r in rows)) if which == 2 else "",
                 "%.2f" % stated if which == 2 else ""), flush=True)  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tool", default="build/pyleak-bpf")
    parser.add_argument("--only", action="append", choices=sorted(SERVERS))
    parser.add_argument("--load", default="0.3,0.7,1", help="parts of what the server can do")
    parser.add_argument("--rate", type=float, help="requests per second, instead of parts")
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--settle", type=float, default=22, help="seconds from the start of the tool that are told apart")
    parser.add_argument("--innocent", action="store_true", help="servers that leak nothing: windows are rarer while nothing grows")
    parser.add_argument("--option", action="append", default=[], help="further words for the tool, as --option=--overhead=1")
    args = parser.parse_args()
    print("| server | load | | requests/s | CPU per request, us | ratio | p50 | p99 | p99.9 | tool, % of a core | stated, % of its CPU |")
    print("|---|---|---|---|---|---|---|---|---|---|---|", flush=True)
    for name in args.only or SERVERS:
        missing = [m for m in SERVERS[name][0] if not importlib.util.find_spec(m)]
        if missing:
            print("%s: no %s" % (name, ", ".join(missing)), file=sys.stderr)
            continue
        server = Server(name, args.innocent)
        try:
            most = measured(server, None, 5)["per_s"]
            for part_of in [args.rate / most] if args.rate else [float(p) for p in args.load.split(",")]:
                with tempfile.TemporaryDirectory() as where:
                    report = os.path.join(where, "report.json")
                    rate = part_of * most if part_of < 1 else None
                    rows = [pair(server, rate, args, report) for _ in range(args.pairs)]
                show(name, part_of, part_of * most, rows)
        finally:
            server.close()


if __name__ == "__main__":
    main()
