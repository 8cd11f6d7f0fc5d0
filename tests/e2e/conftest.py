# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The tool must be built; the table of what was compared with the truth, at the end."""
import json
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import harness  # noqa: E402
import zoo_cases  # noqa: E402

CELLS, CASES = [], []


def pytest_configure(config):
    if not os.path.exists(harness.TOOL):
        raise pytest.UsageError("%s is not built" % harness.TOOL)


def pytest_runtest_logreport(report):
    """Rows come as properties of the tests: those that ran in another process bring theirs along."""
    if report.when == "teardown":
        for name, value in report.user_properties:
            if name == "cell":
                CELLS.append(harness.Result(**json.loads(value)))
            elif name == "case":
                CASES.append(zoo_cases.Outcome(**json.loads(value)))


def pytest_terminal_summary(terminalreporter):
    for title, rows, table in (("matrix", CELLS, harness.table), ("zoo", CASES, zoo_cases.table)):
        if rows:
            terminalreporter.write_sep("=", title)
            terminalreporter.write_line(table(rows))
