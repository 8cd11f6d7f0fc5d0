# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Lists from whose ends items were removed: their arrays still have the pointers."""

# TYPE Leaked
# ROOT module __main__
# LAST .sessions (list
from held import N, Leaked, ready


class Holder:
    pass


HOLDER = Holder()
HOLDER.inner = Holder()
HOLDER.inner.sessions = [Leaked() for i in range(N)]

# Arrays of less than 512 bytes and of more; not so much is removed that they shrink.
SMALL = [list(range(40)) for i in range(10)]
LARGE = list(range(300))
for i, holder in enumerate(HOLDER.inner.sessions):
    (LARGE if i % 2 else SMALL[i % 10]).append(holder)
del LARGE[300:]
for small in SMALL:
    del small[40:]

ready()
