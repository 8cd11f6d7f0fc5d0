# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Runs a program of the zoo inside of whatever embeds Python; which one and with what, the environment says."""
import os
import runpy
import sys
import threading


def run():
    sys.argv = [os.environ["PROGRAM"], *os.environ["ARGUMENTS"].split()]
    sys.path.insert(0, os.path.dirname(sys.argv[0]))
    runpy.run_path(sys.argv[0], run_name="__main__")


# A server waits until the script has ended; a debugger ends when it has.
if os.environ.get("IN_THREAD"):
    threading.Thread(target=run, daemon=True).start()
else:
    run()
