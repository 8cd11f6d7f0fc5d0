# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""`serve` for long: processes come and go, the agent itself is killed, and nothing piles up or stays behind.
In the full matrix; in the core set a few starts and kills of test_lifecycle.py and test_serve.py."""
import os
import re
import signal
import statistics
import subprocess
import time
import urllib.request

import harness
import pytest
import pythons
from harness import free_port
from test_lifecycle import left_over, object_ids, tracefs_left

pytestmark = [pytest.mark.matrix, pytest.mark.quiet]
MARK = "pyleak-soak-%d" % os.getpid()  # others may run the same test
# Children that live from nothing to two seconds, ten a second; how many there were is what it prints.
FORKS = """
import os, random, sys, time
n, alive, end = 0, set(), time.monotonic() + float(sys.argv[2])
while time.monotonic() < end:
    pid = os.fork()
    if not pid:
        keep = [{"n": i} for i in range(3000)]
        time.sleep(random.random() * 2)
        os._exit(0)
    alive.add(pid)
    n += 1
    time.sleep(0.1)
    alive -= {p for p in alive if os.waitpid(p, os.WNOHANG)[0]}
for p in alive:
    os.waitpid(p, 0)
print(n, flush=True)
time.sleep(3600)
"""
LEAK = "import time\nkeep = []\nwhile True:\n keep.append({'n': len(keep) + 0.5}); time.sleep(0.0005)\n"
SLACK = 3 << 20  # of the allocator, not of what is kept


def start(source, *args, **popen):
    return subprocess.Popen([pythons.HOST, "-c", source, MARK, *map(str, args)], stdin=subprocess.DEVNULL, text=True, **popen)


def serve(port):
    return subprocess.Popen([harness.TOOL, "serve", "-q", "--name", MARK, "--listen", "127.0.0.1:%d" % port],
                            stdin=subprocess.DEVNULL)  # fmt: skip


def rss(pid):
    with open("/proc/%d/statm" % pid) as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def fds(pid):
    return len(os.listdir("/proc/%d/fd" % pid))


def watched(port):
    """How many processes the page counts."""
    with urllib.request.urlopen("http://127.0.0.1:%d/metrics" % port, timeout=30) as answer:
        return sum(int(n) for n in re.findall(r'^pyleak_processes{class="\w+"} (\d+)$', answer.read().decode(), re.M))


@pytest.fixture(name="children")
def children_fixture():
    found = []
    yield found
    for child in found:
        child.kill()
        child.wait()


def test_processes_come_and_go(children):
    """With one that stays: at the end as much is open as at the beginning, and memory was flat from the first third on."""
    seconds, port = 7200, free_port()
    children.append(start("import time; time.sleep(100000)"))
    tool = serve(port)
    try:
        harness.wait_until(lambda: watched(port) == 1)
        open_before, sizes, most = fds(tool.pid), [], 0
        forker = start(FORKS, seconds, stdout=subprocess.PIPE)
        children.append(forker)
        begin = time.monotonic()
        while time.monotonic() - begin < seconds:
            time.sleep(0.5)
            sizes.append(rss(tool.pid))
            most = max(most, watched(port))
        forks = int(forker.stdout.readline())
        forker.kill()
        harness.wait_until(lambda: watched(port) == 1)
        harness.wait_until(lambda: fds(tool.pid) == open_before)
    finally:
        tool.send_signal(signal.SIGTERM)
        assert tool.wait(60) == 0
    third = len(sizes) // 3
    early, late = statistics.median(sizes[third : 2 * third]), statistics.median(sizes[2 * third :])
    print("%d forks, up to %d watched, %d descriptors; RSS %.1f MB, then %.1f MB" % (forks, most, open_before, early / 1e6, late / 1e6))
    # Ten a second are started; a machine that others use too may start fewer.
    assert forks > 10000 and most >= 4
    assert late < early + SLACK


def test_killed_with_probes_in(children):
    """Each time while it probes: what the kernel kept for it is gone, and what names it is swept by the next one."""
    children.append(start(LEAK))
    killed = []
    for _ in range(50):
        port = free_port()
        tool = serve(port)
        try:
            harness.wait_until(lambda t=tool: any(kind == "prog" for kind, _ in object_ids(t.pid)))
            seen = object_ids(tool.pid)
        finally:
            tool.kill()
            tool.wait()
        killed.append(tool.pid)
        assert not left_over(seen)
    assert children[0].poll() is None
    tool = serve(port)
    try:
        harness.wait_until(lambda: watched(port) == 1)
        harness.wait_until(lambda: any(kind == "prog" for kind, _ in object_ids(tool.pid)))
        ours = re.compile(r"pyleak_(%s)(?!\d)" % "|".join(map(str, killed)))
        assert not [x for x in tracefs_left() if ours.search(x)]
    finally:
        tool.send_signal(signal.SIGTERM)
        assert tool.wait(60) == 0
