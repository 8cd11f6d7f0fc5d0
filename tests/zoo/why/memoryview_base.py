# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Small views of big buffers."""

# TYPE Buffer
# ROOT module __main__ :: VIEWS (list
# LAST .obj

from held import N, ready

VIEWS = []


class Buffer(bytearray):
    pass


for i in range(N):
    VIEWS.append(memoryview(Buffer(4096))[10:20])

ready()
