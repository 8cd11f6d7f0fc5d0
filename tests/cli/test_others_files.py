# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Files of other users: where a result is to be written, and what is given to be read."""
import json
import os
import subprocess

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
TOOL = os.path.join(TOP, os.environ.get("PYLEAK_BUILD", "build"), "pyleak-bpf")
RECORDING = os.path.join(TOP, "tests/judge/corpus/zoo-twin_spike-debian-3.11.rec")
NOBODY = 65534

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="files of other users are made")


def write(path, **more):
    return subprocess.run([TOOL, "--from", RECORDING, "--json", str(path)], capture_output=True, text=True, timeout=60,
                          check=False, **more)  # fmt: skip


@needs_root
@pytest.mark.parametrize("owner,group,mode", [(NOBODY, NOBODY, 0o755), (0, NOBODY, 0o775), (0, NOBODY, 0o2775),
                                              (0, 0, 0o1777), (NOBODY, NOBODY, 0o777)])  # fmt: skip
@pytest.mark.parametrize("kind", ["link", "file", "fifo"])
def test_what_somebody_else_put_there_is_not_written(tmp_path, owner, group, mode, kind):
    theirs, victim = tmp_path / "theirs", tmp_path / "victim"
    theirs.mkdir()
    victim.write_text("precious")
    at = theirs / "report.json"
    if kind == "link":
        at.symlink_to(victim)
    elif kind == "file":
        at.write_text("bait")
    else:
        os.mkfifo(at)
    os.chown(at, NOBODY, NOBODY, follow_symlinks=False)
    os.chown(theirs, owner, group)
    theirs.chmod(mode)
    run = write(at)
    assert run.returncode == 1 and "what lies there is user 65534's" in run.stderr, run
    assert victim.read_text() == "precious"


@needs_root
def test_who_asks_by_sudo_may_have_links_of_his_own(tmp_path):
    home, store = tmp_path / "home", tmp_path / "store"
    home.mkdir()
    store.mkdir()
    (home / "link").symlink_to(store)
    for path in (home, home / "link"):
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    assert write(home / "link" / "report.json").returncode == 1
    assert write(home / "link" / "report.json", env=dict(os.environ, SUDO_UID=str(NOBODY))).returncode == 0
    assert json.loads((store / "report.json").read_text())["processes"]


@needs_root
def test_a_report_is_whose_who_asked_by_sudo(tmp_path):
    def owner(directory_of):
        os.chown(tmp_path, directory_of, directory_of)
        subprocess.run([TOOL, "--from", RECORDING, "--html", tmp_path / "page.html"], env=dict(os.environ, SUDO_UID="1234", SUDO_GID="1235"), check=True)
        st = os.stat(tmp_path / "page.html")
        return st.st_uid, st.st_gid, st.st_mode & 0o777

    assert owner(1234) == (1234, 1235, 0o600)
    os.chmod(tmp_path / "page.html", 0o644)
    assert owner(1234) == (1234, 1235, 0o644), "he lets others read it"
    os.remove(tmp_path / "page.html")
    assert owner(0) == (0, 0, 0o600), "a directory that is not his"


def test_a_recording_is_whose_who_asked_by_sudo(tmp_path):
    os.chown(tmp_path, 1234, 1234)
    subprocess.run([TOOL, "--from", RECORDING, "--record", tmp_path / "moment.rec"],
                   env=dict(os.environ, SUDO_UID="1234", SUDO_GID="1235"), check=True)  # fmt: skip
    st = os.stat(tmp_path / "moment.rec")
    assert (st.st_uid, st.st_gid, st.st_mode & 0o777) == (1234, 1235, 0o600)


@needs_root
def test_so_is_a_comparison(tmp_path):
    os.chown(tmp_path, 1234, 1234)
    subprocess.run([TOOL, "diff", RECORDING, RECORDING, "--output", tmp_path / "diff.json"],
                   env=dict(os.environ, SUDO_UID="1234", SUDO_GID="1235"), check=True)  # fmt: skip
    assert os.stat(tmp_path / "diff.json").st_uid == 1234


def test_two_results_in_one_place_are_refused(tmp_path):
    (tmp_path / "link").symlink_to("one")
    os.mkfifo(tmp_path / "pipe")
    here = tmp_path / "." / ".." / tmp_path.name
    for first, second in (("one", here / "one"), ("one", "link"), ("link", "link"), ("pipe", here / "pipe")):
        for option in ("--html", "--record"):
            run = subprocess.run([TOOL, "--from", RECORDING, "--json", first, option, second], cwd=tmp_path,
                                 capture_output=True, text=True, timeout=60, check=False)  # fmt: skip
            assert run.returncode == 2 and "are one file" in run.stderr and not (tmp_path / "one").exists()
    subprocess.run([TOOL, "--from", RECORDING, "--json", "/dev/null", "--html", "/dev/null"], timeout=60, check=True)


def test_a_report_with_thousands_of_losses_takes_little_memory(tmp_path):
    with open(os.path.join(TOP, "tests/golden/report.json"), encoding="utf-8") as f:
        report = json.load(f)
    report["processes"][0]["lost"] = {"reason %d" % i: i for i in range(20000)}
    path = tmp_path / "many.json"
    path.write_text(json.dumps(report))
    run = subprocess.run(["sh", "-c", 'ulimit -d 65536; exec "$@"', "-", TOOL, "merge", str(path), "--json", "-"],
                         capture_output=True, timeout=60, check=False)  # fmt: skip
    assert run.returncode == 0 and b"reason 19999" in run.stdout, run.stderr


def test_a_recording_for_which_there_is_too_little_memory_is_not_called_damaged():
    said = set()
    for kib in range(16000, 60000, 2000):
        run = subprocess.run(["sh", "-c", 'ulimit -v %d; exec "$@"' % kib, "-", TOOL, "-q", "--from", RECORDING],
                             capture_output=True, text=True, timeout=60, check=False)  # fmt: skip
        if run.returncode != 127:  # the loader needs some, too
            said.add((run.returncode, run.stderr.rsplit(": ", 1)[-1]))
    told = {text for status, text in said if status}
    assert {status for status, _ in said} == {0, 1}
    assert "out of memory\n" in told and told <= {"out of memory\n", "no memory for a report\n"}
