# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Innocent: temporary files, some alive at any time, all closed a little later."""
# TRUTH {"kind": null}
import tempfile

from pace import KEPT, run


def upload(n):
    KEPT.append(tempfile.TemporaryFile())
    if len(KEPT) > 6:
        KEPT.pop(0).close()


run(upload)
