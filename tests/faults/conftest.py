# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Where the pieces of these tests are."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
