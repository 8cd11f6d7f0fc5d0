# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The settings file of `serve`: what it may say, SIGHUP, and a faulty one."""
import contextlib
import json
import os
import signal
import subprocess

import pytest

import harness
import pythons
from harness import free_port
from test_serve import get

# Others may run the same test.
ONE, TWO, BOTH = ("pyleak-%s-%d" % (n, os.getpid()) for n in ("one", "two", "(one|two)"))
PROGRAM = "import time\nprint('ready', flush=True)\ntime.sleep(1000)\n"


@contextlib.contextmanager
def sleeper(name):
    child = subprocess.Popen([pythons.HOST, "-c", PROGRAM, name], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    try:
        assert child.stdout.readline() == b"ready\n"
        yield child.pid
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


@contextlib.contextmanager
def serving(*args):
    tool = subprocess.Popen([harness.TOOL, "serve", *map(str, args)], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        yield tool
    finally:
        if tool.poll() is None:
            tool.send_signal(signal.SIGTERM)
        tool.stderr.close()
        assert tool.wait(30) == 0


def watched(port, token):
    status, text = get(port, "/report.json", {"Authorization": "Bearer " + token})
    return {p["pid"] for p in json.loads(text)["processes"]} if status == 200 else status


def test_read_again(tmp_path):
    conf, token, port = tmp_path / "conf", tmp_path / "token", free_port()
    settings = "# a comment\n\n[which]\nname = %s\n[where]\n  listen = 127.0.0.1:%d \ntoken-file = %s\n"
    token.write_text("first\n")
    conf.write_text(settings % (ONE, port, token))
    with sleeper(ONE) as one, sleeper(TWO) as two, serving("--config", conf) as tool:
        assert "listening" in tool.stderr.readline()
        harness.wait_until(lambda: watched(port, "first") == {one})
        # Other processes and another token.
        token.write_text("second\n")
        conf.write_text(settings % (BOTH, port, token))
        tool.send_signal(signal.SIGHUP)
        assert "in effect" in tool.stderr.readline()
        assert watched(port, "first") == 401
        harness.wait_until(lambda: watched(port, "second") == {one, two})
        # A wrong file changes nothing, and one line says where it is wrong.
        for text, says in ((settings % (TWO, port, token) + "max-sites = many\n", "line 8: --max-sites many"),
                           ("listen = 127.0.0.1:%d\n" % (port + 1), "restart"), ("colour = red\n", "'colour'"),
                           (settings % ("(", port, token), "Unmatched"), ("\0", "no text"), ("token-file = /nonexistent\n", "/nonexistent")):
            conf.write_text(text)  # fmt: skip
            tool.send_signal(signal.SIGHUP)
            line = tool.stderr.readline()
            assert "the settings stay as they were" in line and says in line
        conf.unlink()
        tool.send_signal(signal.SIGHUP)
        assert str(conf) in tool.stderr.readline()
        harness.wait_until(lambda: watched(port, "second") == {one, two})
        conf.write_text(settings % (TWO, port, token))
        tool.send_signal(signal.SIGHUP)
        assert "in effect" in tool.stderr.readline()
        harness.wait_until(lambda: watched(port, "second") == {two})


def test_a_hangup_before_it_can_be_heard(tmp_path):
    conf = tmp_path / "conf"
    conf.write_text("listen = 127.0.0.1:%d\nname = pyleak-no-such-name\n" % free_port())
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    try:
        with serving("--config", conf) as tool:
            tool.send_signal(signal.SIGHUP)
            assert "listening" in tool.stderr.readline()
            assert "in effect" in tool.stderr.readline()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def test_the_token_alone_is_read_again(tmp_path):
    token, port = tmp_path / "token", free_port()
    token.write_text(" first \n")
    with serving("--listen", "127.0.0.1:%d" % port, "--token-file", token, "--name", "pyleak-no-such-name") as tool:
        assert "listening" in tool.stderr.readline()
        harness.wait_until(lambda: watched(port, "first") == set())
        token.write_text("second\n")
        tool.send_signal(signal.SIGHUP)
        assert "in effect" in tool.stderr.readline()
        assert watched(port, "first") == 401 and watched(port, "second") == set()


@pytest.mark.parametrize("text", [" \n", "two words\n", "two\nlines\n"])
def test_a_token_is_one_word(tmp_path, text):
    token = tmp_path / "token"
    token.write_text(text)
    run = subprocess.run([harness.TOOL, "serve", "--token-file", token], capture_output=True, text=True, timeout=30, check=False)
    assert run.returncode == 2 and "must hold one word" in run.stderr


def test_what_is_still_wanted_is_still_known(tmp_path):
    """It was too young for the new settings when it was first seen, and is old enough now."""
    conf, port = tmp_path / "conf", free_port()
    settings = "listen = 127.0.0.1:%d\nname = %s\nmin-age = %d\n"
    conf.write_text(settings % (port, ONE, 0))

    def known():
        status, text = get(port, "/report.json")
        processes = json.loads(text)["processes"] if status == 200 else []
        return processes and "too early" not in processes[0]["verdict"]["reason"] and json.loads(text)["ended_at"]

    with sleeper(ONE), serving("--config", conf) as tool:
        assert "listening" in tool.stderr.readline()
        harness.wait_until(known)
        before = known()
        conf.write_text(settings % (port, ONE, 8))
        tool.send_signal(signal.SIGHUP)
        assert "in effect" in tool.stderr.readline()
        harness.wait_until(lambda: json.loads(get(port, "/report.json")[1])["ended_at"] > before)
        assert known()


def test_the_command_line_wins(tmp_path):
    conf, port = tmp_path / "conf", free_port()
    conf.write_text("listen = 127.0.0.1:1\nquiet = yes\nname = pyleak-no-such-name\n")
    with serving("--config", conf, "--listen", "127.0.0.1:%d" % port):
        harness.wait_until(lambda: get(port, "/healthz")[0] == 200)


@pytest.mark.parametrize("text,says", [("", "is empty"), ("listen\n", "line 1: 'listen' is no"), ("quiet = maybe\n", "yes or no"),
                                       ("config = x\n", "command line"), ("\n\nmin-rss = huge\n", "line 3: --min-rss huge"),
                                       ("a" * 70000, "larger than")])  # fmt: skip
def test_faulty_from_the_start(tmp_path, text, says):
    conf = tmp_path / "conf"
    conf.write_text(text)
    run = subprocess.run([harness.TOOL, "serve", "--config", str(conf)], capture_output=True, text=True, timeout=30, check=False)
    assert run.returncode in (1, 2) and says in run.stderr and run.stderr.count("\n") == 1, run.stderr


def test_a_taken_address_is_said():
    with serving("--listen", "127.0.0.1:0", "--name", "pyleak-no-such-name") as tool:
        port = tool.stderr.readline().rstrip("/\n").rsplit(":", 1)[1]
        run = subprocess.run([harness.TOOL, "serve", "--listen", "127.0.0.1:" + port], capture_output=True, text=True, timeout=30,
                             check=False)  # fmt: skip
        assert run.returncode == 1 and "cannot listen on 127.0.0.1:%s: Address already in use" % port in run.stderr
        assert "name another place by --listen\n" in run.stderr
