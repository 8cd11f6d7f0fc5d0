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


@pytest.mark.skipif(not os.path.exists(GUNICORN), reason="gunicorn is not installed")
def test_workers_and_their_successors(tmp_path, full):
    if not full:
        pytest.skip("needs a machine that is not busy")
    address = str(tmp_path / "web.sock")
    server = subprocess.Popen(
        [pythons.HOST, "-B", GUNICORN, "--workers", "3", "--bind", "unix:" + address, "--chdir", ZOO,
         "--log-file", str(tmp_path / "log"), "wsgi:application"], start_new_session=True)  # fmt: skip
    clients = Clients(address)
    try:
        watch = Watch("-p", server.pid, "--children")
        watch.wait_for("watching child", 3)
        clients.start()
        watch.wait_for("wsgi.py:%d" % leak_line())
        time.sleep(15 if full else 0)
        server.send_signal(signal.SIGHUP)  # three new workers; the old ones end
        watch.wait_for("watching child", 6)
        time.sleep(15 if full else 0)
        clients.stop.set()
        clients.join()
        report, text = watch.finish()
    finally:
        clients.stop.set()
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
    merged = report["tree"]["merged"]
    site = next(s for s in merged["sites"] if blamed(s) == ("wsgi.py", leak_line()))
    true = sum(clients.kept.values())
    print("%d requests in %d workers, told %.0f: ratio %.3f"
          % (true, len(clients.kept), site["outstanding_count"], site["outstanding_count"] / true))  # fmt: skip
    if full:
        assert abs(site["outstanding_count"] / true - 1) < 0.1
    assert report["tree"]["watched"] == 6
    assert {m["pid"] for m in merged["members"]} >= set(clients.kept)
    assert not [s for s in merged["sites"] if s["verdict"] == "leak" and s is not site]
    assert "6 watched" in text
