# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Runs a program of the tests in the virtual machine of tests/vm, under another kernel."""
import os
import subprocess

import harness

RUN = os.path.join(harness.TOP, "tests", "vm", "run.sh")
LOST = 125  # what run.sh ends with when the kernel is at fault, or there is no result


def in_guest(kernel, limit_s, options, *command):
    return subprocess.run([RUN, kernel, "-t", str(limit_s), *options, "--", *command], capture_output=True, text=True,
                          errors="replace", cwd=harness.TOP)  # fmt: skip


def python_in_guest(kernel, limit_s, options, *words):
    """Runs Debian's Python with these words there."""
    return in_guest(kernel, limit_s, options, "env", "PYLEAK_BUILD=" + harness.BUILD, "/usr/bin/python3", *words)
