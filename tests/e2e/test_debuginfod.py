# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Lines of a stripped extension whose debug information only a debuginfod server has."""
import socket
import subprocess
import time
import urllib.request

import harness
import native_ext
import pytest
import pythons

PROGRAM = """
import sys, time
sys.path.insert(0, sys.argv[1])
import leaky_debug
open(sys.argv[2], "w").write("x")
while True:
    leaky_debug.no_free(1000)
    time.sleep(0.005)
"""


@pytest.fixture(name="target", scope="module")
def target_fixture(tmp_path_factory):
    """A leaking process, and the folder with what was stripped off."""
    where, served = tmp_path_factory.mktemp("ext"), tmp_path_factory.mktemp("served")
    native_ext.split_debug(native_ext.compile_ext(str(where), "leaky_debug", "leaky.c", "/usr/include/python3.11", "-g"), str(served))
    target = subprocess.Popen([pythons.HOST, "-c", PROGRAM, where, where / "ready"], stdin=subprocess.DEVNULL)
    try:
        harness.wait_file(str(where / "ready"), target)
        yield target.pid, served
    finally:
        target.kill()
        target.wait()


def watch(pid, url, cache):
    env = {"DEBUGINFOD_URLS": url, "DEBUGINFOD_CACHE_PATH": str(cache)}
    run = harness.run_tool(pid, 5, env=env)
    assert run.rc == 0, run.stderr
    site = next(s for s in run.report["processes"][0]["sites"] if s["kind"] == "heap")
    return [f for f in site["stack"] if f.get("module", "").endswith("leaky_debug.so")], run


def test_lines_come_from_the_server(target, tmp_path):
    pid, served = target
    port = harness.free_port()
    server = subprocess.Popen(["debuginfod", "-F", "-p", str(port), "-d", ":memory:", served], stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    url = "http://localhost:%d" % port
    file = next(served.rglob("*.debug"))
    try:
        harness.wait_until(lambda: urllib.request.urlopen("%s/buildid/%s%s/debuginfo" % (url, file.parent.name, file.stem)), 60)
        frames, _ = watch(pid, url, tmp_path / "cache")
    finally:
        server.kill()
        server.wait()
    assert [f["function"] for f in frames] == ["take_block", "build_record", "no_free"]
    assert frames[0]["line"] == native_ext.line_of(native_ext.SOURCES + "/leaky.c", "/* LINE: take_block")


def test_a_server_that_does_not_answer(target, tmp_path):
    """It is asked once, whatever else there is to ask for, and the watch goes on and ends without it."""
    pid, _ = target
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(8)
        begin = time.monotonic()
        frames, run = watch(pid, "http://127.0.0.1:%d" % silent.getsockname()[1], tmp_path / "cache")
    assert frames[0]["line"] is None
    assert run.stderr.count("do not answer in time: not asked again") == 1
    assert time.monotonic() - begin < 60
