# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What one run of the tool took."""
import os
import sys


def wait(process):
    """Waits for the end of a Popen. (CPU seconds, peak RSS in KiB); a failure ends the benchmark."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit("%s ended with %d" % (" ".join(process.args[:2]), process.returncode))
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss
