# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The tests here measure; what they find is of the tool as it is built."""


def pytest_configure(config):
    config.addinivalue_line("markers", "quiet: measures time or cost; runs while nothing else does")
