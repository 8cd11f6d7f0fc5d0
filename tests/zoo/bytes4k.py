# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Response bodies of 4 KiB are kept for a retry that never happens."""
from common import Meter, request, size_of

RETRY = []
HEAD = b"HTTP/1.1 200 OK\r\n\r\n"
BODY = b"x" * (4096 - len(HEAD))


def keep_for_retry():
    response = HEAD + BODY  # LEAK
    RETRY.append(response)  # GROWS
    return size_of(response)


def main():
    meter = Meter(rate=487)
    n = 0
    while meter.running():
        n += 1
        request(n)
        for _ in range(meter.due()):
            meter.leaked(keep_for_retry())


main()
