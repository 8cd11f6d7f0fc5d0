# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Reports of many processes as one: sums by site, the worst first, and what is no report."""
import contextlib
import copy
import fcntl
import json
import os
import pty
import re
import subprocess
import termios
import time

import jsonschema
import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOOL = os.environ.get("PYLEAK_BPF", os.path.join(ROOT, "build", "pyleak-bpf"))


def load(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as f:
        return json.load(f)


def merge(*args, **kwargs):
    return subprocess.run([TOOL, "merge", *map(str, args)], capture_output=True, text=True, timeout=60, check=False,
                          **kwargs)  # fmt: skip


@pytest.fixture(name="hosts")
def hosts_fixture(tmp_path):
    """The same program on three hosts, leaking at three rates; the third has two workers."""
    report, paths = load("tests", "golden", "report.json"), []
    for n in range(3):
        one = copy.deepcopy(report)
        one["host"]["hostname"] = "web-%d" % n
        one["processes"] = one["processes"][:1]
        site = one["processes"][0]["sites"][0]
        site.update(growth_bytes_per_s=1000.0 * (n + 1), outstanding_count=100 * (n + 1), samples=10)
        site["types"] = [{"name": "dict", "share": 1.0}] if n else [{"name": "list", "share": 1.0}]
        if n == 2:
            one["processes"].append(copy.deepcopy(one["processes"][0]))
            one["processes"][1]["pid"] = 77
        path = tmp_path / ("%d.json" % n)
        path.write_text(json.dumps(one))
        paths.append(path)
    return paths


def merged(*paths):
    run = merge(*paths, "--json", "-")
    assert run.returncode == 0, run.stderr
    report = json.loads(run.stdout)
    jsonschema.Draft202012Validator(load(os.environ.get("PYLEAK_BUILD", "build"), "report.schema.json")).validate(report)
    return report


def test_sites_are_joined_by_id(hosts):
    process = merged(*hosts)["processes"][0]
    site = process["sites"][0]
    assert len([s for s in process["sites"] if s["id"] == site["id"] and s["kind"] == site["kind"]]) == 1
    assert site["processes"] == 4
    assert site["growth_bytes_per_s"] == 1000 + 2000 + 3000 + 3000
    assert site["outstanding_count"] == 100 + 200 + 300 + 300 and site["samples"] == 40
    shares = {t["name"]: t["share"] for t in site["types"]}
    assert shares == pytest.approx({"dict": 8 / 9, "list": 1 / 9}, abs=1e-3)
    assert [(m["hostname"], m["pid"]) for m in process["members"]] == [
        ("web-0", 1234), ("web-1", 1234), ("web-2", 77), ("web-2", 1234)]  # fmt: skip
    assert process["pid"] is None and process["verdict"]["class"] == "leak"
    assert "4 of 4 processes on 3 hosts" in process["verdict"]["reason"]


def test_notes_of_children_are_told_once(tmp_path):
    """A note of several processes is one line, numbers aside, below the report on all."""
    report = load("tests", "golden", "formats", "workers.json")
    report["tree"] = {"started": 2, "watched": 2, "merged": report["processes"][0] | {"pid": None}}
    notes = ["a change took %d ms", "births are not watched", "a change took 99.5 ms"]
    for pid, process in enumerate(report["processes"], 1):
        process.update(pid=pid, notes=[notes[0] % (100 * pid), *notes[1 : pid + 1], "only of %s" % "xyz"[pid]])
    path = tmp_path / "tree.json"
    path.write_text(json.dumps(report))
    run = subprocess.run([TOOL, "--from", path], capture_output=True, text=True, timeout=60, check=True)
    assert [line for line in run.stdout.splitlines() if " note " in line] == [
        "  note of 2 processes, with the numbers of pid 1: a change took 100 ms", "  note of 2 processes: births are not watched",
        "  note of pid 1: only of y", "  note of pid 2: only of z"]  # fmt: skip
    assert run.stdout.index(" note ") < run.stdout.index("\nchildren: ")


def test_a_note_is_told_with_the_process_that_has_it(hosts):
    """Once where several have it; the numbers are those of the first."""
    report = json.loads(hosts[1].read_text())
    report["processes"][0]["notes"] = ["a change took 12 ms", "only here"]
    hosts[1].write_text(json.dumps(report))
    report = json.loads(hosts[2].read_text())
    report["processes"][1]["notes"].append("a change took 9.5 ms")
    hosts[2].write_text(json.dumps(report))
    notes = ["3 processes, the first pid 1234 on web-0: native blocks are judged in bursts: too many calls",
             "2 processes, with the numbers of pid 1234 on web-1: a change took 12 ms", "pid 1234 on web-1: only here"]  # fmt: skip
    assert merged(*hosts)["processes"][0]["notes"] == notes
    assert [line for line in merge(*hosts).stdout.splitlines() if " note: " in line] == ["  note: " + n for n in notes]


def test_one_cause_of_some_notes_is_told_once(tmp_path):
    report = load("tests", "golden", "report.json")
    cause = ": too many open files: raise the limit (ulimit -n)"
    notes = ["births are not watched", "native blocks are not traced", "descriptors have no lines"]
    report["processes"][0]["notes"] = [*(n + cause for n in notes), "no census: too dear", notes[0] + cause, "one", "one"]
    (tmp_path / "report.json").write_text(json.dumps(report))
    run = subprocess.run([TOOL, "--from", tmp_path / "report.json"], stdout=subprocess.PIPE, text=True, env=dict(os.environ, COLUMNS="200"), check=True)
    told = [line[8:] for line in run.stdout.splitlines() if line.startswith("  note: ")]
    again = [n + ": for the same reason" for n in notes]
    assert told == [notes[0] + cause, *again[1:], "no census: too dear", notes[0] + cause, "one", "one"]


def test_notes_of_merged_reports_tell_their_cause_each(hosts, tmp_path):
    """The name of a process is before the first colon."""
    parts = []
    for path, name in zip(hosts, ("alpha", "beta")):
        report = json.loads(path.read_text())
        report["host"]["hostname"] = name
        report["processes"][0]["notes"] = ["births are not watched: too many open files"]
        path.write_text(json.dumps(report))
        parts.append(tmp_path / (name + ".json"))
        parts[-1].write_text(json.dumps(merged(path)))
    told = [line for line in merge(*parts, env=dict(os.environ, COLUMNS="200")).stdout.splitlines() if " note: " in line]
    assert told == ["  note: pid 1234 on %s: births are not watched: too many open files" % name for name in ("alpha", "beta")]


def test_notes_of_a_merged_report_keep_their_names(hosts, tmp_path):
    part = tmp_path / "part.json"
    part.write_text(json.dumps(merged(*hosts[:2])))
    notes = merged(part, hosts[2])["processes"][0]["notes"]
    assert {n.split(":")[0] for n in notes} == {"2 processes, the first pid 1234 on web-0", "2 processes, the first pid 77 on web-2"}


def test_what_is_not_counted_keeps_its_sentence(hosts):
    """The JSON has keys alone."""
    told = [line for line in merge(*hosts).stdout.splitlines() if "not counted, " in line]
    assert told == ["  not counted, 48 times: a stack or a call did not fit its ring buffer"]


def test_descriptors_are_told_of_the_worst_process(hosts):
    """The end that is nearest comes first: descriptors run out in 90 s, memory in hours."""
    lines = merge(*hosts).stdout.splitlines()
    at = [i for i, line in enumerate(lines) if " descriptors open " in line]
    assert len(at) == 1 and lines[at[0]].startswith("  in pid 1234 on web-0: 620 descriptors open ")
    assert lines[at[0]].endswith("; the limit of 1024 is reached in 90 s, and open() fails then")
    assert lines[at[0] + 1].startswith("  at this rate killed in ")
    fds = merged(*hosts)["processes"][0]["fds"]
    assert (fds["of_pid"], fds["of_host"]) == (1234, "web-0")


def test_merging_in_steps_is_merging_at_once(hosts, tmp_path):
    part = tmp_path / "part.json"
    part.write_text(json.dumps(merged(*hosts[:2])))
    at_once, in_steps = merged(*hosts), merged(part, hosts[2])
    for report in (at_once, in_steps):
        for site in report["processes"][0]["sites"]:
            site["types"].sort(key=lambda t: t["name"])
    a, b = at_once["processes"][0], in_steps["processes"][0]
    assert a["members"] == b["members"]
    for x, y in zip(a["sites"], b["sites"], strict=True):
        assert (x["id"], x["processes"], x["growth_bytes_per_s"]) == (y["id"], y["processes"], y["growth_bytes_per_s"])


def test_a_process_counts_once(hosts):
    process = merged(hosts[0], hosts[0])["processes"][0]
    once = json.loads(hosts[0].read_text())["processes"][0]
    assert len(process["members"]) == 1
    assert {(s["id"], s["growth_bytes_per_s"]) for s in process["sites"]} == {
        (s["id"], s["growth_bytes_per_s"]) for s in once["sites"]}  # fmt: skip


def test_a_process_of_a_merged_report_counts_once(hosts, tmp_path):
    """Nothing can be taken out of a merged report: it is the one that counts, or none does."""
    few, some, others = tmp_path / "few.json", tmp_path / "some.json", tmp_path / "others.json"
    few.write_text(json.dumps(merged(*hosts[:2])))
    some.write_text(json.dumps(merged(*hosts)))
    others.write_text(json.dumps(merged(*hosts[1:])))
    alone = merged(some)["processes"][0]

    def said(*paths):
        process = merged(*paths)["processes"][0]
        assert (process["members"], process["sites"]) == (alone["members"], alone["sites"])
        return process["notes"][0]

    assert said(some, hosts[1]) == "pid 1234 on web-1: also in a merged report, which counts"
    assert said(hosts[0], some, hosts[1]) == "2 processes, the first pid 1234 on web-0: also in a merged report, which counts"
    assert said(few, some) == said(some, some) == "a merged report is left out: another one has all its processes"
    run = merge(few, others)
    assert (run.returncode, run.stdout) == (1, "")
    assert "pid 1234 on web-1 is in two merged reports, and others are in one of them alone" in run.stderr


def test_a_number_used_again_is_another_process(hosts):
    """Two rows of one report: the first of them has ended, and the second got its number."""
    report = json.loads(hosts[0].read_text())
    ended = json.loads(json.dumps(report["processes"][0]))
    ended["state"] = "exited"
    report["processes"].insert(0, ended)
    hosts[0].write_text(json.dumps(report))
    process = merged(hosts[0])["processes"][0]
    assert len(process["members"]) == 2
    assert process["memory"]["rss_bytes"] == report["processes"][1]["memory"]["rss_bytes"]
    assert merged(hosts[0], hosts[0])["processes"][0]["members"] == process["members"]


def test_rates_of_those_that_have_ended(hosts):
    """They grow no more beside one that runs; of past ones alone the rates and the order are as they were."""
    reports = [json.loads(path.read_text()) for path in hosts]
    for report in reports:
        sites = report["processes"][0]["sites"]
        sites.append(dict(copy.deepcopy(sites[0]), id="a" * 16, growth_bytes_per_s=10, outstanding_bytes=1 << 40))
        for process in report["processes"]:
            process["state"] = "exited"
    reports[0]["processes"][0]["state"] = "running"

    def said(*which):
        for n in which:
            hosts[n].write_text(json.dumps(reports[n]))
        process = merged(*(hosts[n] for n in which))["processes"][0]
        rates = {s["id"]: s["growth_bytes_per_s"] for s in process["sites"]}
        ids = [s["id"] for s in reports[0]["processes"][0]["sites"]]
        return process["state"], rates[ids[0]], rates[ids[-1]], list(rates).index(ids[0]) < list(rates).index(ids[-1])

    assert said(0, 1, 2) == ("running", 1000, 10, True)
    assert said(1, 2) == ("exited", 2000 + 3000 + 3000, 10 + 10, True)
    text = merge(hosts[1], hosts[2]).stdout
    assert re.match(r"[0-9:]{8}  merged report of watches since [0-9:]{8}, of .* at most\n", text)
    assert "3 processes of gunicorn, have ended" in text and "+7.8 KiB/s" in text


def test_what_grew_in_processes_that_have_ended_has_no_rate(hosts):
    report = json.loads(hosts[0].read_text())
    report["processes"][0]["state"] = "exited"
    site = report["processes"][0]["sites"][0]
    site["id"] = "00000000000000ee"
    report["processes"][0]["sites"] = [site]
    hosts[0].write_text(json.dumps(report))
    text = merge("-v", "--no-color", *hosts).stdout
    line = next(line for line in text.splitlines() if "site 00000000000000ee" in line)
    assert "grew until its processes ended, " in line and "+0 " not in line
    # nor have descriptors, which have no bytes
    site.update(kind="fd", growth_bytes_per_s=None, growth_count_per_s=0.5)
    hosts[0].write_text(json.dumps(report))
    text = merge("-v", "--no-color", *hosts).stdout
    line = next(line for line in text.splitlines() if "site 00000000000000ee" in line)
    assert "grew until its processes ended, " in line and "+0 " not in line
    report["processes"][0]["state"] = "running"
    site.update(growth_count_per_s=None)
    hosts[0].write_text(json.dumps(report))
    assert "growth not known yet, " in merge("-v", "--no-color", *hosts).stdout


def test_text_of_a_saved_report_says_nothing_that_is_not_in_it(hosts):
    def told(run):
        assert run.returncode == 0 and "LEAK" in run.stdout
        return "sites explain 93 % of the growth" in run.stdout

    def saved():
        return subprocess.run([TOOL, "--from", str(hosts[0])], capture_output=True, text=True, timeout=60, check=False)

    assert told(saved()) and not told(merge(*hosts))
    report = json.loads(hosts[0].read_text())
    del report["processes"][0]["memory"]["growth_explained"]
    hosts[0].write_text(json.dumps(report))
    assert not told(saved()) and "sites explain" not in saved().stdout + merge(*hosts).stdout


def test_a_recording_is_a_report(hosts):
    recording = os.path.join(ROOT, "tests", "judge", "corpus", "zoo-metric_labels-debian-3.11.rec")
    alone, both = merged(recording)["processes"][0], merged(recording, hosts[0])["processes"][0]
    assert alone["sites"] and len(both["members"]) == len(alone["members"]) + 1


def test_what_nobody_knows_stays_unknown(hosts, tmp_path):
    """A sweep and a census know neither slow-down nor coverage; and a host may have no Python at all."""
    report = json.loads(hosts[2].read_text())
    for process in report["processes"]:
        process["probe"] = {"mechanism": None, "on_s": 0, "coverage": 0, "slowdown_pct": None, "core_pct": None, "stall_ms": None, "stalls_per_s": None}
        process["memory"].update(rss_growth_bytes_per_s=None, pss_bytes=None)
    hosts[2].write_text(json.dumps(report))
    process = merged(hosts[2])["processes"][0]
    memory = process["memory"]
    assert process["probe"] == {"mechanism": None, "on_s": 0, "coverage": None, "slowdown_pct": None, "core_pct": None, "stall_ms": None, "stalls_per_s": None}
    assert memory["rss_growth_bytes_per_s"] is None and memory["pss_bytes"] is None
    assert memory["anon_bytes"] == sum(p["memory"]["anon_bytes"] for p in report["processes"])
    report["processes"] = []
    nobody = tmp_path / "nobody.json"
    nobody.write_text(json.dumps(report))
    assert merged(nobody)["processes"] == []
    assert "no process was reported" in merge(nobody).stdout


def test_many_hosts(tmp_path):
    """200 sites of 100 hosts. CPU time is bounded, not the wait: others use this machine too."""
    report = load("tests", "golden", "report.json")
    site = report["processes"][0]["sites"][0]
    report["processes"] = report["processes"][:1]
    report["processes"][0]["sites"] = [dict(site, id="%016x" % (n + 1), stack=site["stack"] * 4) for n in range(200)]
    report["host"]["hostname"] = "host-N"
    text, paths = json.dumps(report), []
    for n in range(100):
        paths.append(tmp_path / ("many-%d.json" % n))
        paths[-1].write_text(text.replace("host-N", "host-%d" % n))
    tool = subprocess.Popen([TOOL, "merge", *map(str, paths), "--json", str(tmp_path / "all.json")], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(tool.pid, 0)
    tool.returncode = os.waitstatus_to_exitcode(status)
    assert tool.returncode == 0
    process = json.loads((tmp_path / "all.json").read_text())["processes"][0]
    assert len(process["sites"]) == 200 and {s["processes"] for s in process["sites"]} == {100}
    # Five times what it takes; fresh pages for each file were most of that.
    assert usage.ru_utime + usage.ru_stime < 2.0 and usage.ru_minflt < 15000


def test_text_and_standard_input(hosts):
    run = merge("-", hosts[1], stdin=open(hosts[0], encoding="utf-8"))  # noqa: SIM115
    assert run.returncode == 0, run.stderr
    assert "2 processes of gunicorn" in run.stdout and "in 2 processes" in run.stdout


def test_a_terminal_is_told_how_far_it_is(hosts):
    """The tool tells its progress from the first second on, at most once in 200 ms."""
    ours, theirs = pty.openpty()
    report = hosts[0].read_bytes()
    args = [TOOL, "merge", hosts[1], "-", *[hosts[2]] * 30]
    with subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=theirs) as run:
        os.close(theirs)
        run.stdin.write(report[:1])
        run.stdin.flush()
        while fcntl.ioctl(run.stdin, termios.FIONREAD, bytes(4)) != bytes(4):
            assert run.poll() is None
            time.sleep(0.01)
        time.sleep(1.1)  # from when it reads standard input, the second of 32: starting may take long, too
        out, _ = run.communicate(report[1:], timeout=60)
    assert run.returncode == 0 and b"processes of gunicorn" in out
    told = b""
    with contextlib.suppress(OSError):  # EIO: it has ended, and all that it wrote has been read
        while True:
            told += os.read(ours, 65536)
    os.close(ours)
    told = told.decode()
    assert "reading reports: 2 of 32" in told and told.endswith(" \r")


def test_what_is_no_report(hosts, tmp_path):
    short = tmp_path / "short.json"
    short.write_text(hosts[0].read_text()[:500])
    for args, says in (((hosts[0], short), "cut short"), ((hosts[0], "/nonexistent"), "/nonexistent")):
        run = merge(*args)
        assert (run.returncode, run.stdout) == (1, "")
        assert run.stderr.startswith("pyleak-bpf: ") and run.stderr.count("\n") == 1 and says in run.stderr
    assert merge().returncode == 2
    assert merge("--help").returncode == 0
