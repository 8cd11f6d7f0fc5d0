# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Which tests run, side by side with which others, and a line of results for each: see README.md."""
import contextlib
import json
import os
import re
import resource
import shutil
import signal
import sys
import tempfile
import zlib

import pytest

BUILD = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", os.environ.get("PYLEAK_BUILD") or "build"))
# pytest rewrites what it imports. That is kept, or each process of each stage would do it anew.
sys.pycache_prefix, sys.dont_write_bytecode = os.path.join(BUILD, "pycache"), False

# Folders and files: those with tests that take half a minute, those that do not sleep, and those whose tests take less than a second.
LONG = tuple("e2e/test_%s.py" % n for n in (
    "sweep", "zoo", "prometheus", "packages", "baseline", "hints", "limits", "bounds", "short_code", "focus", "windows", "site_ids",
    "serve", "allocators", "lost"))  # fmt: skip
LONG += ("services/", "cli/test_screen.py", "cli/test_merge.py", "cli/test_attacked_reports.py", "judge/test_thresholds.py")
COMPUTE = ("cli/", "faults/", "fuzz/", "judge/", "kern/", "web/")
SHORT = ("cli/", "judge/")


def pytest_addoption(parser):
    parser.addoption("--matrix", choices=("core", "full"), default="core",
                     help="full: every program on every interpreter, and the long soaks")  # fmt: skip
    parser.addoption("--results", metavar="FILE", help="append the result of each test here, a line of JSON")


def hear_signals():
    """A shell that starts this in the background ignores keys of the terminal, and so would all that the tests start."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


def pytest_configure(config):
    hear_signals()
    os.environ["PYLEAK_TEST_MATRIX"] = config.getoption("--matrix")  # e2e/pythons.py
    if hasattr(config, "workerinput"):
        # Tests side by side load the machine so that a change of probes may well take longer than the 100 ms at which the
        # tool stops making them for half a minute. Those that are alone have it as users do.
        os.environ.setdefault("PYLEAK_TEST_SLOW_CHANGE_MS", "1000")
    if config.getoption("--results") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Results(config.getoption("--results")))


@pytest.fixture(scope="session")
def full(request):
    return request.config.getoption("--matrix") == "full"


def pytest_ignore_collect(collection_path, config):
    """A stage of run.py that has few tests reads the files that have them, and no others."""
    mark = config.getoption("-m")
    if mark in ("calm", "quiet") and collection_path.suffix == ".py":
        return "mark." + mark not in collection_path.read_text(encoding="utf-8") or None
    return None


def shares(item):
    """Has it a fixture in common with other tests of its file?"""
    found = item._fixtureinfo.name2fixturedefs.values()
    return any(defs[-1].scope in ("class", "module", "package") for defs in found)


def turn(item):
    """Long ones first. All are mixed, so that those of one file, which load the machine alike, do not come all at once. At
    the end come half of the short ones alone, as all wait for the last one."""
    if shares(item):
        return 0, 0
    mixed = zlib.crc32(item.nodeid.encode())
    if item.nodeid.startswith(LONG):
        return 1, mixed
    return 2, mixed if item.nodeid.startswith(SHORT) else mixed // 2


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    if config.getoption("--matrix") != "full":
        left_out = [i for i in items if i.get_closest_marker("matrix")]
        items[:] = [i for i in items if not i.get_closest_marker("matrix")]
        config.hook.pytest_deselected(items=left_out)
    if not hasattr(config, "workerinput"):
        return
    # Side by side: what a file's fixture has started is used by one process.
    for item in items:
        if shares(item):
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))
    items.sort(key=turn)


def yield_to_others(item):
    """Tests that only compute must not keep programs waiting whose time is measured."""
    if hasattr(item.config, "workerinput"):
        with contextlib.suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, 0, 10 if item.nodeid.startswith(COMPUTE) else 0)


def cpu_seconds():
    """Ours and of the children that have been waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


# Recordings of the watches that tests make, for who looks into a failure: it may not come again.
KEPT = os.path.join(BUILD, "failed")


class Traces:
    """A folder for the recordings of a file's tests; what they share was watched in the first one's setup."""

    def __init__(self):
        self.where = None
        self.wrong = []

    def begin(self):
        if not self.where:
            self.where = tempfile.mkdtemp(prefix="pyleak-traces-")
            os.environ["PYLEAK_TEST_TRACES"] = self.where

    def end(self):
        if not self.where:
            return
        if self.wrong and os.listdir(self.where):
            os.makedirs(KEPT, exist_ok=True)
            name = re.sub(r"[^\w.-]+", "_", self.wrong[0])[:100]
            shutil.move(self.where, os.path.join(KEPT, "%s-%d" % (name, os.getpid())))
        shutil.rmtree(self.where, ignore_errors=True)
        del os.environ["PYLEAK_TEST_TRACES"]
        self.__init__()


traces = Traces()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    if (yield).get_result().failed:
        traces.wrong.append(item.nodeid)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_setup(item):
    yield_to_others(item)
    if hasattr(item.config, "workerinput"):  # those that are alone are measured
        traces.begin()
    item.cpu_before = cpu_seconds()
    yield


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_teardown(item, nextitem):
    yield
    item.user_properties.append(("cpu", cpu_seconds() - item.cpu_before))
    if not nextitem or nextitem.path != item.path:
        traces.end()


class Results:
    """The outcome of each test, a line at its end: its setup, itself and what it left to clear up count as one."""

    def __init__(self, path):
        self.path, self.running = path, {}

    def pytest_runtest_logreport(self, report):
        name = report.nodeid.rpartition("@")[0] if report.nodeid.rfind("@") > report.nodeid.rfind("]") else report.nodeid
        row = self.running.setdefault(name, {"test": name, "result": "passed", "seconds": 0.0, "cpu": 0.0, "why": ""})
        row["seconds"] += report.duration
        if report.failed or (report.skipped and row["result"] == "passed"):
            row["result"] = report.outcome
            row["why"] = str(report.longrepr)
        row["cpu"] = dict(report.user_properties).get("cpu", 0.0)
        # A process that died has no last phase.
        if report.when not in ("setup", "call"):
            with open(self.path, "a", encoding="utf-8") as f:
                f.write(json.dumps(self.running.pop(name)) + "\n")
