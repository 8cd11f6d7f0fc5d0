# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Uploads of 100 KiB stay referenced after they were stored."""
from common import Meter, request, size_of

UPLOADS = []
HEAD = b"multipart/form-data"
BODY = b"x" * (102400 - len(HEAD))


def receive():
    upload = HEAD + BODY  # LEAK
    UPLOADS.append(upload)  # GROWS
    return size_of(upload)


def main():
    meter = Meter(rate=67)
    n = 0
    while meter.running():
        n += 1
        request(n)
        for _ in range(meter.due()):
            meter.leaked(receive())


main()
