# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Tells at the end what the tests of the birth engine counted."""
TOLD = []


def pytest_runtest_logreport(report):
    """Lines come as properties of the tests: those that ran in another process bring theirs along."""
    if report.when == "teardown":
        TOLD.extend(value for name, value in report.user_properties if name == "births")


def pytest_terminal_summary(terminalreporter):
    if TOLD:
        terminalreporter.write_sep("=", "births")
        terminalreporter.write_line("\n".join(TOLD))
