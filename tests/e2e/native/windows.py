# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""So many calls of malloc that they are seen in windows; a leak, and what only looks like one:
windows.py WHERE READY native|object"""
import collections
import sys
import time

sys.path.insert(0, sys.argv[1])
import ways  # noqa: E402

kept = []
queue = collections.deque()
recent = collections.OrderedDict()


def leak(n):
    if sys.argv[3] == "native":
        ways.mostly_freed(900, 50)  # LEAK: native
    else:
        kept.append(bytearray(1500))  # LEAK: object
        kept.append(bytearray(1500))


def request(n):
    now = time.monotonic()
    for i in range(20):
        queue.append((now, bytearray(1000 + 10 * i)))  # half a second
    while queue[0][0] < now - 0.5:
        queue.popleft()
    for i in range(10):
        recent[10 * n + i] = bytearray(2000)  # the last 2000
        if len(recent) > 2000:
            recent.popitem(False)
    leak(n)


with open(sys.argv[2], "w") as ready:
    ready.write("x")
end, n = time.monotonic() + 180, 0
while time.monotonic() < end:
    request(n)
    n += 1
    time.sleep(0.005)
