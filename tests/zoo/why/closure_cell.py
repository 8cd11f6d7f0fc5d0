# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A variable of a closure, kept by the function in a list."""

# TYPE Leaked
# ROOT module __main__ :: CALLBACKS (list
# LAST closure variable captured

from held import N, Leaked, ready

CALLBACKS = []


def register():
    captured = Leaked()

    def callback():
        return captured

    CALLBACKS.append(callback)


for i in range(N):
    register()

ready()
