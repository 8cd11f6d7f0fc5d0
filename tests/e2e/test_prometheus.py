# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A real Prometheus scrapes `serve`: our rules fire for the process that leaks and for no other, and every expression
of the dashboard finds what it asks for."""
import contextlib
import json
import os
import re
import resource
import signal
import subprocess
import time

import harness
import prometheus
import pytest
import pythons

MARK = "pyleak-prometheus-%d" % os.getpid()  # others may run the same test
LEAK = "import time\nkeep = []\nwhile True:\n for _ in range(10): keep.append({'n': len(keep) + 0.5})\n time.sleep(0.005)\n"
INNOCENT = {
    "asleep": "import time\ntime.sleep(3600)\n",
    "churn": "import time, json\nwhile True:\n json.loads('[' + '1.5,' * 500 + '2]'); time.sleep(0.01)\n",
    "filled": "import time\nkeep = [{'n': n} for n in range(50000)]\nwhile True:\n time.sleep(0.1)\n",
}
NEVER = {"PyleakDown", "PyleakLosses"}


def start(source):
    def limit():
        # In reach within hours at this rate: what PythonLimitNear is about.
        resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))

    return subprocess.Popen([pythons.HOST, "-c", source, MARK], stdin=subprocess.DEVNULL, preexec_fn=limit)


class Scene:
    """The programs that run while the tests of this module do."""

    def __init__(self, tool, server, leaking, innocent):
        self.tool, self.prometheus, self.leaking, self.innocent = tool, server, leaking, innocent

    def wait(self, what, limit_s=240):
        end = time.monotonic() + limit_s
        while not what():
            assert self.tool.poll() is None and time.monotonic() < end
            time.sleep(0.5)


@pytest.fixture(scope="module", name="scene")
def scene_fixture(tmp_path_factory):
    port = harness.free_port()
    children = [start(source) for source in (LEAK, *INNOCENT.values())]
    where = tmp_path_factory.mktemp("prometheus")
    token = where / "token"
    token.write_text("a-secret\n")
    tool = subprocess.Popen([harness.TOOL, "serve", "-q", "--listen", "127.0.0.1:%d" % port, "--name", MARK,
                             "--token-file", token], stdin=subprocess.DEVNULL)  # fmt: skip
    try:
        with prometheus.scraping(port, token, where) as server:
            yield Scene(tool, server, str(children[0].pid), {str(c.pid) for c in children[1:]})
    finally:
        tool.send_signal(signal.SIGTERM)
        for child in children:
            child.kill()
            child.wait()
        assert tool.wait(60) == 0


def test_rules_fire_for_the_leaking_one_only(scene, full):
    server = scene.prometheus
    wanted = {("PythonLeak", scene.leaking), ("PythonLimitNear", scene.leaking)}
    scene.wait(lambda: wanted <= server.alerts())
    begin = time.monotonic()
    while True:
        fired = server.alerts() | server.alerts("pending")
        assert not {pid for _, pid in fired} & scene.innocent, fired
        assert not {name for name, _ in fired} & NEVER, fired
        if time.monotonic() - begin > (600 if full else 10):
            break
        time.sleep(1)
    # Once more in the whole of what Prometheus remembers.
    for pid in scene.innocent:
        assert server.query('count_over_time(ALERTS{pid="%s"}[1h])' % pid) == []
        assert server.query('last_over_time(pyleak_process_verdict{pid="%s"}[1h])' % pid)
    scene.wait(lambda: wanted <= server.alerts())


def test_a_scrape_is_cheap(scene):
    server = scene.prometheus
    scene.wait(lambda: server.query('count_over_time(scrape_duration_seconds{job="pyleak"}[1h]) > 10'))
    # Pages are made beforehand. The median, as Prometheus and the tool wait for others on a busy machine.
    assert server.value('quantile_over_time(0.5, scrape_duration_seconds{job="pyleak"}[1h])') < 0.05
    assert server.value('max(scrape_samples_scraped{job="pyleak"})') > 30
    assert server.value('max(scrape_samples_post_metric_relabeling{job="pyleak"})') < 300


def test_the_fleet_in_few_series(scene):
    """The federated series: one leaking program, and its line with the growth of all hosts."""
    server = scene.prometheus
    scene.wait(lambda: server.query("fleet:pyleak_site_growth_bytes_per_second:top100 > 0"))
    (row,) = server.query("fleet:pyleak_site_growth_bytes_per_second:top100 > 0")
    assert row["metric"]["function"] == "<module>" and row["metric"]["line"] == "4"
    scene.wait(lambda: server.query("fleet:pyleak_leaking_processes:count"))
    assert server.value("fleet:pyleak_leaking_processes:count") == 1


def expressions():
    with open(os.path.join(harness.TOP, "packaging", "grafana", "pyleak.json"), encoding="utf-8") as f:
        board = json.load(f)
    found = [(p["title"], t["expr"]) for p in board["panels"] for t in p["targets"]]
    found += [(a["name"], a["expr"]) for a in board["annotations"]["list"]]
    for v in board["templating"]["list"]:
        # label_values(SERIES, LABEL)
        m = re.fullmatch(r"label_values\((.*), (\w+)\)", v.get("definition", ""))
        if m:
            found.append((v["name"], "count by (%s) (%s)" % (m[2], m[1])))
    assert len(found) > 15
    return found


@pytest.mark.parametrize("title,expr", expressions(), ids=lambda x: "" if "(" in x or "{" in x else x)
def test_the_dashboard_finds(scene, title, expr):
    """As Grafana asks it, with its variables at "all"."""
    server = scene.prometheus
    for name, value in (("$instance", ".*"), ("$comm", ".*"), ("$__rate_interval", "1m"), ("$__interval", "15s")):
        expr = expr.replace(name, value)
    assert "$" not in expr
    with contextlib.suppress(AssertionError):
        scene.wait(lambda: server.query(expr), 120)
    assert server.query(expr), title
