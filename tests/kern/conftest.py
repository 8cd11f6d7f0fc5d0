# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Tells at the end what the tests of the birth engine counted."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import births_record  # noqa: E402


def pytest_terminal_summary(terminalreporter):
    if births_record.TOLD:
        terminalreporter.write_sep("=", "births")
        terminalreporter.write_line("\n".join(births_record.TOLD))
