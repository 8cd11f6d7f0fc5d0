# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Each job copies the context and sets a variable in it; the contexts are collected."""
# TRUTH class=leak hint=unbounded-container
import contextvars

from case import run

USER = contextvars.ContextVar("user")
CONTEXTS = []


def job(n):
    context = contextvars.copy_context()  # LEAK
    context.run(USER.set, [n, n])  # LEAK
    CONTEXTS.append(context)


run(job, rate=200)
