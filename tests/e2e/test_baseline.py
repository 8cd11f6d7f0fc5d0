# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A baseline over several runs of one service, and files that are none."""
import contextlib
import json
import os
import subprocess

import pytest

import harness
import pythons

SERVICE = """
import sys, time
keep = [b"x" * (1 << 20) for _ in range(int(sys.argv[1]))]
files = [open("/dev/null") for _ in range(int(sys.argv[2]))]
print("ready", flush=True)
time.sleep(600)
"""


@contextlib.contextmanager
def service(tmp_path, mib, files):
    script = tmp_path / "shop.py"
    script.write_text(SERVICE)
    p = subprocess.Popen([pythons.HOST, "-B", str(script), str(mib), str(files)], stdout=subprocess.PIPE)
    try:
        assert p.stdout.readline() == b"ready\n"
        yield p.pid
    finally:
        p.kill()
        p.wait()
        p.stdout.close()


def run(tmp_path, mib, files, *args, seconds=6):
    """One run of the service, watched: (result, the report's baseline)."""
    out = tmp_path / "report.json"
    with service(tmp_path, mib, files) as pid:
        r = subprocess.run([harness.TOOL, "-p", str(pid), "-q", "-d", str(seconds), "--no-color", "--json", str(out),
                            "--baseline", str(tmp_path / "base.json"), *args],
                           capture_output=True, text=True, timeout=90, stdin=subprocess.DEVNULL)  # fmt: skip
    assert r.returncode == 0, r.stderr
    report = json.loads(out.read_text())
    assert not harness.validate(report)
    return r, report["processes"][0]["baseline"]


def test_a_run_that_departs(tmp_path):
    log = tmp_path / "log.jsonl"
    for n in range(3):
        r, base = run(tmp_path, 20, 2)
        assert (base["service"], base["runs"], base["departures"]) == ("shop.py", n, [])
        assert "baseline of shop.py: still learning, %d run%s so far" % (n, "s"[n == 1 :]) in r.stdout
    r, base = run(tmp_path, 120, 60, "--alert-log", str(log))
    assert base["runs"] == 3
    assert [d["name"] for d in base["departures"]] == ["rss_bytes", "fds"]
    assert base["departures"][0]["value"] > 120 << 20 > base["departures"][0]["limit"]
    assert 15 << 20 < base["departures"][0]["typical"] < 60 << 20
    assert "unlike its 3 earlier runs (shop.py): rss " in r.stdout
    events = [json.loads(x) for x in log.read_text().splitlines()]
    assert [(e["rule"], e["name"]) for e in events] == [("baseline", "rss_bytes"), ("baseline", "fds")]
    # It was not learned: the next one of its kind departs just the same, an ordinary one does not.
    r, base = run(tmp_path, 20, 2)
    assert (base["runs"], base["departures"]) == (3, [])
    assert "unlike" not in r.stdout and "learning" not in r.stdout
    saved = json.loads((tmp_path / "base.json").read_text())
    assert saved["schema"] == "pyleak-bpf/baseline/1" and len(saved["services"][0]["runs"]) == 4
    assert sorted(p.name for p in tmp_path.glob("base.json*")) == ["base.json"]


@pytest.mark.parametrize("text,says", [
    ('{"schema": "pyleak-bpf/baseline/9", "services": []}', "pyleak-bpf/baseline/9"),
    ('{"schema": "pyleak-bpf/baseline/1", "services": [{"serv', "cut short"),
    ("", "cut short"),
    ("\0\1\2", "cut short or no JSON"),
])  # fmt: skip
def test_a_file_that_is_no_baseline_is_kept(tmp_path, text, says):
    path = tmp_path / "base.json"
    path.write_text(text)
    with service(tmp_path, 1, 1) as pid:
        r = subprocess.run([harness.TOOL, "-p", str(pid), "-q", "-d", "3", "--baseline", str(path)],
                           capture_output=True, text=True, timeout=60)  # fmt: skip
    assert (r.returncode, r.stdout) == (1, "")
    assert says in r.stderr and str(path) in r.stderr and r.stderr.count("\n") == 1
    assert path.read_text() == text


def test_a_place_that_cannot_be_written_is_refused_before_anything_happens(tmp_path):
    r = subprocess.run([harness.TOOL, "-p", str(os.getpid()), "-q", "-d", "3", "--baseline",
                        str(tmp_path / "no" / "base.json")], capture_output=True, text=True, timeout=60)  # fmt: skip
    assert (r.returncode, r.stdout) == (1, "")
    assert "cannot write" in r.stderr and r.stderr.count("\n") == 1
