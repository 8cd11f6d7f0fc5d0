# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Servers are started and watched with the help of tests/e2e."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e"))
