# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Amounts are kept as decimals in a ledger."""
# TRUTH class=leak hint=unbounded-container objects=1
import decimal

from case import run

LEDGER = []


def book(n):
    LEDGER.append(decimal.Decimal(n))  # LEAK


run(book, rate=500)
