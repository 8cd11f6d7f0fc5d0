# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Uploads are kept in memory files."""
# TRUTH class=leak hint=unbounded-container
import io

from case import run

UPLOADS = []


def upload(n):
    f = io.BytesIO()  # LEAK
    f.write(b"x" * 3000)  # LEAK
    UPLOADS.append(f)


run(upload, rate=150)
