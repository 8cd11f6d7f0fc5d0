# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A server of gRPC, without generated code; planted: it keeps an object for each call."""
import concurrent.futures
import sys

import grpc
import truth

CALLS = []


class Call:
    __slots__ = ("method", "status")


def price(request, context):
    if truth.PLANTED == "call":
        CALLS.append(Call())  # LEAK call
        truth.leaked()
    return truth.work(int(request)).encode()


shop = grpc.method_handlers_generic_handler("shop", {"price": grpc.unary_unary_rpc_method_handler(price)})
server = grpc.server(concurrent.futures.ThreadPoolExecutor(4), handlers=(shop,))
server.add_insecure_port("127.0.0.1:" + sys.argv[1])
server.start()
server.wait_for_termination()
