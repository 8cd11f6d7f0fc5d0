# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Lines of a stripped extension whose debug information only a debuginfod server has."""
import contextlib
import socket
import subprocess
import time
import urllib.request

import harness
import native_ext
import pytest
import pythons
from until import Until, sites_of

PROGRAM = """
import sys, time
sys.path.insert(0, sys.argv[1])
import leaky_debug
open(sys.argv[2], "w").write("x")
while True:
    leaky_debug.no_free(1000)
    time.sleep(0.005)
"""


@contextlib.contextmanager
def leaking(where, ready):
    target = subprocess.Popen([pythons.HOST, "-c", PROGRAM, where, where / ready], stdin=subprocess.DEVNULL)
    try:
        harness.wait_file(str(where / ready), target)
        yield target.pid
    finally:
        target.kill()
        target.wait()


@pytest.fixture(name="extension", scope="module")
def extension_fixture(tmp_path_factory):
    """The folder with a stripped extension, and that with what was stripped off."""
    where, served = tmp_path_factory.mktemp("ext"), tmp_path_factory.mktemp("served")
    native_ext.split_debug(native_ext.compile_ext(str(where), "leaky_debug", "leaky.c", "/usr/include/python3.11", "-g"), str(served))
    return where, served


@pytest.fixture(name="target", scope="module")
def target_fixture(extension):
    """A leaking process, and the folder with what was stripped off."""
    where, served = extension
    with leaking(where, "ready") as pid:
        yield pid, served


@pytest.fixture(name="silent")
def silent_fixture():
    """The address of a server that takes connections and says nothing."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(8)
        yield "http://127.0.0.1:%d" % silent.getsockname()[1]


def watch(pid, url, cache, *args, seconds=10, until=None):
    env = {"DEBUGINFOD_URLS": url, "DEBUGINFOD_CACHE_PATH": str(cache)}
    run = harness.run_tool(pid, seconds, ("--overhead", 40, *args), env=env, until=until)
    assert run.rc == 0, run.stderr
    return run


def watch_for_blocks(pid, url, cache):
    """Ends when blocks are told. One counts that was seen being made and is there a second later: where few windows open, late."""
    run = watch(pid, url, cache, seconds=30, until=Until(lambda text: any(" blocks/s" in site for site in sites_of(text)), 2))
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
        frames, _ = watch_for_blocks(pid, url, tmp_path / "cache")
    finally:
        server.kill()
        server.wait()
    assert [f["function"] for f in frames] == ["take_block", "build_record", "no_free"]
    assert frames[0]["line"] == native_ext.line_of(native_ext.SOURCES + "/leaky.c", "/* LINE: take_block")


def test_a_server_that_does_not_answer(target, silent, tmp_path):
    """It is asked once, whatever else there is to ask for, and the watch goes on and ends without it."""
    pid, _ = target
    begin = time.monotonic()
    frames, run = watch_for_blocks(pid, silent, tmp_path / "cache")
    assert frames[0]["line"] is None
    assert run.stderr.count("do not answer in time: not asked again") == 1
    assert time.monotonic() - begin < 60


def test_it_is_waited_for_once(extension, target, silent, tmp_path):
    """However many processes are watched: the report waits 10 s until a request is over, and not again for the next process."""
    with leaking(extension[0], "second") as second:
        run = watch("%d,%d" % (target[0], second), silent, tmp_path / "cache", "--wait", 30)
    assert len(run.report["processes"]) == 2
    assert run.stderr.count("do not answer in time: not asked again") == 1
