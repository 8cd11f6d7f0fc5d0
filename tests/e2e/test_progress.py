# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The screen of a terminal while a heap is read, and after Ctrl-C."""
import contextlib
import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time

import harness
import needs
import pytest
import pythons

LIMIT_S = 120
MIXED = """
import sys, time
class Node: pass
keep = []
for i in range(40000):
    n = Node()
    n.a = {"id": i, "name": "n%d" % i}
    n.b = [float(i), (i, i + 1)]
    keep.append(n)
print("ready", flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module", name="heap")
def heap_fixture():
    with subprocess.Popen([pythons.HOST, "-c", MIXED], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        yield process.pid
        process.kill()


def on_terminal(columns, *args, interrupt_at=None):
    """(exit code, standard output, what the terminal got) of a slow run whose standard error is a terminal."""
    ours, theirs = needs.terminal()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 25, columns, 0, 0))
    with subprocess.Popen([harness.TOOL, *map(str, args)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=theirs, text=True) as process:  # fmt: skip
        os.close(theirs)
        slow = threading.Thread(target=harness.throttle, args=(process, 0.1, 0.005), daemon=True)
        slow.start()
        got, end = b"", time.monotonic() + LIMIT_S
        with contextlib.suppress(OSError):  # EIO: nobody has the other end any more
            while time.monotonic() < end:
                if select.select([ours], [], [], 0.1)[0]:
                    got += os.read(ours, 4096)
                if interrupt_at and interrupt_at in got.decode():
                    process.send_signal(signal.SIGINT)
                    interrupt_at = None
        out, _ = process.communicate(timeout=LIMIT_S)
        slow.join()
    os.close(ours)
    return process.returncode, out, got.decode()


def screen(text):
    """The text in the last line after all that was written."""
    line = ""
    for piece in re.split("\r|\n", text):
        line = piece + line[len(piece) :]
    return line.rstrip()


def test_a_line_that_goes_away(heap):
    code, out, seen = on_terminal(100, "why", "-p", heap, "--type", "Node", "--watch", 0)
    assert code == 0 and "module __main__ :: keep" in out
    assert re.search(r"following pointers: [0-9.]+ [KMG]iB of ~[0-9.]+ MiB, [0-9.]+ [kM] objects, \d+ s", seen), seen
    assert "\n" not in seen and screen(seen) == ""


def test_a_narrow_terminal(heap):
    code, _, seen = on_terminal(30, "why", "-p", heap, "--type", "Node", "--watch", 0)
    pieces = re.split("[\r\n]+", seen)
    assert code == 0 and any(p.startswith("following pointers") for p in pieces)
    assert max(map(len, pieces)) < 30 and screen(seen) == ""


def test_quiet(heap):
    assert on_terminal(100, "why", "-p", heap, "--type", "Node", "--watch", 0, "-q")[::2] == (0, "")


def interrupted(command, again=20):
    """Until a signal came while the heap was read: the tool is asked as soon as it listens."""
    for _ in range(again):
        tool = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while tool.poll() is None:
            with open("/proc/%d/status" % tool.pid) as f:
                caught = next((x for x in f if x.startswith("SigCgt:")), "SigCgt: 0")
            if int(caught.split()[1], 16) & 1 << (signal.SIGINT - 1):
                tool.send_signal(signal.SIGINT)
                break
        out, err = tool.communicate(timeout=LIMIT_S)
        if tool.returncode != 0:
            return tool.returncode, out, err
    raise AssertionError("never interrupted in time")


@pytest.mark.parametrize("args", [("census",), ("why", "--type", "Node")], ids=["census", "why"])
def test_ctrl_c_before_anything_is_known(heap, args):
    code, out, err = interrupted([harness.TOOL, *args, "-p", str(heap)])
    assert (code, out) == (130, "") and err.count("\n") == 1 and "interrupted" in err


def test_ctrl_c_keeps_what_is_known(heap):
    """The censuses until then are a report; waiting for the next one is progress too."""
    code, out, seen = on_terminal(100, "census", "-p", heap, "--diff", 3600, interrupt_at="until the next census")
    assert code == 0 and "__main__.Node" in out
    assert screen(seen).strip() == "interrupted: what grew is of less than 3600 s, or not known"


def test_what_was_left_out_by_size_is_said(heap):
    run = subprocess.run([harness.TOOL, "-p", str(heap), "-d", "1", "-q", "-Z", "1k"], capture_output=True, text=True,
                         timeout=LIMIT_S, stdin=subprocess.DEVNULL)  # fmt: skip
    assert run.returncode == 0 and "only sizes of at most 1.0 KiB are looked at (-Z)" in run.stdout, run.stdout
