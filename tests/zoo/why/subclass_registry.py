# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Classes made at run time, kept by name."""

# TYPE Leaked
# ROOT module __main__ :: KNOWN (dict
# LAST .sample

from held import N, Leaked, ready

KNOWN = {}


class Model:
    def __init_subclass__(cls, **kw):
        KNOWN[cls.__name__] = cls


for i in range(N):
    type("Model%d" % i, (Model,), {"sample": Leaked()})

ready()
