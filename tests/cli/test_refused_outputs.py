# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Every format where it cannot be written: the disk is full, the directory is read-only, nobody reads any more. What was there
before stays, and one line says what is wrong."""
import json
import os
import pty
import random
import re
import resource
import select
import shlex
import signal
import subprocess
import time

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOOL = os.environ.get("PYLEAK_BPF", os.path.join(ROOT, os.environ.get("PYLEAK_BUILD", "build"), "pyleak-bpf"))
SAMPLE = os.path.join(ROOT, "tests", "golden", "report.json")
RECORDING = os.path.join(ROOT, "tests", "judge", "corpus", "zoo-metric_labels-debian-3.11.rec")
OLD = "what was here before\n"

with open(os.path.join(ROOT, "src", "out", "out.h"), encoding="utf-8") as header:
    ROWS = re.findall(r'\bX\((\w+), "[^"]*", "([^"]*)"', header.read())
FORMATS = [name for name, _ in ROWS]
SUFFIXES = [(name, suffix) for name, suffixes in ROWS for suffix in suffixes.split()]
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="file systems are mounted")


@pytest.fixture(scope="module", name="large")
def large_fixture(tmp_path_factory):
    """A report of which no format is small, compressed or not."""
    with open(SAMPLE, encoding="utf-8") as f:
        report = json.load(f)
    draw = random.Random(1)
    report["processes"] = report["processes"][:1]
    site = report["processes"][0]["sites"][0]
    report["processes"][0]["sites"] = [
        dict(site, id="%016x" % n, stack=[{"lang": "python", "function": "%0100x" % draw.getrandbits(400), "file": "f.py", "line": n}])
        for n in range(1000)
    ]
    path = tmp_path_factory.mktemp("large") / "large.in"
    path.write_text(json.dumps(report))
    return path


def one_line(run, *words):
    assert run.returncode == 1, run
    assert run.stderr.count("\n") == 1 and run.stderr.startswith("pyleak-bpf: "), run.stderr
    assert all(w in run.stderr for w in words), run.stderr


def mounted(where, options, report, name, then=""):
    """The tool writes to @where/old and @where/new, in a file system of its own that nobody else sees."""
    script = "mount -t tmpfs -o size=32k,mode=755 none {0} && printf %s {1} >{0}/old && {2} {3}".format(
        where, shlex.quote(OLD), options, then)  # fmt: skip
    script += " || exit 99\n"
    for file in ("old", "new"):
        script += "{} --from {} --{} {}/{} >/dev/null 2>{}.said; echo $? >{}.code\n".format(
            TOOL, report, name, where, file, where.parent / file, where.parent / file)  # fmt: skip
    script += "cat {0}/old; ls -A {0} >&2".format(where)
    run = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (0, OLD, "old\n")
    return [subprocess.CompletedProcess(file, int((where.parent / (file + ".code")).read_text()), None,
                                        (where.parent / (file + ".said")).read_text()) for file in ("old", "new")]  # fmt: skip


@needs_root
@pytest.mark.parametrize("name", FORMATS)
def test_the_disk_is_full(tmp_path, large, name):
    where = tmp_path / "disk"
    where.mkdir()
    old, new = mounted(where, "true", large, name)
    one_line(old, str(where / "old"), "No space left", "the old file was left as it was")
    one_line(new, str(where / "new"), "No space left", "nothing was left there")


@needs_root
@pytest.mark.parametrize("name", FORMATS)
def test_the_directory_is_read_only(tmp_path, name):
    where = tmp_path / "disk"
    where.mkdir()
    for run, file in zip(mounted(where, "mount -o remount,ro {}".format(where), SAMPLE, name), ("old", "new")):
        one_line(run, str(where / file), "Read-only file system")


@pytest.mark.parametrize("name", FORMATS)
def test_standard_output_is_full(name):
    with open("/dev/full", "w", encoding="utf-8") as full:
        run = subprocess.run([TOOL, "--from", SAMPLE, "--" + name, "-"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    one_line(run, "standard output", "No space left")


def closed(*args):
    return subprocess.run(["sh", "-c", 'exec "$@" >&-', "sh", TOOL, *map(str, args)], stderr=subprocess.PIPE, text=True, timeout=60, check=False)


@pytest.mark.parametrize("name", FORMATS)
def test_standard_output_is_closed(name):
    one_line(closed("--from", SAMPLE, "--" + name, "-"), "standard output", "Bad file descriptor")


@pytest.mark.parametrize("args", [("--from", SAMPLE), ("merge", SAMPLE), ("merge", SAMPLE, "--json", "-"),
                                  ("diff", SAMPLE, SAMPLE), ("diff", SAMPLE, SAMPLE, "--json", "-"),
                                  ("doctor",), ("doctor", "--json"), ("--help",), ("-V",)])  # fmt: skip
def test_nothing_is_lost_without_a_word(args):
    one_line(closed(*args), "Bad file descriptor")
    with open("/dev/full", "w", encoding="utf-8") as full:
        run = subprocess.run([TOOL, *args], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    one_line(run, "No space left")


@pytest.mark.parametrize("command", ["census", "diff", "doctor", "merge", "serve", "sweep", "watch", "why"])
def test_help_that_nobody_gets(command):
    one_line(closed(command, "--help"), "cannot write standard output: Bad file descriptor")


@pytest.mark.parametrize("args", [("--from", SAMPLE), ("--from", RECORDING, "--record"), ("merge", SAMPLE), ("diff", SAMPLE, SAMPLE)])
def test_a_file_needs_no_standard_output(tmp_path, args):
    told = tmp_path / "told"
    options = ["--json", told] if args[-1] != "--record" else [told, "--json", tmp_path / "json"]
    run = closed(*args, *options)
    assert (run.returncode, run.stderr) == (0, "") and told.stat().st_size


def limited(most, *args, **kwargs):
    """No file may have more than @most bytes: the kernel says so by a signal, too."""
    return subprocess.run([TOOL, *map(str, args)], stderr=subprocess.PIPE, text=True, timeout=60, check=False,
                          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)), **kwargs)  # fmt: skip


@pytest.mark.parametrize("most", [0, pytest.param(1000, marks=pytest.mark.matrix), 8192])
@pytest.mark.parametrize("name", FORMATS)
def test_no_file_may_be_that_large(tmp_path, large, name, most):
    old, new, out = (tmp_path / n for n in ("old", "new", "out"))
    old.write_text(OLD)
    for path in (old, new):
        one_line(limited(most, "--from", large, "--" + name, path, stdout=subprocess.DEVNULL), str(path), "File too large")
    with open(out, "w", encoding="utf-8") as f:
        one_line(limited(most, "--from", large, "--" + name, "-", stdout=f), "standard output", "File too large")
    assert old.read_text() == OLD and sorted(os.listdir(tmp_path)) == ["old", "out"] and out.stat().st_size == most


def test_each_file_that_is_missing_is_named(tmp_path, large):
    paths = {name: tmp_path / name for name in FORMATS}
    run = limited(8192, "--from", large, *(word for name, path in paths.items() for word in ("--" + name, path)), stdout=subprocess.DEVNULL)
    assert run.returncode == 1 and run.stderr.count("\n") == len(FORMATS) and not os.listdir(tmp_path)
    for path in paths.values():
        assert run.stderr.count("cannot write %s: File too large" % path) == 1
    run = limited(8192, "diff", large, large, "--json", paths["json"], "--folded", paths["folded"], stdout=subprocess.DEVNULL)
    assert run.returncode == 1 and str(paths["json"]) in run.stderr and str(paths["folded"]) in run.stderr


def test_no_recording_may_be_that_large(tmp_path):
    cut = tmp_path / "cut.rec"
    one_line(limited(4096, "--from", RECORDING, "--record", cut, stdout=subprocess.DEVNULL), "%s: the recording is not complete: File too large" % cut)
    assert not os.listdir(tmp_path)


def test_no_file_may_be_as_large_as_the_text(tmp_path):
    with open(tmp_path / "out", "w", encoding="utf-8") as f:
        one_line(limited(100, "--from", SAMPLE, stdout=f), "File too large")


def test_standard_output_is_full_of_text():
    with open("/dev/full", "w", encoding="utf-8") as full:
        run = subprocess.run([TOOL, "--from", SAMPLE], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    one_line(run, "standard output", "No space left")


@pytest.mark.parametrize("name", FORMATS)
def test_a_device_is_full(name):
    run = subprocess.run([TOOL, "--from", SAMPLE, "--" + name, "/dev/full"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                         timeout=60, check=False)  # fmt: skip
    one_line(run, "/dev/full", "No space left")


@pytest.mark.parametrize("asked", [[], *(["--" + name, "-"] for name in FORMATS)], ids=["text", *FORMATS])
def test_who_reads_has_seen_enough(large, asked):
    """As head does: no fault of anybody's, and nothing to say."""
    tool = subprocess.Popen([TOOL, "--from", large, "-T", "1000", *asked], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert tool.stdout.read(1)
    tool.stdout.close()
    assert (tool.wait(timeout=60), tool.stderr.read()) == (0, b"")
    tool.stderr.close()


@pytest.mark.parametrize("more", [[], ["--html", "-"]], ids=["alone", "beside standard output"])
@pytest.mark.parametrize("name", FORMATS)
def test_a_named_pipe_whose_reader_leaves(tmp_path, large, name, more):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    if name == "html":
        more = [m.replace("html", "json") for m in more]
    tool = subprocess.Popen([TOOL, "--from", large, "--" + name, pipe, *more], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    with open(pipe, "rb") as f:
        f.read(1)
    _, said = tool.communicate(timeout=60)
    one_line(subprocess.CompletedProcess(None, tool.returncode, None, said), str(pipe), "Broken pipe")


@pytest.mark.parametrize("is_open", [False, True])
@pytest.mark.parametrize("command, form, end_of_it", [(["--from"], "html", "</html>\n"), (["diff", SAMPLE], "folded", "\n")],
                         ids=["from", "diff"])  # fmt: skip
def test_a_named_pipe_that_nobody_reads_holds_up_no_file(tmp_path, large, is_open, command, form, end_of_it):
    """Whether its reader has not come yet, or stands still."""
    pipe, page = tmp_path / "pipe", tmp_path / "page"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK) if is_open else -1
    tool = subprocess.Popen([TOOL, *command, large, "--json", pipe, "--" + form, page], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        end = time.monotonic() + 30
        while not page.exists() and time.monotonic() < end:
            time.sleep(0.05)
        assert page.read_text().endswith(end_of_it) and tool.poll() is None
        if not is_open:
            assert tool.stderr.readline() == "pyleak-bpf: waits, for 60 s at most, for a reader of the pipe %s\n" % pipe
    finally:
        tool.kill()
        tool.communicate()
        if is_open:
            os.close(reader)


@pytest.mark.matrix
def test_a_named_pipe_is_not_waited_for_for_good(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    run = subprocess.run([TOOL, "--from", SAMPLE, "--json", tmp_path / "pipe"], stderr=subprocess.PIPE, text=True, timeout=120, check=False)
    assert run.returncode == 1 and run.stderr.endswith("pyleak-bpf: cannot write %s: it is a pipe that nobody reads\n" % (tmp_path / "pipe"))


def test_the_terminal_by_the_name_of_any():
    """The process that writes files has none of its own, and waited for one for good."""
    pid, fd = pty.fork()
    if not pid:
        os.execv(TOOL, [TOOL, "--from", SAMPLE, "--json", "/dev/tty"])
    shown = b""
    try:
        while select.select([fd], [], [], 20)[0]:
            shown += os.read(fd, 65536)
    except OSError:
        pass  # it has ended
    os.kill(pid, signal.SIGKILL)
    assert os.waitpid(pid, 0)[1] == 0 and json.JSONDecoder().raw_decode(shown.decode())[0]["schema"] == "pyleak-bpf/report/1"
    os.close(fd)
    run = subprocess.run([TOOL, "--from", SAMPLE, "--json", "/dev/tty"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                         start_new_session=True, timeout=60, check=False)  # fmt: skip
    one_line(run, "/dev/tty", "No such device or address")


@pytest.mark.parametrize("name, suffix", SUFFIXES)
def test_a_file_is_replaced_as_a_whole(tmp_path, name, suffix):
    path, link = tmp_path / ("r" + suffix), tmp_path / "as-it-was"
    path.write_text(OLD)
    os.link(path, link)
    for asked in (["--output", path], ["--" + name, path]):
        run = subprocess.run([TOOL, "--from", SAMPLE, *asked], capture_output=True, text=True, timeout=60, check=False)
        assert (run.returncode, run.stderr) == (0, "") and path.read_bytes() != OLD.encode()
    assert link.read_text() == OLD and sorted(os.listdir(tmp_path)) == sorted(["as-it-was", path.name])
