# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Keeps objects of modules in C, whose memory is C's own: kept.py KIND READY."""
import bz2
import sqlite3
import ssl
import sys
import time
import zlib

KEPT = []
TEXT = bz2.compress(b"some text " * 1000)


def keep_zlib():
    KEPT.append(zlib.compressobj(1, zlib.DEFLATED, 9))  # LEAK zlib


def keep_bz2():
    work = bz2.BZ2Decompressor()
    work.decompress(TEXT[:-20])  # LEAK bz2
    KEPT.append(work)


def keep_sqlite():
    base = sqlite3.connect(":memory:", check_same_thread=False)  # LEAK sqlite
    base.execute("CREATE TABLE t (x)")  # LEAK sqlite
    KEPT.append(base)


def keep_ssl():
    KEPT.append(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))  # LEAK ssl


if __name__ == "__main__":
    keep = globals()["keep_" + sys.argv[1]]
    keep()
    with open(sys.argv[2], "w") as f:
        f.write("ready")
    while len(KEPT) < 4000:
        keep()
        time.sleep(0.02)
    time.sleep(600)
