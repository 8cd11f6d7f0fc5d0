# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""gunicorn, its workers and their successors, counted by what they answer."""
import os
import signal
import socket
import subprocess
import threading
import time

import pytest

import pythons
from test_children import Watch, blamed

ZOO = os.path.join(pythons.ZOO, "children")
GUNICORN = "/usr/bin/gunicorn"
WORKERS = 4


def leak_line():
    with open(ZOO + "/wsgi.py") as f:
        return next(n for n, text in enumerate(f, 1) if text.rstrip().endswith("# LEAK"))


class Clients(threading.Thread):
    """Asks on and on; notes the last answer of each worker."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.address, self.kept = address, {}
        self.stop = threading.Event()

    def ask(self):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(30)
            s.connect(self.address)
            s.sendall(b"GET / HTTP/1.0\r\n\r\n")
            answer = b""
            while piece := s.recv(4096):
                answer += piece
        pid, count = map(int, answer.rpartition(b"\r\n\r\n")[2].split())
        self.kept[pid] = max(count, self.kept.get(pid, 0))

    def run(self):
        while not self.stop.wait(0.001):
            try:
                self.ask()
            except (OSError, ValueError):
                time.sleep(0.05)  # a worker that is being replaced


def told(site):
    return blamed(site) == ("wsgi.py", leak_line())


@pytest.mark.skipif(not os.path.exists(GUNICORN), reason="gunicorn is not installed")
@pytest.mark.matrix
@pytest.mark.quiet
@pytest.mark.parametrize("how", ["reload", "max-requests"])
def test_workers_and_their_successors(tmp_path, how):
    """The first workers are made at the start, their successors elsewhere in gunicorn: two stacks, one line."""
    address = str(tmp_path / "web.sock")
    recycled = ["--max-requests", "5000", "--max-requests-jitter", "500"] if how == "max-requests" else []
    server = subprocess.Popen(
        [pythons.HOST, "-B", GUNICORN, "--workers", str(WORKERS), "--bind", "unix:" + address, "--chdir", ZOO,
         "--log-file", str(tmp_path / "log"), *recycled, "wsgi:application"], start_new_session=True)  # fmt: skip
    clients = Clients(address)
    try:
        watch = Watch("-p", server.pid, "--children")
        watch.wait_for("watching child", WORKERS)
        clients.start()
        if how == "reload":
            time.sleep(30)
            server.send_signal(signal.SIGHUP)  # new workers; the old ones end
        watch.wait_for("watching child", 2 * WORKERS)
        time.sleep(20)
        clients.stop.set()
        clients.join()
        report, _ = watch.finish()
    finally:
        clients.stop.set()
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
    merged = report["tree"]["merged"]
    kept = sum(s["outstanding_count"] for s in merged["sites"] if told(s))
    true = sum(clients.kept.values())
    print("%d requests in %d workers, told %.0f: ratio %.3f" % (true, len(clients.kept), kept, kept / true))
    assert abs(kept / true - 1) < 0.05
    assert {m["pid"] for m in merged["members"]} >= set(clients.kept)
    assert not [s for s in merged["sites"] if s["verdict"] == "leak" and not told(s)]
