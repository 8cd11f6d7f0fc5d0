# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Session records are kept in a registry, three calls below the request, and never dropped."""
from common import Meter, request, size_of

REGISTRY = []


def remember(user):
    session = {"user": user, "role": "guest", "active": True, "visits": None}  # LEAK
    REGISTRY.append(session)  # GROWS
    return size_of(session)


def open_session(user):
    return remember(user)


def login(meter, user):
    meter.leaked(open_session(user))


def main():
    meter = Meter(rate=983)
    n = 0
    while meter.running():
        n += 1
        request(n)
        for _ in range(meter.due()):
            login(meter, "alice")


main()
