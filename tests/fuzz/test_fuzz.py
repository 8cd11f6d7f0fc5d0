# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Readers of files that may lie, under the sanitizers, for a bounded time. PYLEAK_FUZZ_SECONDS makes it longer,
PYLEAK_FUZZ_SEED repeats a run."""
import os
import random
import subprocess
import time

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(TOP, os.environ.get("PYLEAK_BUILD", "build"))
FUZZER = os.path.join(BUILD, "tests", "fuzz", "fuzz_source")
SECONDS = int(os.environ.get("PYLEAK_FUZZ_SECONDS", "20"))
ENV = {
    **os.environ,
    # A size that is believed shows as an allocation that nobody can have.
    "ASAN_OPTIONS": "allocator_may_return_null=1:max_allocation_size_mb=1024:detect_leaks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
}


@pytest.fixture(scope="module", name="files")
def files_fixture(tmp_path_factory):
    """A small process as a snapshot and as a core."""
    where = tmp_path_factory.mktemp("fuzz")
    with subprocess.Popen(["/usr/bin/python3", "-I", "-S", "-c", "import time; time.sleep(1000)"]) as p:
        try:
            end = time.monotonic() + 60
            while True:
                run = subprocess.run([BUILD + "/pyleak-bpf", "census", "-p", str(p.pid), "--save", str(where / "snap")],
                                     capture_output=True, text=True)  # fmt: skip
                if run.returncode == 0:
                    break
                assert time.monotonic() < end, run.stderr
                time.sleep(0.2)
            subprocess.run(["gcore", "-o", str(where / "core"), str(p.pid)], check=True, capture_output=True)
        finally:
            p.kill()
    return {"snapshot": where / "snap", "core": where / ("core.%d" % p.pid)}


@pytest.mark.parametrize("kind", ("snapshot", "core"))
def test_source(files, kind):
    seed = int(os.environ.get("PYLEAK_FUZZ_SEED", random.randrange(1 << 30)))
    # One round may take a while; the limit is for what never ends.
    run = subprocess.run([FUZZER, str(SECONDS), str(seed), kind, str(files[kind])], capture_output=True, text=True,
                         env=ENV, timeout=SECONDS + 240, errors="replace")  # fmt: skip
    assert run.returncode == 0, "PYLEAK_FUZZ_SEED=%d: %s %s" % (seed, run.stdout[-300:], run.stderr[-4000:])
    print(run.stdout)
