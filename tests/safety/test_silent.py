# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A Python whose program lies on storage that does not answer, or no longer, keeps nobody from the others."""
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


@pytest.mark.parametrize("when", ["first", "while it is watched", "as a user likes"])
def test_a_sweep_goes_on(tmp_path, when):
    path = tmp_path / "sweep.json"
    silent = leaking = None
    try:
        storage = lib_fuse.Storage(0, LIFE_S, 0, PYTHON, NOBODY if when == "as a user likes" else 0)
    except OSError as e:
        pytest.skip(str(e))
    with storage:
        try:
            silent = start(storage.path, WAITS)
            leaking = start(PYTHON, LEAKS)
            if when == "first":
                storage.hush()
                time.sleep(0.5)
            tool = subprocess.Popen([TOOL, "sweep", "-d", str(WATCH_S), "--no-tui", "--name", MARK, "--json", path],
                                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)  # fmt: skip
            if when == "while it is watched":
                time.sleep(8)
                storage.hush()
                time.sleep(4)
                silent.kill()  # all that was opened for it is closed
            try:
                said = tool.communicate(timeout=ENDS_S)[0]
            except subprocess.TimeoutExpired:
                said = None
                tool.kill()
        finally:
            # With the server ends every wait for it: before anything else is waited for.
            storage.server.kill()
            for p in filter(None, (silent, leaking)):
                p.kill()
                p.wait()
    tool.wait()
    assert said is not None, "it waits for the storage"
    assert tool.returncode == 0, said
    if when != "while it is watched":
        assert "process %d (silent): the storage of %s does not answer" % (silent.pid, storage.path) in said
    assert [p["pid"] for p in json.loads(path.read_text())["processes"]] == [leaking.pid]
