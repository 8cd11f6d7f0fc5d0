# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Debian's Prometheus, scraping `serve` by the configuration and the rules that we ship, only faster."""
import contextlib
import json
import os
import re
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

import harness

PACKAGING = os.path.join(harness.TOP, "packaging", "prometheus")
FAST = {"scrape_interval": "1s", "evaluation_interval": "1s", "interval": "1s", "for": "3s"}


def faster(name, where, replace=()):
    """A copy of one of our files in which nothing but durations and addresses is another."""
    with open(os.path.join(PACKAGING, name), encoding="utf-8") as f:
        text = f.read()
    for key, value in FAST.items():
        text = re.sub(r"(?m)^(\s*%s: )\w+$" % key, r"\g<1>" + value, text)
    for old, new in replace:
        assert old in text
        text = text.replace(old, new)
    (where / name).write_text(text)


class Prometheus:
    def __init__(self, port):
        self.url = "http://127.0.0.1:%d" % port

    def get(self, path, **query):
        with urllib.request.urlopen(self.url + path + "?" + urllib.parse.urlencode(query), timeout=30) as answer:
            told = json.load(answer)
        assert told["status"] == "success", told
        return told["data"]

    def query(self, expr):
        """The series of an instant query."""
        return self.get("/api/v1/query", query=expr)["result"]

    def value(self, expr):
        (one,) = self.query(expr)
        return float(one["value"][1])

    def alerts(self, state="firing"):
        """{(name, pid)} of what fires; a pid only where the alert is about a process."""
        told = self.get("/api/v1/alerts")["alerts"]
        return {(a["labels"]["alertname"], a["labels"].get("pid")) for a in told if a["state"] == state}


@contextlib.contextmanager
def scraping(target_port, token, where):
    """A Prometheus that scrapes 127.0.0.1:@target_port with what is in @token; its files are below @where."""
    port = harness.free_port()
    faster("pyleak.rules.yml", where)
    faster("pyleak.fleet.yml", where)
    faster("prometheus.yml", where, [("127.0.0.1:9477", "127.0.0.1:%d" % target_port),
                                     ("/etc/pyleak-bpf.token", str(token)), ("pyleak.rules.yml", "'pyleak.*.yml'")])  # fmt: skip
    with open(where / "prometheus.log", "w+") as log:
        server = subprocess.Popen(
            ["prometheus", "--config.file", where / "prometheus.yml", "--storage.tsdb.path", where / "data",
             "--web.listen-address", "127.0.0.1:%d" % port, "--log.level", "warn"],
            cwd=where, stdin=subprocess.DEVNULL, stdout=log, stderr=log)  # fmt: skip
        try:
            end = time.monotonic() + 120
            while True:
                assert server.poll() is None, (where / "prometheus.log").read_text()[-2000:]
                with contextlib.suppress(urllib.error.URLError, OSError):
                    urllib.request.urlopen("http://127.0.0.1:%d/-/ready" % port, timeout=5).close()
                    break
                assert time.monotonic() < end, "Prometheus does not get ready"
                time.sleep(0.2)
            yield Prometheus(port)
        finally:
            server.terminate()
            server.wait(60)
