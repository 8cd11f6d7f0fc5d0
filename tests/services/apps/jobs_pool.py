# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A pool of one process that computes on shared memory; planted: it keeps a view of the memory each time."""
import multiprocessing
import multiprocessing.shared_memory

import numpy
import truth
import worker

BLOCK = multiprocessing.shared_memory.SharedMemory(create=True, size=8000)
PRICES = numpy.ndarray(1000, buffer=BLOCK.buf)
VIEWS = []


def total(n):
    first = n % 900
    part = PRICES[first : first + 100]  # LEAK view
    if truth.PLANTED == "view":
        VIEWS.append(part)
        truth.leaked()
    return truth.work(n), float(part.sum())


if __name__ == "__main__":
    PRICES[:] = numpy.arange(1000)
    pool = multiprocessing.get_context("fork").Pool(1)
    worker.run(lambda n: pool.apply(total, (n,)))
