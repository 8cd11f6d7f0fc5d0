# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The numbers in the page that the programs of these tests share with whoever started them."""
import struct

READY = 0
LOOPS = 1  # since the start
GAP = 2  # longest time between two loops, in ns; whoever looks may set it to 0
WRONG = 3  # checksums that did not match
LEAKED = 4  # objects
CHILDREN = 5  # and 6: pids
FORKS = 7  # children that were started
WORKERS = 8  # and the next ones: loops of each thread


def put(page, word, value):
    struct.pack_into("Q", page, 8 * word, value)


def get(page, word):
    return struct.unpack_from("Q", page, 8 * word)[0]
