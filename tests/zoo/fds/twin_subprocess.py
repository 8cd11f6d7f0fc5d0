# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Innocent: children that are waited for, now and then one that takes longer."""
# TRUTH {"kind": null}
import subprocess

from pace import KEPT, run


def call(n):
    subprocess.run(["true"], stdout=subprocess.PIPE, check=True)
    KEPT.append(subprocess.Popen(["sleep", "1.3"]))
    for child in KEPT[:]:
        if child.poll() is not None:
            KEPT.remove(child)


run(call)
