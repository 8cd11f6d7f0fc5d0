# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Options of the end-to-end tests, the pool that runs matrix cells, and the table at the end."""
import concurrent.futures
import contextlib
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import harness  # noqa: E402
import pythons  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--matrix", choices=("core", "full"), default="core",
                     help="full: every program on every interpreter, and the long soaks")  # fmt: skip


def pytest_configure(config):
    if not os.path.exists(harness.TOOL):
        raise pytest.UsageError("%s is not built" % harness.TOOL)


@pytest.fixture(scope="session")
def full(request):
    return request.config.getoption("--matrix") == "full"


@pytest.fixture(scope="session")
def cells(request):
    """Starts every selected matrix cell, two side by side; the tests only wait for theirs."""
    wanted = {}
    for item in request.session.items:
        call = getattr(item, "callspec", None)
        if call and "cell" in call.params:
            wanted[item.nodeid] = call.params["cell"]
    with contextlib.suppress(FileNotFoundError):
        os.unlink(os.path.join(harness.BUILD, "matrix.jsonl"))
    for python in {c[0] for c in wanted.values()}:
        pythons.install_zoo(python)
    jobs = int(os.environ.get("PYLEAK_TEST_JOBS", "2"))
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        yield {k: pool.submit(harness.run_pair, *cell) for k, cell in wanted.items()}
        pool.shutdown(wait=True, cancel_futures=True)


def pytest_terminal_summary(terminalreporter):
    if harness.RESULTS:
        terminalreporter.write_sep("=", "matrix")
        terminalreporter.write_line(harness.table(harness.RESULTS))
