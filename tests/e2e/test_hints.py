# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The holder of the survivors of each leaking line, and the hint for it, in one watch of seven leaks."""
import os
import resource
import subprocess
import time

import harness
import pythons
from until import Until, sites_of

PROGRAM = "seven_ways"


def expected():
    """Line -> (code, word of the path)."""
    out = {}
    with open(os.path.join(pythons.ZOO, PROGRAM + ".py")) as f:
        for n, text in enumerate(f, 1):
            if "# HINT" in text:
                out[n] = tuple(text.split("# HINT")[1].split())
    return out


def until_told(want):
    """Each line has its hint and its holder in four reports, one each two seconds."""

    def is_told(sites, line, code, word):
        words = ("%s.py:%d " % (PROGRAM, line), "   %s: " % code)
        return any(all(w in s for w in words) and word in s.partition("held by ")[2].partition("\n")[0] for s in sites)

    return Until(lambda text: all(is_told(sites_of(text), line, *how) for line, how in want.items()), 4)


def watch(seconds, want):
    """Line -> sites that are born there."""
    with harness.Target(pythons.host(), PROGRAM, harness.GENTLE) as target:
        target.wait_ready()
        time.sleep(1.0)
        # Beside other tests the last search may still go on when the time is up.
        more = ("--wait", 20, "-v", "--top", 30, *harness.AS_OF_A_BUSY_ONE)
        run = harness.run_tool(target.pid, seconds, more, until=until_told(want))
        assert run.rc == 0, run.stderr
        assert target.alive()
        assert harness.validate(run.report) == []
    found = {}
    for site in run.report["processes"][0]["sites"]:
        frames = [f for f in site["stack"] if f["lang"] == "python"]
        lines = [f["line"] for f in frames if f["file"].endswith(PROGRAM + ".py")]
        # The caller's line where the object is made in __init__ (its dict, on old Pythons).
        for line in lines[:2]:
            found.setdefault(line, []).append(site)
    return found


def wrong_ones(found, want):
    wrong = {}
    for line, (code, word) in want.items():
        sites = [s for s in found.get(line, []) if s["hint"] and s["held_by"]]
        if not any(s["hint"]["code"] == code and word in s["held_by"]["path"] for s in sites):
            wrong[line] = (code, [(s["verdict"], s["hint"], s["held_by"]) for s in found.get(line, [])])
    return wrong


def test_seven_hints():
    want = expected()
    assert len(want) == 7
    # 60 objects a second each are a sample in a second or so.
    assert wrong_ones(watch(2 * harness.SECONDS, want), want) == {}


BIG = """
import time
HEAP = [float(i) for i in range(2500000)]
KEPT = []
print("ready", flush=True)
while True:
    KEPT.append({"id": len(KEPT)})
    time.sleep(0.005)
"""


def test_a_heap_that_is_too_big_is_said():
    """The tool may not have the memory that the question would take: no answer, and the reason."""
    with subprocess.Popen([pythons.HOST, "-c", BIG], stdout=subprocess.PIPE, text=True) as target:
        assert target.stdout.readline() == "ready\n"
        run = harness.run_tool(target.pid, 20, during=lambda tool: resource.prlimit(
            tool.pid, resource.RLIMIT_DATA, (200 << 20, 200 << 20)))  # fmt: skip
        assert target.poll() is None
        target.kill()
    assert run.rc == 0, run.stderr
    process = run.report["processes"][0]
    assert process["sites"] and process["sites"][0]["held_by"] is None
    assert process["lost"]["held_by_unknown"] > 0
    assert "what holds the survivors is not known: its heap has too many blocks" in run.stdout
