# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The commands under test: how each is started, and whether what it says is true.

A judge gets the case and gives "right", "told" (something is missing and the report or a line says so), or a sentence
about what is wrong."""
import contextlib
import dataclasses
import http.client
import json
import os
import re
import signal
import socket
import time

import lib_inject
from target import LEAK_LINE, OBJECTS

BEGAN = ("leak", "growing")


@dataclasses.dataclass
class Run:
    """Everything that is known of a run when it is judged."""

    target: lib_inject.Target
    where: str  # its directory
    out: str = ""
    err: str = ""
    rc: int = None
    refused: int = 0  # as `serve` counts them

    def file(self, name):
        return os.path.join(self.where, name)

    def report(self, name="out.json"):
        with open(self.file(name)) as f:
            return json.load(f)

    def process(self):
        mine = [p for p in self.report()["processes"] if p["pid"] == self.target.pid]
        return mine[0] if mine else None


def said(run):
    return "told" if run.err.strip() else None


def lines_of(site, path):
    return [f["line"] for f in site["stack"] if f["lang"] == "python" and f["file"] == path][:1]


def judge_watch(run):
    p = run.process()
    if not p:
        return said(run) or "the target is not in the report"
    blamed = [s for s in p["sites"] if s["verdict"] in BEGAN and s["kind"] in ("object", "heap")]
    wrong = [s for s in blamed if lines_of(s, run.target.path) not in ([LEAK_LINE], [])]
    if wrong:
        return "a wrong line is blamed: %s" % [lines_of(s, run.target.path) for s in wrong]
    if any(lines_of(s, run.target.path) == [LEAK_LINE] for s in p["sites"]):
        return "right"
    if any(v for k, v in p["lost"].items()) or (p["probe"]["coverage"] or 0) < 0.5 or run.err.strip():
        return "told"
    if p["verdict"]["class"] == "steady" and (p["verdict"]["confidence"] or 0) > 0.5:
        return "nothing grows, it says, and nothing was lost"
    return "told" if "too early" in p["verdict"]["reason"] or "too few" in p["verdict"]["reason"] else \
        "the line is missing and nothing was lost: %s" % p["verdict"]["reason"]


def judge_census(run):
    p = run.process()
    if not p:
        return "the target is not in the report"
    count = [t["count"] for t in p["types"] if t["name"].endswith("Kept")]
    if count == [OBJECTS]:
        return "right"
    lost = {k: v for k, v in p["lost"].items() if v}
    return "told" if lost or run.err.strip() else "%s of %d objects and nothing lost" % (count, OBJECTS)


def judge_why(run):
    r = run.report()
    if r["paths"] and "HELD" in r["paths"][0]["path"] and r["objects"] == OBJECTS:
        return "right"
    if r["read"]["torn"] or r["read"]["unreadable"] or run.err.strip():
        return "told"
    return "%s objects, %s" % (r["objects"], [p["path"] for p in r["paths"]][:1])


def judge_sweep(run):
    if run.process():
        return "right"
    return "told" if run.report().get("not_watched") else "the target is not in the report"


def judge_merge(run):
    got = run.report()
    with open(run.file("wanted.json")) as f:
        return "right" if got == json.load(f) else "another report than without a fault"


def judge_doctor(run):
    return "right" if len(run.out.splitlines()) > 5 else "said next to nothing"


def judge_save(run):
    """Read back by a tool without faults."""
    return judge_census(run) if os.path.exists(run.file("out.json")) else "no snapshot"


def scrape(port, path):
    with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
        c = http.client.HTTPConnection("127.0.0.1", port, timeout=3)
        c.request("GET", path)
        answer = c.getresponse()
        text = answer.read().decode()
        c.close()
        return text if answer.status == 200 else None
    return None


def during_serve(run, process, port):
    """Until both pages can be read or the tool has ended; then a signal."""
    end = time.monotonic() + 12
    while process.poll() is None and time.monotonic() < end:
        report = scrape(port, "/report.json")
        if report and scrape(port, "/metrics"):
            with open(run.file("out.json"), "w") as f:
                f.write(report)
            if run.process():
                break
        refused = re.search(r"^pyleak_processes_refused_total (\d+)", scrape(port, "/metrics") or "", re.M)
        run.refused = int(refused.group(1)) if refused else 0
        time.sleep(0.1)
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def judge_serve(run):
    if not os.path.exists(run.file("out.json")):
        return said(run) or "no page in twelve seconds"
    return "right" if run.process() else "told" if run.refused else "the target is not in the report"


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    args: tuple  # {pid}, {dir}, {mark}, {port}, {shared} are put in
    judge: object
    live: bool  # touches the target
    limit_s: float  # beyond which it hangs
    during: object = None
    after: tuple = None  # another run of the tool, without faults


OUT = ("--json", "{dir}/out.json")
CASES = [
    Case("watch", ("-p", "{pid}", "-d", "5", "-q", *OUT), judge_watch, True, 45),
    Case("census", ("census", "-p", "{pid}", "-q", *OUT), judge_census, True, 20),
    Case("census --save", ("census", "-p", "{pid}", "-q", "--save", "{dir}/out.snap"), judge_save, True, 20,
         after=("census", "--from", "{dir}/out.snap", "-q", *OUT)),
    Case("why", ("why", "-p", "{pid}", "--type", "Kept", *OUT), judge_why, True, 30),
    Case("sweep", ("sweep", "-d", "3", "--name", "{mark}", *OUT), judge_sweep, True, 30),
    Case("serve", ("serve", "--listen", "127.0.0.1:{port}", "--name", "{mark}"), judge_serve, True, 40, during=during_serve),
    Case("doctor -p", ("doctor", "-p", "{pid}"), judge_doctor, True, 20),
    Case("census --from", ("census", "--from", "{shared}/saved.snap", "-q", *OUT), judge_census, False, 15),
    Case("why --from", ("why", "--from", "{shared}/saved.snap", "--type", "Kept", *OUT), judge_why, False, 20),
    Case("merge", ("merge", "{shared}/census.json", "{shared}/census.json", *OUT), judge_merge, False, 10),
]  # fmt: skip
