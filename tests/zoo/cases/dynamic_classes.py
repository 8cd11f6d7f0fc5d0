# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A class is made for every message."""
# TRUTH class=leak hint=classes-created
from case import run

MODELS = []


def model(n):
    MODELS.append(type("Message", (), {"n": n}))  # LEAK


run(model, rate=50)
