# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A spooled upload per request, kept for later."""
# TRUTH {"kind": "fd", "hint": "fd-not-closed", "per_turn": 1, "type": "files in "}
import tempfile

from pace import KEPT, run


def upload(n):
    f = tempfile.NamedTemporaryFile()  # LEAK
    f.write(b"x" * 100)
    KEPT.append(f)


run(upload)
