# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Bound methods in a list of callbacks."""

# TYPE Leaked
# ROOT module __main__ :: LISTENERS (list
# LAST .__self__

from held import N, Leaked, ready

LISTENERS = []
for i in range(N):
    LISTENERS.append(Leaked().method)

ready()
