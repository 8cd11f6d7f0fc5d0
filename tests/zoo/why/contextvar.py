# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The value of a context variable of the main thread."""

# TYPE Leaked
# ROOT main thread
# LAST ContextVar requests → list → [i]
import contextvars

from held import N, Leaked, ready

VAR = contextvars.ContextVar("requests")
VAR.set([])
for i in range(N):
    VAR.get().append(Leaked())

ready()
