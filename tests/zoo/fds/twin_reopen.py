# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Innocent: a log file that is opened anew, over the same descriptor."""
# TRUTH {"kind": null}
import os

from pace import run, scratch

PATH = os.path.join(scratch(), "app.log")
LOG = os.open(PATH, os.O_WRONLY | os.O_CREAT)


def rotate(n):
    new = os.open(PATH + ".%d" % (n % 3), os.O_WRONLY | os.O_CREAT)
    os.dup2(new, LOG)
    os.close(new)
    os.write(LOG, b"line\n")


run(rotate)
