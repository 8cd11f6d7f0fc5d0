# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A small shop: it serves orders, and keeps one receipt of each for a month that never ends."""
import argparse
import time

from common import request

RECEIPTS = []


class Shop:
    def __init__(self):
        self.orders = 0

    def serve(self):
        self.orders += 1
        request(self.orders)
        if self.orders % 7 == 0:
            self.bill()

    def bill(self):
        RECEIPTS.append(self.receipt())

    def receipt(self):
        return {"customer": "alice", "items": 3, "paid": True, "currency": "EUR"}  # LEAK


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=120.0)
    end = time.monotonic() + parser.parse_args().seconds
    shop = Shop()
    while time.monotonic() < end:
        for _ in range(11):
            shop.serve()
        time.sleep(0.0007)


main()
