#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Requests at a rate that is held, watched and not attached at all in turn: how much later they are answered, what each costs
the service, and after how long the planted leak is named, as a Markdown table.

The load is open-loop: a request is due at its time, whether or not the one before has been answered, and its latency counts
from when it was due. At 100 % it is a closed loop of four connections, by wrk where that is installed.

A pair is half a span without the tool, one from its start on (`--settle`, the row "start"), one after that ("watched"), and the
other half without it: what a watch is compared with lies on both sides of it. Then the server forgets what it leaked. Each ratio
has its interval of 95 %; p99 and p99.9 are those of all requests of all pairs. `--null` has an idle process in the tool's place:
what differs there is the error of the bench itself.

    service.py [--tool build/pyleak-bpf] [--only flask-sync] [--load 0.3,0.7,1] [--pairs 10] [--seconds 12] [--null]
"""
import argparse
import importlib.util
import json
import math
import os
import random
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "tests", "e2e"))

import harness  # noqa: E402

sys.path.insert(0, HERE)

from lib_load import load, part  # noqa: E402
from lib_pairs import between, interval  # noqa: E402
from usage import below, cpu_ns  # noqa: E402

PYTHON = "/usr/bin/python3"
APPS = os.path.join(HERE, "service")
FORGET = 1000  # as in service/leak.py
NAMED_BY_S = 60  # a watch that has not named the leak goes on for so long
LEAST = 3  # pairs, for an interval
# All it can do, before a pair: its collector stops it for 20 ms every 14,000 requests, and would in the same span of each pair.
PHASE_S = (1, 5)
REPORTS_S = 2  # as on a screen
GUNICORN = [PYTHON, "-B", "-m", "gunicorn", "-w", "1", "-b", "127.0.0.1:{port}"]
# Name: what must be there, and the command; {port} is free.
SERVERS = {
    "flask-sync": (["flask", "gunicorn"], [*GUNICORN, "wsgi_flask:app"]),
    "flask-gthread": (["flask", "gunicorn"], [*GUNICORN, "-k", "gthread", "--threads", "4", "wsgi_flask:app"]),
    "starlette-uvicorn": (["starlette", "uvicorn"],
                          [PYTHON, "-B", "-m", "uvicorn", "--port", "{port}", "--log-level", "error", "asgi_starlette:app"]),
    "django-uwsgi": (["django", "uwsgi_python3"],
                     ["uwsgi_python3", "--http-socket", "127.0.0.1:{port}", "--need-app", "--disable-logging", "--die-on-term",
                      "--listen", "1000", "--add-header", "Connection: close", "--module", "wsgi_django:app"]),
}  # fmt: skip


class Server:
    def __init__(self, name, is_innocent):
        self.port = harness.free_port()
        command = [a.format(port=self.port) for a in SERVERS[name][1]]
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

    def span(self, rate, seconds):
        """@rate: requests per second; None: as many as it can do."""
        begin, used = time.monotonic(), cpu_ns(self.pids)
        per_s, answered, latencies = load(self.port, rate, seconds)
        used = cpu_ns(self.pids) - used
        return {"at": (begin + time.monotonic()) / 2, "per_s": per_s, "answered": answered, "cpu_us": used / answered / 1e3,
                "p50": part(latencies, 0.5), "latencies": latencies}  # fmt: skip

    def forget(self):
        urllib.request.urlopen("http://127.0.0.1:%d/item/%d" % (self.port, FORGET), timeout=30).read()

    def close(self):
        self.process.terminate()
        self.process.wait(20)


class Tool:
    """A watch, or an idle process in its place."""

    def __init__(self, args, pid, where):
        self.report, self.text, self.is_null = os.path.join(where, "report.json"), os.path.join(where, "text"), args.null
        command = [args.tool, "-p", str(pid), "-i", str(REPORTS_S), "--json", self.report, *args.option]
        self.started = time.time()
        with open(self.text, "w") as text:
            self.process = subprocess.Popen(["sleep", "infinity"] if args.null else command, stdin=subprocess.DEVNULL, stdout=text,
                                            stderr=subprocess.DEVNULL)  # fmt: skip

    def cpu_ns(self):
        return cpu_ns([self.process.pid, *below(self.process.pid)])

    def named(self):
        """Seconds of the watch in the first report whose first site is the planted leak."""
        with open(os.path.join(APPS, "leak.py")) as f:
            line = next(n for n, text in enumerate(f, 1) if "SEEN.append" in text)
        after = math.inf
        with open(self.text) as f:
            for text in f:
                if found := re.search(r"watched for ([\d.]+) s since", text):
                    after = float(found[1])
                elif re.match(r"#1 .*\bleak\.py:%d " % line, text):
                    return after
        return math.inf

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(60)

    def stated(self):
        """(the share of its CPU time that it cost, as it says, in per cent; seconds from its start to the leak), once it has ended"""
        if self.is_null:
            return math.nan, math.nan
        with open(self.report) as f:
            report = json.load(f)
        return report["processes"][0]["probe"]["slowdown_pct"], harness.wall(report["started_at"]) - self.started + self.named()


def pair(server, rate, args, where):
    """The spans by name, and what the tool used and said."""
    before = server.span(rate, args.seconds / 2)
    with Tool(args, server.worker, where) as tool:
        start = server.span(rate, args.settle)
        used, begin = tool.cpu_ns(), time.monotonic()
        on = server.span(rate, args.seconds)
        core = (tool.cpu_ns() - used) / 1e9 / (time.monotonic() - begin)
        while not (args.null or args.innocent or tool.named() < NAMED_BY_S or time.time() > tool.started + NAMED_BY_S):
            server.span(rate, REPORTS_S)
    stated, named = tool.stated()
    after = server.span(rate, args.seconds / 2)
    return {"before": before, "start": start, "on": on, "after": after, "core": core, "stated": stated, "named": named}


def pairs(server, name, rate, args):
    """One that fails, as when too many requests were under way, is told of and left out."""
    rows = []
    with tempfile.TemporaryDirectory() as where:
        for _ in range(args.pairs):
            server.forget()
            try:
                server.span(None, random.randint(*PHASE_S))
                rows.append(pair(server, rate, args, where))
            except RuntimeError as e:
                print("%s: a pair is left out: %s" % (name, e), file=sys.stderr)
                time.sleep(1)
    return rows


def mean_ratio(key, which):
    """The logarithm of the mean ratio of that span to what it would have been without the tool."""

    def statistic(rows):
        return statistics.mean(math.log(r[which][key] / between(r["before"], r["after"], r[which]["at"], key)) for r in rows)

    return statistic


def pooled_ratio(share, which):
    """The same of a percentile of all requests."""

    def percentile(rows, spans):
        return part(sorted(x for r in rows for s in spans for x in r[s]["latencies"]), share)

    return lambda rows: math.log(percentile(rows, [which]) / percentile(rows, ["before", "after"]))


def whole_watch(rows):
    """CPU time of a request in both spans of a watch: what the tool states is of both, too."""
    logs = []
    for r in rows:
        spans = [r["start"], r["on"]]
        watched = sum(s["cpu_us"] * s["answered"] for s in spans)
        logs.append(math.log(watched / sum(between(r["before"], r["after"], s["at"], "cpu_us") * s["answered"] for s in spans)))
    return statistics.mean(logs)


def shown(rows, statistic):
    log, half = interval(rows, statistic)
    return "%.3f ± %.3f" % (math.exp(log), math.exp(log) * math.expm1(half))


def costs(rows):
    """Per cent of its CPU time, stated and measured: the latter as a part of what it used while it was watched."""
    log, half = interval(rows, whole_watch)
    return "%.2f / %.2f ± %.2f" % (statistics.median(r["stated"] for r in rows), -100 * math.expm1(-log), 100 * half)


def show(name, at, rows):
    named, cpu = [r["named"] for r in rows], statistics.median(r["before"]["cpu_us"] for r in rows)
    for which in "start", "on":
        cells = [name, at, "watched" if which == "on" else which]
        cells += [shown(rows, mean_ratio("per_s", which)), "%.0f" % cpu, shown(rows, mean_ratio("cpu_us", which))]
        cells += [shown(rows, mean_ratio("p50", which)), *(shown(rows, pooled_ratio(share, which)) for share in (0.99, 0.999))]
        if which == "on":
            cells += ["%.2f" % (100 * statistics.median(r["core"] for r in rows)), costs(rows),
                      "%.0f / %.0f" % (statistics.median(named), max(named))]  # fmt: skip
        print(("| %s |" % " | ".join(cells + [""] * (12 - len(cells)))).replace("nan", "-"), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tool", default="build/pyleak-bpf")
    parser.add_argument("--only", action="append", choices=sorted(SERVERS))
    parser.add_argument("--load", default="0.3,0.7,1", help="parts of what the server can do")
    parser.add_argument("--rate", type=float, help="requests per second, instead of parts")
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=12)
    parser.add_argument("--settle", type=float, default=12, help="seconds from the start of the tool that are told apart")
    parser.add_argument("--null", action="store_true", help="an idle process in the tool's place")
    parser.add_argument("--innocent", action="store_true", help="servers that leak nothing: windows are rarer while nothing grows")
    parser.add_argument("--option", action="append", default=[], help="further words for the tool, as --option=--overhead=1")
    args = parser.parse_args()
    if args.pairs < LEAST:
        parser.error("--pairs: at least %d, for an interval" % LEAST)
    print("| server | load | | requests/s | CPU per request, us | ratio | p50 | p99 | p99.9 | tool, % of a core "
          "| stated / measured, % of its CPU | named after, median / worst, s |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|---|---|---|", flush=True)
    for name in args.only or SERVERS:
        missing = [m for m in SERVERS[name][0] if not (importlib.util.find_spec(m) or shutil.which(m))]
        if missing:
            print("%s: no %s" % (name, ", ".join(missing)), file=sys.stderr)
            continue
        server = Server(name, args.innocent)
        try:
            most = server.span(None, 5)["per_s"]
            for part_of in [args.rate / most] if args.rate else [float(p) for p in args.load.split(",")]:
                rate = part_of * most if part_of < 1 else None
                rows = pairs(server, name, rate, args)
                at = "%d %%, %.0f/s" % (100 * part_of, part_of * most)
                if len(rows) < args.pairs:
                    at += ", %d pairs failed" % (args.pairs - len(rows))
                if len(rows) >= LEAST:
                    show(name, at, rows)
                else:
                    print("| %s | %s |" % (name, at), flush=True)
        finally:
            server.close()


if __name__ == "__main__":
    main()
