# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Innocent: a database of which SQLite keeps pages, until it has its 2 MB."""
# TRUTH class=growing,warmup,steady,retention
import os
import sqlite3
import tempfile
import time

from case import run

DIRECTORY = tempfile.TemporaryDirectory(prefix="pyleak-bans-")
DB = sqlite3.connect(os.path.join(DIRECTORY.name, "bans.db"), isolation_level=None)
DB.execute("pragma journal_mode=wal")
DB.execute("pragma synchronous=off")
DB.execute("create table bans (address text, at real, lines text)")
DB.execute("create index by_address on bans (address)")


def ban(n):
    k = n * 7919
    DB.execute("insert into bans values (?, ?, ?)", ("10.%d.%d.%d" % (k >> 16 & 255, k >> 8 & 255, k & 255), time.time(), "x" * 60))


run(ban, rate=100, leaks=False)
