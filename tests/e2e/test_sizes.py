# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Windows on a few sites see births of sizes that are also born elsewhere: no temporary is told for what took its memory."""
import concurrent.futures
import subprocess
import time

import harness
import pythons

PROGRAM = """\
import json
import time

CACHE = {}


class Profile:
    def __init__(self, uid):
        self.tags = ["tag-%d-%d" % (uid, i) for i in range(3)]


def remember(uid):
    CACHE[(uid, time.time())] = Profile(uid)


def answer(text):
    return json.dumps(json.loads(text)), list(range(30))  # TEMPORARY


n = 0
text = json.dumps({"id": 1, "name": "alice", "items": [{"k": i, "v": str(i)} for i in range(20)]})
end = time.monotonic() + 180
while time.monotonic() < end:
    n += 1
    remember(n)
    answer(text)
    time.sleep(0.0008)
"""
TEMPORARY = 1 + [i for i, line in enumerate(PROGRAM.split("\n")) if "# TEMPORARY" in line][0]


def test_no_temporary_is_told(tmp_path):
    """Twice side by side: which sites are chosen first is a matter of chance."""
    script = tmp_path / "worker.py"
    script.write_text(PROGRAM)
    targets = [subprocess.Popen([pythons.HOST, "-B", str(script)]) for _ in range(2)]
    try:
        time.sleep(12)
        with concurrent.futures.ThreadPoolExecutor(len(targets)) as pool:
            runs = list(pool.map(lambda target: harness.run_tool(target.pid, 13), targets))
        for run in runs:
            assert run.rc == 0, run.stderr
            sites = run.report["processes"][0]["sites"]
            lines = [[f["line"] for f in s["stack"] if f.get("file") == str(script)] for s in sites]
            assert lines and TEMPORARY not in sum(lines, []), (lines, run.stdout[-3000:])
    finally:
        for target in targets:
            target.kill()
            target.wait()
