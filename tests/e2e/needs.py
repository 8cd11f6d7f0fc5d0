# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Some tests need these of the machine; without them they are skipped and say why."""
import pty
import subprocess

import pytest


def mount_namespace():
    """Not to be had in a chroot whose root is no mount."""
    run = subprocess.run(["unshare", "-m", "true"], capture_output=True, text=True)
    if run.returncode:
        pytest.skip("no mount namespace here: " + run.stderr.strip())


def user_namespace():
    """Not to be had by whoever has been chrooted."""
    run = subprocess.run(["unshare", "-U", "-r", "true"], capture_output=True, text=True)
    if run.returncode:
        pytest.skip("no user namespace here: " + run.stderr.strip())


def terminal():
    """Both ends of one."""
    try:
        return pty.openpty()
    except OSError as e:
        pytest.skip("no terminal can be made here: %s" % e)
