# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Exceptions kept in a list, their frames with them."""

# TYPE Leaked
# ROOT module __main__ :: ERRORS (list
# LAST local buffer

from held import N, Leaked, ready

ERRORS = []


def work(i):
    buffer = Leaked()
    raise ValueError(i, id(buffer))


for i in range(N):
    try:
        work(i)
    except ValueError as e:
        ERRORS.append(e)

ready()
