# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Calls the server of shop_grpc.py, once for each job. `ask_grpc.py PORT`"""
import sys

import grpc
import worker

price = grpc.insecure_channel("127.0.0.1:" + sys.argv[1]).unary_unary("/shop/price")
worker.run(lambda n: price(b"%d" % n, timeout=30, wait_for_ready=True).decode())
