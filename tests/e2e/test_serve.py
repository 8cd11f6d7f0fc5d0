# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""`serve`: real Prometheus tools read it, strangers and broken clients get nothing and break nothing."""
import contextlib
import ctypes
import http.client
import json
import math
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import harness
import jsonschema
import pytest
import pythons
from harness import free_port

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "cli"))
import lib_pprof  # noqa: E402

# Only programs of this test: others on the machine are none of its business.
MARK = "pyleak-serve-test-%d" % os.getpid()
ONLY = ["--name", MARK]
# Ten at a time: to wake up costs more than to make them.
PROGRAM = "import time\nkeep = []\nwhile True:\n for _ in range(10): keep.append({'n': len(keep) + 0.5})\n time.sleep(%s)\n"


@contextlib.contextmanager
def serving(*args, listen=None, port=None):
    port = port or free_port()
    tool = subprocess.Popen([harness.TOOL, "serve", "--listen", listen or "127.0.0.1:%d" % port, *ONLY, *map(str, args)],
                            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)  # fmt: skip
    try:
        tool.port = port
        yield tool
    finally:
        if tool.poll() is None:
            tool.send_signal(signal.SIGTERM)
        tool.stderr.close()
        assert tool.wait(30) in (0, -signal.SIGKILL)


@contextlib.contextmanager
def program(pause_s, path=None):
    if path:
        path.write_text(PROGRAM % pause_s)
    child = subprocess.Popen([pythons.HOST, *([path] if path else ["-c", PROGRAM % pause_s]), MARK], stdin=subprocess.DEVNULL)
    try:
        yield child.pid
    finally:
        child.kill()
        child.wait()


def get(port, path, headers=None, timeout=20):
    request = urllib.request.Request("http://127.0.0.1:%d%s" % (port, path), headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as e:
        with e:
            return e.code, e.read().decode()


def wait_ready(tool):
    harness.wait_until(lambda: get(tool.port, "/-/ready")[0] == 200)


def scraped(tool, path):
    with urllib.request.urlopen("http://127.0.0.1:%d%s" % (tool.port, path), timeout=20) as answer:
        assert answer.headers["Content-Type"] == "application/octet-stream"
        return lib_pprof.Profile(answer.read())


def stays(process):
    """Whole bytes that a profile may have: the JSON has a tenth of a byte, rounded, and a profile rounds each site itself."""
    sites = [s["outstanding_bytes"] or 0 for s in process["sites"]]
    return range(sum(math.floor(x + 0.45) for x in sites), sum(math.floor(x + 0.55) for x in sites) + 1)


def check_profiles(tool, leaking, steady):
    """Against the report of the same moment."""
    moment = {}

    def same_moment():
        moment["all"], moment["report"] = scraped(tool, "/debug/pprof/heap"), json.loads(get(tool.port, "/report.json")[1])
        moment["one"] = scraped(tool, "/debug/pprof/allocs?pid=%d" % leaking)
        ends = "%s.%03dZ" % (time.strftime("%FT%T", time.gmtime(moment["all"].time // 10**9)), moment["all"].time // 10**6 % 1000)
        return ends == moment["report"]["ended_at"] and moment["one"].time == moment["all"].time

    harness.wait_until(same_moment)
    by_pid = {p["pid"]: stays(p) for p in moment["report"]["processes"]}
    one = moment["one"].total(lib_pprof.INUSE_SPACE)
    steadily = scraped(tool, "/debug/pprof/heap?pid=%d" % steady).total(lib_pprof.INUSE_SPACE)
    assert one > 0 and one in by_pid[leaking]
    assert moment["all"].total(lib_pprof.INUSE_SPACE) == one + steadily
    assert {labels["pid"] for _, _, labels in moment["one"].samples} == {leaking}
    assert steadily in by_pid[steady]
    assert get(tool.port, "/debug/pprof/heap?pid=1")[0] == 404


def test_a_leak_is_told_and_the_metrics_are_clean(tmp_path):
    path = tmp_path / "leaks.py"
    with program(0.005, path) as leaking, program(1000) as steady, serving() as tool:
        wait_ready(tool)
        wanted = 'pid="%d",class="leak"} 1' % leaking
        harness.wait_until(lambda: wanted in get(tool.port, "/metrics")[1], 150)
        status, text = get(tool.port, "/metrics")
        assert status == 200
        check = subprocess.run([shutil.which("promtool"), "check", "metrics"], input=text, text=True, capture_output=True,
                               check=False)  # fmt: skip
        assert (check.returncode, check.stdout + check.stderr) == (0, "")
        assert 'pid="%d",class="steady"} 1' % steady in text
        assert "pyleak_site_info{" in text and 'function="<module>"' in text
        # Nothing of the command line.
        assert MARK not in text
        report = json.loads(get(tool.port, "/report.json")[1])
        with open(harness.SCHEMA, encoding="utf-8") as f:
            jsonschema.Draft202012Validator(json.load(f)).validate(report)
        assert {p["pid"] for p in report["processes"]} == {leaking, steady}
        status, page = get(tool.port, "/report.html")
        assert status == 200 and page.startswith("<!doctype html>")
        data = json.loads("".join(re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', page, re.S)))
        assert {p["pid"] for p in data["report"]["processes"]} == {leaking, steady}
        # The text of a line may be for root's eyes only.
        assert any(frame[2] == str(path) for frame in data["frames"]) and not any(frame[7] for frame in data["frames"])
        check_profiles(tool, leaking, steady)


def test_the_alert_rules_hold():
    where = os.path.join(ROOT, "packaging", "prometheus")
    run = subprocess.run([shutil.which("promtool"), "test", "rules", "pyleak.rules.test.yml"], cwd=where,
                         capture_output=True, text=True, check=False)  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("name", ["prometheus.yml", "kubernetes.yml"])
def test_a_scrape_configuration_is_one(name, tmp_path):
    text = pathlib.Path(ROOT, "packaging", "prometheus", name).read_text()
    # Debian's promtool is built without discovery by Kubernetes.
    text = re.sub("    kubernetes_sd_configs:.*?(?=    relabel_configs)", "", text, flags=re.DOTALL)
    (tmp_path / name).write_text(text)
    run = subprocess.run([shutil.which("promtool"), "check", "config", "--syntax-only", str(tmp_path / name)],
                         capture_output=True, text=True, check=False)  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr


def test_bad_clients():
    with serving() as tool:
        wait_ready(tool)
        assert get(tool.port, "/nope")[0] == 404
        assert get(tool.port, "/../../etc/passwd")[0] == 404
        assert get(tool.port, "/%2e%2e/metrics")[0] == 404
        c = http.client.HTTPConnection("127.0.0.1", tool.port, timeout=20)
        c.request("POST", "/metrics", body=b"x" * 1000)
        assert c.getresponse().status == 405
        c.close()
        # Ten megabytes of header, garbage, and half a request: an error or a closed connection.
        for blob in (b"GET / HTTP/1.1\r\nX: " + b"a" * (10 << 20) + b"\r\n\r\n", b"\x00\xff" * 5000,
                     b"GET " + b"/a" * 100000 + b" HTTP/1.1\r\n\r\n"):  # fmt: skip
            with socket.create_connection(("127.0.0.1", tool.port), timeout=20) as s, contextlib.suppress(OSError):
                s.sendall(blob)
                assert not s.recv(4096).startswith(b"HTTP/1.1 200")
        # A thousand connections that say nothing: the limit holds, and those who come later are served again.
        idle = []
        for _ in range(1000):
            with contextlib.suppress(OSError):
                idle.append(socket.create_connection(("127.0.0.1", tool.port), timeout=0.2))
        with open("/proc/%d/status" % tool.pid) as f:
            threads = [x for x in f if x.startswith("Threads:")]
        assert int(threads[0].split()[1]) < 20
        for s in idle:
            s.close()
        harness.wait_until(lambda: get(tool.port, "/healthz")[0] == 200)


@pytest.mark.matrix
def test_health_is_that_of_the_main_loop():
    """The main thread alone stands still: who traces it can do that. The minute is that of src/serve/http.c."""
    ptrace = ctypes.CDLL(None).ptrace
    ptrace.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
    seize, interrupt, detach = 0x4206, 0x4207, 17
    with serving() as tool:
        wait_ready(tool)
        time.sleep(65)
        assert get(tool.port, "/healthz") == (200, "ok\n")
        assert not ptrace(seize, tool.pid, None, None) and not ptrace(interrupt, tool.pid, None, None)
        os.waitpid(tool.pid, 0)
        assert get(tool.port, "/healthz")[0] == 200
        harness.wait_until(lambda: get(tool.port, "/healthz")[0] == 503, 70)
        assert get(tool.port, "/-/ready")[0] == 200
        assert not ptrace(detach, tool.pid, None, None)
        harness.wait_until(lambda: get(tool.port, "/healthz")[0] == 200)


@pytest.mark.parametrize("name", ["pyleak-probes", "pyleak-storage"])
def test_without_a_helper_that_it_needs_it_ends(name):
    """Without it nothing can be probed, or nothing in a container be read: whoever restarts services is to start another one."""
    port = free_port()
    with subprocess.Popen([harness.TOOL, "serve", "--listen", "127.0.0.1:%d" % port, *ONLY], stdin=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True) as tool:  # fmt: skip
        harness.wait_until(lambda: fetch(port, "/-/ready")[0] == 200)
        os.kill(harness.helper(tool.pid, name), signal.SIGKILL)  # nothing is watched: no change of probes is under way
        said = tool.communicate(timeout=30)[1]
    assert tool.returncode == 1 and "(%s) has ended" % name in said and "start again" in said, said


def test_strangers_need_the_token(tmp_path):
    run = subprocess.run([harness.TOOL, "serve", "--listen", "0.0.0.0:%d" % free_port()], capture_output=True, text=True,
                         timeout=30, check=False)  # fmt: skip
    assert run.returncode == 1 and "--token-file" in run.stderr and run.stderr.count("\n") == 1
    secret = tmp_path / "token"
    secret.write_text("s3cret\n")
    port = free_port()
    with serving("--token-file", secret, listen="0.0.0.0:%d" % port, port=port) as tool:
        wait_ready(tool)
        assert get(port, "/healthz")[0] == 200
        for headers in ({}, {"Authorization": "Bearer s3cre"}, {"Authorization": "Bearer "},
                        {"Authorization": "Bearer s3crets3cret"}, {"Authorization": "Basic s3cret"}):  # fmt: skip
            assert get(port, "/metrics", headers)[0] == 401
            assert get(port, "/report.json", headers)[0] == 401
        assert get(port, "/metrics", {"Authorization": "Bearer s3cret"})[0] == 200


def fetch(port, path):
    """As get, for a port that may be another service's: then there is nothing to test."""
    with contextlib.suppress(OSError):
        return get(port, path)
    return 0, ""


def test_without_address_and_token_there_are_counts_only():
    """Nothing that tells one process from another: not its name, arguments, files, functions, nor its pid."""
    with socket.socket() as s:
        if s.connect_ex(("127.0.0.1", 9477)) == 0:
            pytest.skip("somebody listens on 127.0.0.1:9477")
    with program(0.005) as leaking:
        tool = subprocess.Popen([harness.TOOL, "serve", *ONLY], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            line = tool.stderr.readline()
            assert "counts for everybody" in line and line.endswith("listening on http://127.0.0.1:9477/\n")
            harness.wait_until(lambda: fetch(9477, "/-/ready")[0] == 200)
            wanted = 'pyleak_processes{class="leak"} 1'
            harness.wait_until(lambda: wanted in get(9477, "/metrics")[1], 150)
            text = get(9477, "/metrics")[1]
            assert {x.split("{")[0].split(" ")[0] for x in text.splitlines() if x[0] != "#"} == {
                "pyleak_build_info", "process_cpu_seconds_total", "process_resident_memory_bytes", "process_start_time_seconds",
                "pyleak_series_dropped_total", "pyleak_processes_refused_total", "pyleak_processes", "pyleak_lost_events"}  # fmt: skip
            assert not [x for x in ("python", str(leaking), "module", "pid=", "comm=", "file=") if x in text]
            assert get(9477, "/report.json")[0] == 403
            assert get(9477, "/healthz")[0] == 200
        finally:
            tool.send_signal(signal.SIGTERM)
            tool.stderr.close()
            assert tool.wait(30) == 0


def test_a_named_address_says_who_can_read():
    with serving() as tool:
        line = tool.stderr.readline()
        assert "every user of this host can read command lines" in line and line.endswith(":%d/\n" % tool.port)
        wait_ready(tool)
        assert get(tool.port, "/report.json")[0] == 200


def test_unix_socket(tmp_path):
    path = tmp_path / "pyleak.sock"
    with serving(listen="unix:%s" % path):
        harness.wait_until(path.exists)
        assert oct(path.stat().st_mode & 0o777) == "0o660"
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(20)
            s.connect(str(path))
            s.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
            assert b" 200 " in s.recv(4096)
    assert not path.exists()


def test_unix_socket_of_others(tmp_path):
    """One that nobody answers at is taken, one that is in use is not, nor taken away at the end."""
    path = tmp_path / "pyleak.sock"
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(path))
    with serving(listen="unix:%s" % path) as tool:
        assert "listening" in tool.stderr.readline()
        inode = path.stat().st_ino
        run = subprocess.run([harness.TOOL, "serve", "--listen", "unix:%s" % path], capture_output=True, text=True, timeout=30,
                             check=False)  # fmt: skip
        assert run.returncode == 1 and "cannot listen on %s: Address already in use" % path in run.stderr
        assert path.stat().st_ino == inode
        path.rename(tmp_path / "elsewhere")
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(str(path))
    assert path.exists()


def test_killed_and_started_again(full):
    port = free_port()
    with program(1000):
        for _ in range(50 if full else 5):
            with serving(port=port) as tool:
                harness.wait_until(lambda: get(port, "/healthz")[0] == 200)
                tool.kill()
                tool.wait()
        with serving(port=port) as tool:
            wait_ready(tool)


@pytest.mark.parametrize("args,says", [(["--listen", "nowhere"], "ADDRESS:PORT"), (["--listen", "127.0.0.1:99999"], "at most 65535"),
                                       (["--listen", "127.0.0.1:http:x"], "--listen"),
                                       (["--token-file", "/nonexistent"], "/nonexistent"),
                                       (["--tls-cert", "/etc/hostname", "--tls-key", "/etc/hostname"], "PEM")])  # fmt: skip
def test_what_cannot_be_served(args, says):
    if "--listen" not in args:
        args = [*args, "--listen", "127.0.0.1:%d" % free_port()]
    run = subprocess.run([harness.TOOL, "serve", *args], capture_output=True, text=True, timeout=30, check=False)
    assert run.returncode in (1, 2) and says in run.stderr and run.stderr.count("\n") == 1, run.stderr
