# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Readers of files that may lie, under the sanitizers, for a bounded time. A run of all tests takes the same lies each
time: it tells what a change broke. To search, PYLEAK_FUZZ_SEED takes others and PYLEAK_FUZZ_SECONDS makes it longer."""
import os
import subprocess
import time

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(TOP, os.environ.get("PYLEAK_BUILD", "build"))
FUZZERS = os.path.join(BUILD, "tests", "fuzz")
TRIXIE = os.path.join(os.environ.get("PYLEAK_CACHE", "/var/tmp"), "pyleak-roots", "trixie")
SECONDS = int(os.environ.get("PYLEAK_FUZZ_SECONDS", "10"))
ENV = {
    **os.environ,
    # A size that is believed shows as an allocation that nobody can have.
    "ASAN_OPTIONS": "allocator_may_return_null=1:max_allocation_size_mb=1024:detect_leaks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
}


@pytest.fixture(scope="module", name="files")
def files_fixture(tmp_path_factory):
    """A small process as a snapshot and as a core; one that states its own layout, as a snapshot."""
    where = tmp_path_factory.mktemp("fuzz")
    found = {}
    for name, command in (("old", ["/usr/bin/python3"]), ("new", ["chroot", TRIXIE, "/usr/bin/python3.13"])):
        if name == "new" and not os.path.exists(TRIXIE + command[-1]):
            continue
        with subprocess.Popen(command + ["-I", "-S", "-c", "import time; time.sleep(1000)"]) as p:
            try:
                save(p.pid, where / name)
                found[name] = where / name
                if name == "old":
                    subprocess.run(["gcore", "-o", str(where / "core"), str(p.pid)], check=True, capture_output=True)
                    found["core"] = where / ("core.%d" % p.pid)
            finally:
                p.kill()
    return found


def save(pid, path):
    end = time.monotonic() + 60
    while True:
        run = subprocess.run([BUILD + "/pyleak-bpf", "census", "-p", str(pid), "--save", str(path)],
                             capture_output=True, text=True)  # fmt: skip
        if run.returncode == 0:
            return
        assert time.monotonic() < end, run.stderr
        time.sleep(0.2)


def fuzz(program, kind, path, seconds):
    seed = int(os.environ.get("PYLEAK_FUZZ_SEED", 1))
    # One round may take a while; the limit is for what never ends.
    run = subprocess.run([os.path.join(FUZZERS, program), str(seconds), str(seed), kind, str(path)], capture_output=True,
                         text=True, env=ENV, timeout=seconds + 240, errors="replace")  # fmt: skip
    assert run.returncode == 0, "PYLEAK_FUZZ_SEED=%d: %s %s" % (seed, run.stdout[-300:], run.stderr[-4000:])
    print(run.stdout)


@pytest.mark.parametrize("program", ("fuzz_source", "fuzz_report"))
def test_sanitizers_are_in(program):
    """Without them a round that reads too far passes."""
    with open(os.path.join(FUZZERS, program), "rb") as f:
        assert b"__asan_init" in f.read()


@pytest.mark.parametrize("what", ("old", "new", "core"))
def test_source(files, what):
    if what not in files:
        pytest.skip("no root file system of Debian 13")
    fuzz("fuzz_source", "core" if what == "core" else "snapshot", files[what], SECONDS)


def test_report():
    fuzz("fuzz_report", "report", os.path.join(TOP, "tests", "golden", "report.json"), max(SECONDS // 4, 1))
