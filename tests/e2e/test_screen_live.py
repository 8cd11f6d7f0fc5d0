# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The full-screen view of programs that run: from the first picture to the final report."""
import contextlib
import os
import re
import signal
import subprocess
import sys
import time

import harness
import needs
import pytest
import pythons

sys.path.insert(0, os.path.join(harness.TOP, "tests", "cli"))
import terminal

DEMO = os.path.join(harness.TOP, "tests", "zoo", "demo.py")
LEAK_S = 60
CPU_S = 15


@pytest.fixture(name="shop")
def shop_fixture():
    for fd in needs.terminal():
        os.close(fd)
    with subprocess.Popen([pythons.HOST, "-B", DEMO, "--seconds", "300"]) as process:
        yield process.pid
        process.kill()


@contextlib.contextmanager
def screen(*args, **kwargs):
    with terminal.Terminal([harness.TOOL, *map(str, args)], **kwargs) as t:
        yield t


def line_of_the_leak():
    with open(DEMO, encoding="utf-8") as f:
        return next(n for n, line in enumerate(f, 1) if "# LEAK" in line)


def test_a_watch_from_attaching_to_the_final_report(shop):
    where = "demo.py:%d" % line_of_the_leak()
    with screen("-p", shop) as t:
        t.wait_for("attaching to %d" % shop)
        t.wait_for("no line grows so far")
        t.wait_for(lambda text: re.search(r"^LEAK .*" + re.escape(where), text, re.M), LEAK_S)
        text = t.press("\r", "held by")
        assert "RECEIPTS" in text and "Shop.receipt" in text
        t.press("m", "Python objects")
        t.press("\x1b", "held by")
        t.press("p", "PAUSED")
        t.press("p")
        t.press("q")
        assert t.ended() == 0
        assert t.wait_whole()
        final = t.raw.rpartition(b"\x1b[?1049l")[2].decode()
        assert "final report" in final and where in final


def test_the_terminal_is_whole_after_a_kill(shop):
    with screen("-p", shop) as t:
        t.wait_for("no line grows so far")
        os.kill(t.pid, signal.SIGKILL)
        assert t.ended() == -signal.SIGKILL
        assert t.wait_modes(t.before) == t.before
        t.pump(0.5)
        assert not t.alternate


def test_a_sweep_shows_processes_and_goes_in(shop):
    with screen("sweep", "--name", "demo.py --seconds 300") as t:
        # The end of a command line is cut where its verdict is long.
        t.wait_for(lambda text: re.search(r"%d .*demo\.py" % shop, text))
        t.press("\r", "VERDICT")
        t.press("q")
        assert t.ended() == 0
        assert t.wait_whole()


def test_without_a_screen_the_log_is_plain(shop):
    with screen("-p", shop, "--no-tui", "-d", 6) as t:
        # Its first lines may have left the screen.
        assert t.ended() == 0 and b"final report" in t.raw and b"\x1b[?1049h" not in t.raw


def test_a_recording_is_gone_through_by_moments(shop, tmp_path):
    saved = tmp_path / "shop.rec"
    subprocess.run([harness.TOOL, "-p", str(shop), "-d", "6", "-i", "1", "--record", saved], check=True, capture_output=True)
    with screen("--from", saved, "--tui") as t:
        text = t.wait_for(lambda text: re.search(r"moment (\d+) of \1\b", text))
        last = int(re.search(r"moment (\d+) of", text)[1])
        assert last > 3
        t.press(b"\x1bOD", "moment %d of %d" % (last - 1, last))
        t.press(b"\x1bOD", "moment %d of %d" % (last - 2, last))
        t.press(b"\x1bOC", "moment %d of %d" % (last - 1, last))
        t.press("q")
        assert t.ended() == 0
    with screen("--from", saved, "--tui", "--at", 3) as t:
        text = t.wait_for(re.compile(r"watched [23] s, moment \d+ of %d" % last).search)


def test_a_recording_waits_for_its_reader_before_the_screen(shop, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with screen("-p", shop, "--record", pipe) as t:
        t.wait_for("for a reader of the pipe")
        assert not t.alternate
        with subprocess.Popen(["cat", pipe], stdout=subprocess.DEVNULL) as reader:
            t.wait_for("no line grows so far")
            assert t.alternate
            t.press("q")
            assert (t.ended(), reader.wait(timeout=20)) == (0, 0)


def cpu_s(pid):
    """CPU time of the thread that draws, which is the one that watches, too."""
    with open("/proc/%d/task/%d/schedstat" % (pid, pid), encoding="ascii") as f:
        return int(f.read().split()[0]) / 1e9


@pytest.mark.quiet
@pytest.mark.matrix
def test_drawing_costs_little(shop):
    took = []
    for args in (["--no-tui", "-i", 2], ["-i", 2]):
        with screen("-p", shop, "--overhead", 1, *args) as t:
            t.wait_for(re.compile("report so far|VERDICT").search)
            begin, since = cpu_s(t.pid), time.monotonic()
            while time.monotonic() < since + CPU_S:
                t.pump(0.2)
            took.append((cpu_s(t.pid) - begin) / CPU_S)
    print("plain %.2f %%, full screen %.2f %% of a core" % tuple(100 * x for x in took))
    assert took[1] - took[0] < 0.01
