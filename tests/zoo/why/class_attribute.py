# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A list that is an attribute of a class."""

# TYPE Leaked
# ROOT module __main__ :: Service (class __main__.Service
# LAST .instances (list

from held import N, Leaked, ready


class Service:
    instances = []


for i in range(N):
    Service.instances.append(Leaked())

ready()
