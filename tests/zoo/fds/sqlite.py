# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Opens the same database for each request."""
# TRUTH {"kind": "fd", "hint": "db-connection-not-closed", "per_turn": 1, "text": "SQLite"}
import os
import sqlite3

from pace import KEPT, run, scratch

PATH = os.path.join(scratch(), "orders.db")


def query(n):
    db = sqlite3.connect(PATH)  # LEAK
    db.execute("select 1").fetchall()
    KEPT.append(db)


run(query)
