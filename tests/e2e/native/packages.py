# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Packages with C inside whose objects are kept, one line each."""
import sqlite3
import ssl
import sys
import time
import zlib

import numpy
from lxml import etree
from PIL import Image

TEXT = "<a>" + "<b c='d'>e</b>" * 40 + "</a>"
KEPT = []


def array():
    KEPT.append(numpy.ones(300))  # LEAK: numpy


def view():
    base = numpy.ones(600)  # LEAK: base
    KEPT.append(base[:2])


def tree():
    KEPT.append(etree.fromstring(TEXT)[0])  # LEAK: lxml


def picture():
    KEPT.append(Image.new("RGB", (40, 40)))  # LEAK: PIL


def database():
    KEPT.append(sqlite3.connect(":memory:"))  # LEAK: sqlite3


def context():
    KEPT.append(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))  # LEAK: ssl


def packer():
    KEPT.append(zlib.compressobj())  # LEAK: zlib


def request(n):
    """One kind per process calls malloc rarely enough to be traced exactly, the other does not."""
    if "calm" in sys.argv:
        array()
        view()
        picture()
        packer()
    else:
        tree()
        if n % 2 == 0:
            database()
            context()
        del etree.fromstring(TEXT)[0]
    return [str(i) for i in range(20)]


with open(sys.argv[1], "w") as ready:
    ready.write("x")
end = time.monotonic() + 180
n = 0
while time.monotonic() < end:
    n += 1
    request(n)
    time.sleep(0.02)
