# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A stop that is taken back at once stops nobody."""
import os
import signal
import subprocess
import time

import lib_commands

PROGRAM = "import time\nkept = []\nwhile True: kept.append({}); time.sleep(0.01)"


def test_a_stop_that_is_taken_back_at_once_is_none():
    target = subprocess.Popen(["/usr/bin/python3", "-c", PROGRAM])
    tool = None
    try:
        # A group of its own in our session: one that nobody could continue would not be stopped.
        tool = subprocess.Popen([lib_commands.TOOL, "-p", str(target.pid), "-q", "-d", "5"], preexec_fn=os.setpgrp,
                                stdout=subprocess.DEVNULL)  # fmt: skip
        time.sleep(1)
        for _ in range(4):
            time.sleep(0.5)
            for _ in range(8):
                tool.send_signal(signal.SIGTSTP)
                tool.send_signal(signal.SIGCONT)
                time.sleep(0.01)
        assert tool.wait(60) == 0
    finally:
        for process in filter(None, (tool, target)):
            if process.poll() is None:
                process.kill()
                process.wait()
