# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The full-screen view, driven by keys on a terminal; and the terminal, which is whole afterwards whatever happened."""
import concurrent.futures
import contextlib
import ctypes
import json
import os
import re
import signal
import struct
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import terminal

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOOL = os.path.join(TOP, os.environ.get("PYLEAK_BUILD", "build"), "pyleak-bpf")
RECORDING = os.path.join(TOP, "tests", "judge", "corpus", "packages-calm.rec")
SMALL = os.path.join(TOP, "tests", "judge", "corpus", "zoo-metric_labels-debian-3.11.rec")
GOLDEN = os.path.join(TOP, "tests", "golden", "report.json")
HOSTILE = ["\x1b[2J\x1b]0;x\x07", "nul\x01", "\u202eright", "a" + "\u0301" * 50, "\u6f22" * 40, "x" * 100000, "line\nfeed\r", "\x9b2J"]
# Those that end nobody, or stop.
NO_END = {signal.SIGCHLD, signal.SIGCONT, signal.SIGURG, signal.SIGWINCH, signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU}
# The tool's own: a pause of probes, a closed pipe.
IGNORED = {signal.SIGUSR1, signal.SIGPIPE, signal.SIGXFSZ}


@contextlib.contextmanager
def screen(path=SMALL, cwd=None, cols=80, rows=24, env=None, first="VERDICT"):
    with terminal.Terminal([TOOL, "--from", str(path), "--tui"], cols, rows, env, cwd) as t:
        t.wait_for(first)
        t.pump(0.1)
        yield t


def quit_and_check(t):
    t.press("q")
    assert t.ended() == 0
    assert t.wait_whole()


def test_keys_open_pages_and_come_back():
    with screen(RECORDING) as t:
        assert t.alternate and t.modes() != t.before
        assert re.search(r"^LEAK 0\.\d\d  memory allocated at packages.py:43", t.lines()[1])
        assert any(re.match(r"LEAK +\+12.1 MiB/s +\+285 +542 MiB +packages.py:43 packer", line) for line in t.lines())
        text = t.press("\r", "held by")
        assert "packages.py:43  packer" in text and "zlib.Compress" in text
        t.press("m", "malloc in use")
        t.press("t", "numpy.ndarray")
        t.press("f", "descriptors open")
        t.press("h", "Esc Backspace")
        t.press("\x1b", "held by")
        t.press("\x1b", "VERDICT")
        quit_and_check(t)


def cut_after_moments(path, n):
    """The recording with its moment @n times, and without an end."""
    zstd = ctypes.CDLL("libzstd.so.1")
    zstd.ZSTD_decompress.restype = zstd.ZSTD_compress.restype = ctypes.c_size_t
    with open(SMALL, "rb") as f:
        magic, packed = f.readline(), f.read()
    room = ctypes.create_string_buffer(64 << 20)
    n_raw = zstd.ZSTD_decompress(room, ctypes.c_size_t(len(room)), packed, ctypes.c_size_t(len(packed)))
    raw = ctypes.string_at(room, n_raw)
    head = 32 + int.from_bytes(raw[:8], "little")
    start, now = struct.unpack_from("<QQ", raw, head + 16)
    moments = [raw[head : head + 24] + struct.pack("<Q", start + (now - start) * k // n) + raw[head + 32 :] for k in range(1, n + 1)]
    raw = raw[:head] + b"".join(moments) + raw[head : head + 32]
    n_packed = zstd.ZSTD_compress(room, ctypes.c_size_t(len(room)), raw, ctypes.c_size_t(len(raw)), 3)
    path.write_bytes(magic + ctypes.string_at(room, n_packed - 4))
    return path


def test_what_each_moment_says_is_said_once(tmp_path):
    with screen(cut_after_moments(tmp_path / "cut.rec", 8)) as t:
        t.press("l", re.compile(r"cut\s+short").search)
        quit_and_check(t)
    assert t.raw.rpartition(b"\x1b[?1049l")[2].count(b"cut short") == 1


def test_search_moves_to_the_line():
    with screen(RECORDING) as t:
        t.press("/picture\r")
        t.press("\r", "packages.py:31")
        t.press("\x1b", "VERDICT")
        t.press("/nosuchthing", "/nosuchthing  that is nowhere here")
        t.press("\x1b")
        t.press("s", "sorted by bytes per second")
        t.press("I", "GROWTH\u25b2")
        quit_and_check(t)


def test_the_report_is_saved_under_a_new_name_each_time(tmp_path):
    with screen(cwd=tmp_path) as t:
        for _ in range(2):
            t.press("S", "save as:")
            t.press("1", "saved: ")
        t.press("S", "save as:")
        t.press("\x1b", "q quit")
        quit_and_check(t)
    saved = sorted(os.listdir(tmp_path))
    assert len(saved) == 2 and all(re.match(r"pyleak-\d{8}-\d{6}(-2)?\.json$", name) for name in saved)
    for name in saved:
        assert os.stat(tmp_path / name).st_mode & 0o777 == 0o600
        with open(tmp_path / name, encoding="utf-8") as f:
            assert json.load(f)["processes"][0]["verdict"]["class"] == "leak"


def test_each_format_can_be_saved(tmp_path):
    with screen(cwd=tmp_path) as t:
        line = [text for text in t.press("S", "save as:").split("\n") if "save as:" in text][0]
        formats = re.findall(r"(\d) (\S+)", line)
        t.press("\x1b", "q quit")
        for key, suffix in formats:
            t.press("S", "save as:")
            t.press(key, re.compile(r"saved: pyleak-[\d-]+\." + re.escape(suffix)).search)
        quit_and_check(t)
    assert {name.split(".", 1)[1] for name in os.listdir(tmp_path)} == {suffix for _, suffix in formats}
    assert {"json", "html"} <= {suffix for _, suffix in formats} and not any(" " in name for name in os.listdir(tmp_path))


def test_a_directory_that_cannot_be_written_is_said():
    with screen(cwd="/proc") as t:
        t.press("S", "save as:")
        t.press("1", re.compile("cannot write|nothing can be saved").search)
        quit_and_check(t)


def test_it_follows_the_size_of_the_terminal():
    with screen() as t:
        for cols, rows in ((60, 16), (160, 50), (20, 5), (80, 24)):
            t.resize(cols, rows)
            t.wait_for(lambda _: "pyleak-bpf" in t.lines()[0] and t.lines()[-1].startswith("Enter open"))
        assert "q quit" in t.lines()[-1]
        quit_and_check(t)


@pytest.mark.parametrize("env", [{"LANG": "C"}, {"NO_COLOR": "1"}, {"TERM": "vt100"}, {"TERM": "linux", "LANG": "C"}], ids=str)
def test_plain_terminals(env):
    with screen(env=env, rows=30, cols=100) as t:
        t.press("\r", "held by")
        t.press("h", "Esc Backspace")
        if env.get("LANG") == "C":
            assert all(b < 0x80 for b in t.raw)
        if "NO_COLOR" in env:
            assert not re.search(rb"\x1b\[[0-9;]*3[1-7][;m]", t.raw)
        quit_and_check(t)


def signalled(sig):
    with screen() as t:
        os.kill(t.pid, sig)
        return t.ended(), t.wait_whole()


def test_the_terminal_is_whole_after_each_signal(full):
    signals = sorted(signal.valid_signals() - NO_END - IGNORED)
    if not full:  # real-time signals differ by their numbers only
        signals = [s for s in signals if s <= signal.SIGRTMIN + 1 or s == signal.SIGRTMAX]
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        got = dict(zip(signals, pool.map(signalled, signals)))
    asked = {signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGXCPU}
    assert got == {s: (0 if s in asked else -s, True) for s in signals}


def test_stopping_gives_the_terminal_back():
    env = {"PS1": "READY> "}
    with terminal.Terminal(["/bin/bash", "--norc", "--noprofile", "-i"], env=env) as t:
        t.wait_for("READY>")
        before = t.modes()
        t.press("%s --from %s --tui\r" % (TOOL, SMALL), "q quit")
        for _ in range(2):
            t.press(b"\x1a", "Stopped")
            t.wait_modes(before)
            assert not t.alternate and t.modes() == before
            # In the background it leaves the terminal alone.
            t.press("bg; echo 'x'y\r", "xy")
            t.pump(0.5)
            assert not t.alternate
            t.press("clear; fg\r", "q quit")
            t.wait_for(lambda _: t.alternate)
        # Stopped by a signal that cannot be caught, it comes back whole too.
        t.press(b"\x1a", "Stopped")
        t.press("clear; kill -STOP %1; fg\r", "q quit")
        t.wait_for(lambda _: t.alternate)
        t.press("q", "READY>")
        assert not t.alternate
        t.press("exit\r")
        t.ended()


def names(report, text):
    for p in report["processes"]:
        p["comm"] = text
        p["cmdline"] = [text, text]
        p["verdict"]["reason"] = text
        for s in p["sites"]:
            s["types"] = [{"name": text, "share": 1}] * 3
            s["held_by"] = {"path": text, "share": 1}
            for f in s["stack"]:
                f["function"] = f["file"] = text
    return report


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_names_do_nothing_to_the_terminal(tmp_path, text):
    with open(GOLDEN, encoding="utf-8") as f:
        report = json.load(f)
    report["processes"] = report["processes"][:1]
    path = tmp_path / "report.json"
    path.write_text(json.dumps(names(report, text)))
    with screen(path) as t:
        for key in ("\r", "t", "f", "m", "l"):
            t.press(key)
            assert t.lines()[0].startswith(" pyleak-bpf") and "q quit" in t.lines()[-1]
        assert t.screen.title == "" and text.encode() not in t.raw or len(text) > 100
        quit_and_check(t)


def test_many_processes_come_as_a_list():
    with screen(GOLDEN, first="PROCESS") as t:
        assert "2 Python processes" in t.text()
        t.press("\r", "registry.py:42")
        t.press("\x1b", "2 Python processes")
        quit_and_check(t)


def test_without_a_terminal_it_says_so():
    run = subprocess.run([TOOL, "--from", RECORDING, "--tui"], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    assert (run.returncode, run.stdout) == (1, "") and run.stderr.startswith("pyleak-bpf: --tui needs a terminal")
    assert run.stderr.count("\n") == 1


@pytest.mark.parametrize("args", [["--no-tui"], ["-q"], ["--record", "x"]])
def test_contradictions_are_bad_usage(args):
    run = subprocess.run([TOOL, "--from", RECORDING, "--tui", *args], capture_output=True, check=False)
    assert run.returncode == 2
