# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A watch as it was seen, in a file: --record, and the same report once more with --from."""
import concurrent.futures
import contextlib
import json
import os
import re
import shutil
import stat
import subprocess
import tempfile
import time

import pytest

import harness
import pythons

LEAK = """
import time
keep, logs = [], []
print("ready", flush=True)
while True:
    for _ in range(5):
        keep.append({"n": len(keep) + 0.5})
    logs.append(open("/dev/null"))
    time.sleep(0.05)
"""
LEAKING_LINE = 7


@contextlib.contextmanager
def leaking(name="pyleak-recording-test"):
    child = subprocess.Popen([pythons.HOST, "-c", LEAK, name], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    try:
        assert child.stdout.readline() == b"ready\n"
        yield child.pid
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


def tool(*args, status=0, timeout=150, user=None):
    run = subprocess.run([harness.TOOL, *map(str, args)], capture_output=True, text=True, timeout=timeout, check=False, user=user)
    assert run.returncode == status, (run.returncode, run.stderr)
    return run


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """(recording, its report as JSON, as text) of a run of 28 s with reports in between. Beside it lies one of somebody else who
    watched the same process at once, without any; beside other tests the search for who holds the objects may still go on when
    the time is up: both wait for it, as without it there is no verdict."""
    where = tmp_path_factory.mktemp("recording")
    with leaking() as pid:
        watch = ["-p", pid, "-d", 28, "--wait", 20]
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            once = pool.submit(tool, *watch, "-q", "--record", where / "once.rec")
            run = tool(*watch, "-i", 1, "--record", where / "a.rec", "--json", where / "live.json")
            once.result()
    return where / "a.rec", json.loads((where / "live.json").read_text()), run.stdout


def without(report, *names):
    return {k: v for k, v in report.items() if k not in names}


def test_the_last_report_comes_back(recorded, tmp_path):
    rec, live, _ = recorded
    out = tmp_path / "again.json"
    tool("--from", rec, "--json", out)
    again = json.loads(out.read_text())
    assert again["processes"] == live["processes"]
    assert again["host"] == live["host"]
    assert abs(again["duration_s"] - live["duration_s"]) < 3


# Each says so in one write: lines of several must not mix.
FAMILY = "import os, sys\nfor _ in range(int(sys.argv[1])):\n    if not os.fork():\n        break\n" + LEAK.replace(
    'print("ready", flush=True)', 'os.write(1, b"ready\\n")')


def test_children_are_one_report_again(tmp_path, full):
    children = 2 if full else 1
    parent = subprocess.Popen([pythons.HOST, "-c", FAMILY, str(children)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              start_new_session=True)  # fmt: skip
    try:
        for _ in range(1 + children):
            assert parent.stdout.readline() == b"ready\n"
        tool("-p", parent.pid, "--children", "-d", 12, "-q", "--record", tmp_path / "a.rec", "--json", tmp_path / "live.json")
    finally:
        os.killpg(parent.pid, 9)
        parent.wait()
        parent.stdout.close()
    live = json.loads((tmp_path / "live.json").read_text())
    tool("--from", tmp_path / "a.rec", "--json", tmp_path / "again.json", "--record", tmp_path / "moment.rec")
    tool("--from", tmp_path / "moment.rec", "--json", tmp_path / "moment.json")
    tool("--from", tmp_path / "a.rec", "--at", 8, "--json", tmp_path / "early.json")
    early = json.loads((tmp_path / "early.json").read_text())
    assert early["tree"]["merged"]["members"] and early["duration_s"] <= 8
    assert len(live["processes"]) == 1 + children and live["tree"]["merged"]["verdict"]["class"] in ("leak", "growing")
    for name in ("again", "moment"):
        again = json.loads((tmp_path / (name + ".json")).read_text())
        assert again["tree"] == live["tree"] and again["processes"] == live["processes"], name


def test_twice_is_the_same(recorded):
    rec, _, _ = recorded
    first = tool("--from", rec, "--json", "-").stdout
    assert first == tool("--from", rec, "--json", "-").stdout


def test_any_moment(recorded):
    """The report tells what was known then: less."""
    rec, live, _ = recorded
    early = json.loads(tool("--from", rec, "--at", 8, "--json", "-").stdout)
    assert 4 < early["duration_s"] <= 8
    assert early["processes"][0]["probe"]["on_s"] < live["processes"][0]["probe"]["on_s"]
    assert "the last moment before 600 s is that of" in tool("--from", rec, "--at", 600).stderr
    said = tool("--from", rec, "--at", 0.1, status=1).stderr
    first = re.search(r"no moment as early as that \(--at\): the first is --at ([0-9.]+)\n", said).group(1)
    assert tool("--from", rec, "--at", first).stdout
    assert "no moment as early" in tool("--from", rec, "--at", float(first) - 0.2, status=1).stderr


def test_text_as_it_was(recorded):
    """But for source lines, which are not in it, and for the head."""
    rec, live, text = recorded
    again = tool("--from", rec).stdout
    site = live["processes"][0]["sites"][0]["id"]
    assert site in again and site in text
    assert "<string>:%d" % LEAKING_LINE in again


def test_several_are_in_the_order_of_the_watch(tmp_path, full):
    with contextlib.ExitStack() as all_of_them:
        pids = [all_of_them.enter_context(leaking()) for _ in range(4 if full else 3)][::-1]  # and not of their numbers
        live = tool("-q", "-d", 2, "--record", tmp_path / "a.rec", *(x for pid in pids for x in ("-p", pid))).stdout
    again = tool("--from", tmp_path / "a.rec").stdout
    assert [int(n) for n in re.findall(r"^pid ([0-9]+)", live, re.M)] == pids
    assert [int(n) for n in re.findall(r"^pid ([0-9]+)", again, re.M)] == pids


def test_its_mode_and_who_may_read_it(recorded):
    """Root's alone, until root gives it away; then nobody needs to be root."""
    rec, live, _ = recorded
    assert stat.S_IMODE(os.stat(rec).st_mode) == 0o600
    with tempfile.TemporaryDirectory(prefix="pyleak-recording-") as place:
        os.chmod(place, 0o755)
        theirs, copy = shutil.copy(harness.TOOL, place), shutil.copyfile(rec, os.path.join(place, "copy.rec"))
        os.chmod(copy, 0o644)
        run = subprocess.run([theirs, "--from", copy], capture_output=True, text=True, timeout=60, check=False, user=65534, group=65534,
                             extra_groups=[], cwd="/")  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert "pid %d" % live["processes"][0]["pid"] in run.stdout


def test_one_moment_alone(recorded, tmp_path):
    """Cut out: the same report, and nothing before it."""
    rec, _, _ = recorded
    cut = tmp_path / "cut.rec"
    of_all = tool("--from", rec, "--at", 9, "--record", cut).stdout
    assert tool("--from", cut).stdout == of_all
    assert cut.stat().st_size < rec.stat().st_size
    assert "no moment as early" in tool("--from", cut, "--at", 4, status=1).stderr


def test_exit_status(recorded):
    rec, live, _ = recorded
    leaks = live["processes"][0]["verdict"]["class"] == "leak"
    tool("--from", rec, "--fail-on", "leak", status=3 if leaks else 0)


def test_one_that_is_cut_short(recorded, tmp_path):
    rec, _, _ = recorded
    whole = rec.read_bytes()
    part = tmp_path / "part.rec"
    part.write_bytes(whole[:len(whole) * 3 // 4])
    run = tool("--from", part)
    assert "cut short" in run.stderr and "pid" in run.stdout
    for n in (0, 5, 23, 30, 60):
        part.write_bytes(whole[:n])
        assert tool("--from", part, status=1).stderr


def test_what_is_no_recording(tmp_path):
    for path in ("/etc/passwd", "/dev/zero", str(tmp_path), str(tmp_path / "nothing")):
        assert path in tool("--from", path, status=1).stderr


def test_a_report_does_as_well(recorded, tmp_path):
    rec, live, _ = recorded
    saved = tmp_path / "report.json"
    saved.write_text(json.dumps(live))
    assert live["processes"][0]["sites"][0]["id"] in tool("--from", saved).stdout


@pytest.mark.parametrize("args", [["--from", "x", "-p", "1"], ["--at", "3", "-p", "1"], ["--from", "x", "--alert", "rss>1M"],
                                  ["--record", "-", "-p", "1"], ["--from", ""]], ids=" ".join)  # fmt: skip
def test_bad_usage(args):
    tool(*args, status=2)


def test_how_often_one_asks_is_nothing_to_the_verdict(recorded):
    """One has a report each second, the other the last alone."""
    recs = recorded[0], recorded[0].with_name("once.rec")
    often, once = (json.loads(tool("--from", rec, "--json", "-").stdout)["processes"][0] for rec in recs)
    assert often["verdict"]["class"] == once["verdict"]["class"]
    lines = [{s["stack"][0]["line"]: (s["verdict"], s["reason"]) for s in p["sites"] if s["kind"] == "object"} for p in (often, once)]
    assert lines[0][LEAKING_LINE][0] == lines[1][LEAKING_LINE][0], (lines, often.get("notes"), once.get("notes"))


def test_it_is_kept_where_standard_output_is_full(tmp_path):
    rec = tmp_path / "full.rec"
    with leaking() as pid, open("/dev/full", "w") as full:
        run = subprocess.run([harness.TOOL, "-p", str(pid), "-i", "2", "-d", "60", "--record", rec], stdout=full,
                             stderr=subprocess.PIPE, text=True, timeout=50, stdin=subprocess.DEVNULL)  # fmt: skip
    assert run.returncode == 1 and "No space left" in run.stderr
    report = json.loads(tool("--from", rec, "--json", "-").stdout)
    assert [p["pid"] for p in report["processes"]] == [pid]


def test_nothing_is_kept_where_nothing_was_watched(tmp_path):
    rec = tmp_path / "none.rec"
    run = subprocess.run([harness.TOOL, "--record", rec, "--", "true"], capture_output=True, text=True, timeout=50)
    assert run.returncode == 1 and "has ended" in run.stderr
    assert not rec.exists()


def test_a_sweep_is_recorded(tmp_path):
    rec = tmp_path / "sweep.rec"
    with leaking("pyleak-recording-sweep") as pid:
        time.sleep(1)
        tool("sweep", "-q", "-d", 24, "--name", "pyleak-recording-sweep", "--record", rec)
    report = json.loads(tool("--from", rec, "--json", "-").stdout)
    assert [p["pid"] for p in report["processes"]] == [pid]
