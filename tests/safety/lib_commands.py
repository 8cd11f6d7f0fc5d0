# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Every command of the tool that looks at a process, and one run of it with what it costs itself."""
import dataclasses
import math
import os
import signal
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
TOOL = os.path.join(TOP, os.environ.get("PYLEAK_BUILD", "build"), "pyleak-bpf")
END_S = 90  # for the end of a run after the time that it was given
MORE_S = 1  # that a run goes on for when it has said what it is to say


@dataclasses.dataclass
class Command:
    """{pid} is the target, {name} matches its command line alone, {dir} is a directory of the run's own."""

    words: str
    seconds: float = 0  # 0: it ends by itself at once
    stop: bool = False  # it runs for ever and gets SIGTERM after that time
    probes: bool = False  # it puts breakpoints in, and takes them out
    children: bool = False  # also in the children
    statuses: tuple = (0,)
    until: tuple = ()  # once it has said all of these nothing new is to come: it gets SIGINT a second later

    def argv(self, pid, name, directory):
        return [TOOL] + [w.format(pid=pid, name=name, dir=directory) for w in self.words.split()]


# 14 s: long enough for a line to be suspected and what holds its objects to be looked for.
COMMANDS = {
    "watch": Command("-p {pid} -d 14 -q --json {dir}/report.json", 14, probes=True),
    "watch --children": Command("-p {pid} --children -d 14 -q", 14, probes=True, children=True),
    "sweep": Command("sweep -d 18 -q --name {name}", 18, probes=True),
    "serve": Command("serve -q --listen unix:{dir}/socket --name {name}", 20, stop=True, probes=True),
    "census": Command("census -p {pid} -q"),
    "census --diff": Command("census -p {pid} -q --diff 4", 4),
    "census --type": Command("census -p {pid} -q --type Thing --no-redact"),
    "census --json": Command("census -p {pid} -q -v --redact --json {dir}/census.json"),
    "census --save": Command("census -p {pid} -q --save {dir}/snapshot"),
    "why --type": Command("why -p {pid} -q --type Thing --dot {dir}/why.dot --json {dir}/why.json"),
    "doctor -p": Command("doctor -p {pid}"),
}


@dataclasses.dataclass
class Run:
    status: int
    seconds: float
    peak_rss: int  # bytes
    output: str


def has_said(out, words):
    said = os.pread(out.fileno(), os.fstat(out.fileno()).st_size, 0)
    return all(w.encode() in said for w in words)


def run(command, target_pid, name):
    """To its end, which is forced END_S after it was due (status -9)."""
    with tempfile.TemporaryDirectory(prefix="pyleak-run-") as directory, tempfile.TemporaryFile() as out:
        begin = time.monotonic()
        process = subprocess.Popen(command.argv(target_pid, name, directory), stdin=subprocess.DEVNULL,
                                   stdout=out, stderr=out)  # fmt: skip
        due = begin + command.seconds
        number, stop_at = (signal.SIGTERM, due) if command.stop else (signal.SIGINT, math.inf)
        until = command.until
        while True:
            # wait4 tells what this one process took at its peak.
            pid, status, cost = os.wait4(process.pid, os.WNOHANG)
            now = time.monotonic()
            if pid:
                break
            if until and has_said(out, until):
                until, stop_at = (), now + MORE_S
            if now > stop_at:
                process.send_signal(number)
                due, stop_at = now, math.inf
            elif now > due + END_S:
                process.kill()
            time.sleep(0.02)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        text = out.read().decode(errors="replace")
        return Run(process.returncode, now - begin, cost.ru_maxrss << 10, text)
