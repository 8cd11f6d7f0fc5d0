# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""One database session for ever: every row object stays in its identity map."""
# TRUTH class=leak hint=unbounded-container
from case import run


class Row:
    __slots__ = ("key", "values")

    def __init__(self, key):
        self.key = key
        self.values = (key, key * 2)  # LEAK


class Session:
    def __init__(self):
        self.identity_map = {}

    def get(self, key):
        row = self.identity_map[key] = Row(key)  # LEAK
        return row


SESSION = Session()

run(lambda n: SESSION.get(n), rate=350)  # LEAK: the numbers are made here
