# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A Python whose program lies on storage that does not answer, or no longer, keeps nobody from the others."""
import contextlib
import json
import os
import subprocess
import sys
import time

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lib_fuse  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
TOOL = os.path.join(TOP, os.environ.get("PYLEAK_BUILD", "build"), "pyleak-bpf")
PYTHON = os.path.realpath("/usr/bin/python3")
NOBODY = 65534
MARK = "pyleak-silent-%d" % os.getpid()
WATCH_S = 20
ENDS_S = 40  # with its start and its end on a busy machine
LIFE_S = 100
WAITS = "import time\nprint('ready', flush=True)\ntime.sleep(1000)\n"
LEAKS = """import time
kept = []
print('ready', flush=True)
while True:
    kept.append([len(kept)] * 300)
    time.sleep(0.002)
"""

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def start(program, text):
    p = subprocess.Popen([program, "-S", "-c", text, MARK], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
                         env={"PYTHONHOME": sys.base_prefix})  # fmt: skip
    assert p.stdout.readline() == "ready\n"
    return p


# The users whose storage it is: that of one who is not root answers as long as that one likes, and is not asked.
@pytest.mark.parametrize("when,users", [("first", (0, NOBODY)), ("while it is watched", (0,))], ids=["first", "while it is watched"])
def test_a_sweep_goes_on(tmp_path, when, users):
    path = tmp_path / "sweep.json"
    silent, leaking = [], None
    with contextlib.ExitStack() as stack:
        try:
            storages = [stack.enter_context(lib_fuse.Storage(0, LIFE_S, 0, PYTHON, user)) for user in users]
        except OSError as e:
            pytest.skip(str(e))
        try:
            for storage in storages:
                silent.append(start(storage.path, WAITS))
            leaking = start(PYTHON, LEAKS)
            if when == "first":
                storages[0].hush()
                time.sleep(0.5)
            tool = subprocess.Popen([TOOL, "sweep", "-d", str(WATCH_S), "--no-tui", "--name", MARK, "--json", path],
                                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)  # fmt: skip
            if when == "while it is watched":
                time.sleep(8)
                storages[0].hush()
                time.sleep(4)
                silent[0].kill()  # all that was opened for it is closed
            try:
                said = tool.communicate(timeout=ENDS_S)[0]
            except subprocess.TimeoutExpired:
                said = None
                tool.kill()
        finally:
            # With the server ends every wait for it: before anything else is waited for.
            for storage in storages:
                storage.server.kill()
            for p in filter(None, (*silent, leaking)):
                p.kill()
                p.wait()
    tool.wait()
    assert said is not None, "it waits for the storage"
    assert tool.returncode == 0, said
    if when == "first":
        told = ["process %d (silent): the storage of %s does not answer" % (p.pid, s.path) for p, s in zip(silent, storages)]
        assert "%d processes could not be looked at; the last reason: " % len(told) in said and any(t in said for t in told), said
    assert [p["pid"] for p in json.loads(path.read_text())["processes"]] == [leaking.pid]
