# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Alert rules on a real process: events, the hook, exit codes."""
import concurrent.futures
import json
import os
import re
import signal
import subprocess
import time

import pytest

import harness
import pythons

# Grows by 1 MiB every 50 ms to some 40 MiB, opens files and starts threads on the way, and then rests
# until a signal makes it close the files.
GROWER = """
import signal, threading, time
signal.signal(signal.SIGUSR1, lambda *_: files.clear())
keep, files = [], []
quiet = threading.Event()
print("ready", flush=True)
for n in range(40):
    keep.append(b"x" * (1 << 20))
    files.append(open("/dev/null"))
    time.sleep(0.05)
for _ in range(3):
    threading.Thread(target=quiet.wait, daemon=True).start()
while True:
    time.sleep(10)
"""


@pytest.fixture
def grower():
    started = []

    def start():
        p = subprocess.Popen([pythons.HOST, "-c", GROWER], stdout=subprocess.PIPE)
        started.append(p)
        assert p.stdout.readline() == b"ready\n"
        return p

    yield start
    for p in started:
        p.kill()
        p.wait()
        p.stdout.close()


def watch(pid, *args, seconds=8, **popen):
    return subprocess.run(
        [harness.TOOL, "-p", str(pid), "-d", str(seconds), "-q", "--no-color", *args],
        capture_output=True, text=True, timeout=seconds + 60, stdin=subprocess.DEVNULL, **popen)  # fmt: skip


def events(text):
    return [json.loads(line) for line in text.splitlines()]


def test_rules_fire_once_with_their_values(grower, tmp_path):
    """Into a log, and the hook gets its words; one that never ends blocks nobody."""
    log, out, slow = (tmp_path / name for name in ("alerts.jsonl", "hook", "slow"))
    log.write_text('{"older": "line"}\n')
    hook = ('[ "$PYLEAK_NAME" = rss ] || exit 0; '
            'printf "%%s|" "$PYLEAK_RULE" "$PYLEAK_STATE" "$PYLEAK_NAME" "$PYLEAK_PID" "$PYLEAK_COMM" >%s; '
            "echo $$ >%s; exec sleep 1000 >/dev/null 2>&1" % (out, slow))  # fmt: skip
    p = grower()
    start = time.monotonic()
    r = watch(p.pid, "--alert", "rss>20M", "--alert", "fds > 25", "--alert", "threads>=4 for 1s",
              "--alert", "rss>100G", "--alert", "growth>1G/s", "--alert-log", str(log), "--alert-hook", hook)  # fmt: skip
    took = time.monotonic() - start
    try:
        assert r.returncode == 0, r.stderr
        assert out.read_text() == "rss>20M|firing|rss|%d|python3.11|" % p.pid
        # a hook that never ends held nobody up: not its thousand seconds, at least
        assert took < 60
        assert os.path.exists("/proc/%d" % int(slow.read_text()))
        assert "goes on without the tool: process %d" % int(slow.read_text()) in r.stderr
    finally:
        os.kill(int(slow.read_text()), 9)
    rows = events(log.read_text())
    assert rows.pop(0) == {"older": "line"}
    by_name = {e["name"]: e for e in rows}
    assert sorted(e["name"] for e in rows) == ["fds", "rss", "threads"], rows
    assert by_name["rss"]["rule"] == "rss>20M" and by_name["rss"]["limit"] == 20 << 20
    assert by_name["rss"]["value"] > 20 << 20
    assert 25 < by_name["fds"]["value"] < 60
    assert by_name["threads"]["value"] == 4 and by_name["threads"]["for_s"] == 1
    for e in rows:
        assert (e["event"], e["state"], e["pid"]) == ("alert", "firing", p.pid)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", e["time"])
        assert abs(harness.wall(e["time"]) - time.time()) < 120
    # the report itself is where it always is
    assert "final report" in r.stdout


def test_events_on_standard_output_are_alone_there(grower):
    target = grower()
    tool = subprocess.Popen([harness.TOOL, "-p", str(target.pid), "--alert", "fds>25", "--alert-log", "-"],
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)  # fmt: skip
    try:
        first = json.loads(tool.stdout.readline())
        target.send_signal(signal.SIGUSR1)
        second = json.loads(tool.stdout.readline())
        tool.send_signal(signal.SIGINT)
        rest = tool.stdout.read()
        assert tool.wait(60) == 0
    finally:
        tool.kill()
        tool.wait()
        tool.stdout.close()
    assert (first["state"], second["state"], rest) == ("firing", "resolved", "")


def test_a_rule_ends_with_its_process(grower):
    target = grower()
    tool = subprocess.Popen([harness.TOOL, "-p", str(target.pid), "--alert", "rss>20M", "--alert-log", "-"],
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)  # fmt: skip
    try:
        assert json.loads(tool.stdout.readline())["state"] == "firing"
        target.kill()
        end = json.loads(tool.stdout.readline())
        assert (tool.stdout.read(), tool.wait(60)) == ("", 0)
    finally:
        tool.kill()
        tool.wait()
        tool.stdout.close()
    assert (end["state"], end["rule"], end["value"], end["pid"]) == ("resolved", "rss>20M", None, target.pid)
    assert "process %d has ended" % target.pid in end["text"]


def test_a_hook_that_fails_is_told_and_harms_nothing(grower):
    """Also where whoever started the tool ignores the ends of children; its output stays off standard output."""
    hook = "echo HELLO; case $PYLEAK_NAME in rss) exit 3;; fds) kill -9 $$;; *) no-such-command-xyz;; esac"
    told = {"rss>1M": "ended with status 3", "fds>25": "was killed by signal 9", "threads>=4": "ended with status 127"}
    rules = [word for rule in told for word in ("--alert", rule)]
    r = watch(grower().pid, *rules, "--alert-hook", hook, "--json", "-", seconds=5,
              preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))  # fmt: skip
    assert r.returncode == 0, r.stderr
    for rule, says in told.items():
        assert "the hook for '%s' %s\n" % (rule, says) in r.stderr, r.stderr
    json.loads(r.stdout)
    assert "HELLO" in r.stderr


def test_unwritable_log_is_refused_at_once(grower, tmp_path):
    r = watch(grower().pid, "--alert", "rss>1M", "--alert-log", str(tmp_path / "no" / "x"), seconds=3)
    assert (r.returncode, r.stdout) == (1, "")
    assert "cannot write" in r.stderr and r.stderr.count("\n") == 1


def test_alert_without_log_or_hook_is_said_even_when_quiet(grower):
    r = watch(grower().pid, "--alert", "rss>1M", seconds=2)
    assert r.returncode == 0
    assert re.search(r"alert firing 'rss>1M': pid \d+: rss is .* above 1\.0 MiB", r.stderr), r.stderr


def fail_on_leak(program):
    """The exit code, and the last report."""
    with harness.Target(pythons.host(), program, ["--pause", "0.05"]) as target:
        target.wait_ready()
        tool = subprocess.run([harness.TOOL, "-p", str(target.pid), "-q", "-d", "20", "--fail-on", "leak"],
                              stdout=subprocess.PIPE, text=True, timeout=80)  # fmt: skip
        return tool.returncode, tool.stdout[tool.stdout.rfind("final report"):]


def test_fail_on_leak():
    """3 for what is called a leak, 0 for all else. What is called a leak is told by recordings (tests/judge)."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        leak, twin = pool.map(fail_on_leak, ("bytes4k", "twin_churn"))
    assert leak[0] == (3 if re.search(r"(?m)^  LEAK ", leak[1]) else 0), leak[1]
    assert re.search(r"(?m)^  (LEAK|GROWING) ", leak[1]), leak[1]
    assert twin[0] == 0, twin[1]