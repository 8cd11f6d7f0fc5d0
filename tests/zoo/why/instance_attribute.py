# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A chain of attributes."""

# TYPE Leaked
# ROOT module __main__ :: APP (__main__.App
# LAST .sessions (list

from held import N, Leaked, ready


class Server:
    def __init__(self):
        self.port = 80
        self.sessions = []


class App:
    def __init__(self):
        self.name = "app"
        self.server = Server()


APP = App()
for i in range(N):
    APP.server.sessions.append(Leaked())

ready()
