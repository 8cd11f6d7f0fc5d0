# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The parts that RSS is made of, against what the allocator and the kernel say."""
import json
import os
import re
import signal
import subprocess
import time

import harness
import pytest
import pythons
from test_snapshot import LIMIT_S, census, wait_stopped

# The parts of glibc's malloc are told by its program; it has no ctypes with musl.
ALL = [p for p in pythons.params([pythons.host()] + pythons.debian_roots()) if not p.values[0].free_threaded and not p.values[0].is_musl]


def smaps_rss(pid):
    with open("/proc/%d/smaps" % pid) as f:
        return sum(int(kb) for kb in re.findall(r"^Rss:\s+(\d+) kB", f.read(), re.M)) * 1024


def wait_truth(target, n):
    end = time.monotonic() + LIMIT_S
    target.wait_ready()
    while len(target.truth()) < n:
        assert target.alive() and time.monotonic() < end
        time.sleep(0.05)
    wait_stopped(target.pid)
    return target.truth()[-1]


@pytest.mark.parametrize("python", ALL)
def test_parts_of_rss(python, tmp_path):
    pythons.install_zoo(python)
    with harness.Target(python, "parts_malloc") as target:
        truth = wait_truth(target, 1)
        rss = smaps_rss(target.pid)
        memory = census("-p", target.pid, out=str(tmp_path / "a.json"))["memory"]
        part = {name: p["bytes"] for name, p in memory["parts"].items()}
        assert sum(part.values()) == pytest.approx(rss, rel=0.02)
        assert sum(part.values()) == pytest.approx(memory["rss_bytes"], rel=0.05)
        # In use by malloc's own account, which takes what threads keep in their caches for used.
        assert part["malloc_live"] == pytest.approx(truth["used"], rel=0.05)
        # All that was freed had been written to, but for the end of each arena.
        assert part["malloc_slack"] == pytest.approx(truth["free"], rel=0.05)
        assert truth["mmap"] <= part["mmap"] <= truth["mmap"] + (1 << 20)
        assert 4 * 4096 <= part["stacks"] < 4 << 20
        assert part["other"] < 0.02 * rss
        assert part["python_live"] > 50000 * 56
        # Half of the lists are gone, every second one: their blocks are free between live ones.
        assert part["python_slack"] > 1 << 20
        os.kill(target.pid, signal.SIGCONT)
        truth = wait_truth(target, 2)
        gone = rss - smaps_rss(target.pid)
        assert memory["trimmable_bytes"] == pytest.approx(gone, rel=0.05, abs=512 << 10)
        after = census("-p", target.pid, out=str(tmp_path / "b.json"))["memory"]
        assert after["trimmable_bytes"] < 0.05 * memory["trimmable_bytes"] + (256 << 10)
        assert after["parts"]["malloc_live"]["bytes"] == pytest.approx(truth["used"], rel=0.05)


def test_parts_in_the_main_job(tmp_path):
    """Growth of the parts: a program that leaks through malloc alone."""
    with harness.Target(pythons.host(), "ctypes_malloc", harness.GENTLE) as target:
        target.wait_ready()
        run = harness.run_tool(target.pid, 12)
        assert run.rc == 0, run.stderr
        assert harness.validate(run.report) == []
        memory = run.report["processes"][0]["memory"]
        parts = memory["parts"]
        # The target grows between the two readings.
        assert sum(p["bytes"] for p in parts.values()) == pytest.approx(memory["rss_bytes"], rel=0.1)
        grows = {name: p["growth_bytes_per_s"] for name, p in parts.items()}
        assert max(grows, key=grows.get) == "malloc_live"
        assert grows["malloc_live"] > 0
        assert "malloc in use" in run.stdout


def child_of(target):
    end = time.monotonic() + LIMIT_S
    child = ""
    while not child and time.monotonic() < end:
        time.sleep(0.1)
        with open("/proc/%d/task/%d/children" % (target.pid, target.pid)) as f:
            child = f.read().strip()
    return int(child)


FORKED = """
import os, runpy, sys, threading
program, truth = sys.argv[1:]
zoo = runpy.run_path(program)
event, ready, keep = threading.Event(), threading.Semaphore(0), []
threads = [threading.Thread(target=zoo["work"], args=(100, keep, ready, event)) for _ in range(zoo["STACKS"])]
for t in threads:
    t.start()
for t in threads:
    ready.acquire()
event.set()
for t in threads:
    t.join()
if os.fork():
    os.wait()
else:
    sys.argv[1:] = ["--truth", truth]
    zoo["main"]()
"""


def test_heaps_that_a_fork_splits(tmp_path):
    """The kernel joins what a child's heap grows by with nothing that it has from its parent."""
    truth, program = str(tmp_path / "truth"), os.path.join(pythons.ZOO, "parts_malloc.py")
    target = subprocess.Popen([pythons.HOST, "-B", "-c", FORKED, program, truth], start_new_session=True)
    try:
        child = child_of(target)
        wait_stopped(child)
        with open("/proc/%d/maps" % child) as f:
            assert f.read().count("[heap]") > 1
        with open(truth) as f:
            want = json.loads(f.readline())
        rss = smaps_rss(child)
        memory = census("-p", child, out=str(tmp_path / "a.json"))["memory"]
        part = {name: p["bytes"] for name, p in memory["parts"].items()}
        assert sum(part.values()) == pytest.approx(rss, rel=0.02)
        assert part["malloc_live"] == pytest.approx(want["used"], rel=0.05)
        assert part["malloc_slack"] == pytest.approx(want["free"], rel=0.05)
        assert want["mmap"] <= part["mmap"] <= want["mmap"] + (1 << 20)
    finally:
        os.killpg(target.pid, signal.SIGKILL)
        target.wait()


def test_a_read_leaves_shared_pages_shared():
    """Pages that a fork shares are not copied because somebody looks at them."""
    code = (
        "import os, sys, time\n"
        "x = [bytes([i % 250]) * 3000 for i in range(20000)]\n"
        "pid = os.fork()\n"
        "time.sleep(1000)\n"
    )

    def pss(pid):
        with open("/proc/%d/smaps_rollup" % pid) as f:
            return int(re.search(r"^Pss:\s+(\d+)", f.read(), re.M).group(1)) * 1024

    target = subprocess.Popen([pythons.HOST, "-c", code], start_new_session=True)
    try:
        child = child_of(target)
        time.sleep(0.5)
        before = pss(child)
        census("-p", child)
        assert before > 25 << 20
        assert pss(child) < before + (4 << 20)
    finally:
        os.killpg(target.pid, signal.SIGKILL)
        target.wait()


RESERVED = """
import mmap, os, signal
NORESERVE = 0x4000
rows = [mmap.mmap(-1, 64 << 30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | NORESERVE) for _ in range(3)]
rows[0][12345] = 1
os.kill(os.getpid(), signal.SIGSTOP)
"""


def test_memory_that_was_never_touched_stays_so():
    """Reserved address space costs no page tables because somebody looks for heaps in it."""

    def tables(pid):
        with open("/proc/%d/status" % pid) as f:
            return int(re.search(r"^VmPTE:\s+(\d+)", f.read(), re.M).group(1))

    target = subprocess.Popen([pythons.HOST, "-c", RESERVED])
    try:
        wait_stopped(target.pid)
        before = tables(target.pid)
        census("-p", target.pid)
        assert tables(target.pid) < before + 256
    finally:
        target.kill()
        target.wait()


HOSTILE = """
import ctypes, os, random, signal
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
random.seed(%d)
blocks = [libc.malloc(random.choice((24, 200, 3000, 70000))) for _ in range(20000)]
odd = (0, 1, 2, 8, 16, 17, 0x21, 0x7fffffffffffffff, 0xffffffffffffffff, 0xfffffffffffffff0, 1 << 40, 4096 | 2)
targets = random.sample(blocks, 4000)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
for p in targets:
    ctypes.c_uint64.from_address(p - 8).value = random.choice(odd)
os.kill(os.getpid(), signal.SIGSTOP)
"""


@pytest.mark.parametrize("seed", (1, 2))
def test_headers_of_chunks_that_lie(seed):
    """It ends, and what cannot be followed is still part of RSS."""
    target = subprocess.Popen([pythons.HOST, "-c", HOSTILE % seed])
    try:
        wait_stopped(target.pid)
        begin = time.monotonic()
        memory = census("-p", target.pid)["memory"]
        assert time.monotonic() - begin < LIMIT_S / 2
        rss = smaps_rss(target.pid)
        assert sum(p["bytes"] for p in memory["parts"].values()) == pytest.approx(rss, rel=0.05)
        assert memory["parts"]["other"]["bytes"] > 0
    finally:
        target.kill()
        target.wait()
