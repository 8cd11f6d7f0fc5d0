# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A server of names for twistd, from a file of hosts; planted: it keeps a record of each question."""
import os

import truth
from twisted.application import internet, service
from twisted.names import dns, hosts, server


class Question:
    __slots__ = ("name", "type")


class Shop(hosts.Resolver):
    asked = []

    def lookupAddress(self, name, timeout=None):
        if truth.PLANTED == "record":
            self.asked.append(Question())  # LEAK record
            truth.leaked()
        truth.work(len(name))
        return super().lookupAddress(name, timeout)


names = dns.DNSDatagramProtocol(server.DNSServerFactory(clients=[Shop(os.environ["HOSTS"].encode())]))
application = service.Application("names")
internet.UDPServer(int(os.environ["PORT"]), names, interface="127.0.0.1").setServiceParent(application)
