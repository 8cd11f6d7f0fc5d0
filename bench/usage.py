# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""CPU time and memory that the tool, or a target, took."""
import os
import sys
import time


def cpu_ns(pids):
    """By the clocks of the processes: ticks would be too coarse."""
    return sum(time.clock_gettime_ns(~pid << 3 | 2) for pid in pids)


def below(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
        return [int(p) for p in f.read().split()]


def peak_mb(pid):
    with open("/proc/%d/status" % pid) as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmHWM")) / 1024


def wait(process):
    """Waits for the end of a Popen. (CPU seconds, peak RSS in KiB); a failure ends the benchmark."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit("%s ended with %d" % (" ".join(process.args[:2]), process.returncode))
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss
