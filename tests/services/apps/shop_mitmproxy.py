# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""An addon of mitmproxy that looks at each answer; planted: it keeps a copy of the flow, to replay it later."""
import truth


class Shop:
    seen = []

    def response(self, flow):
        if truth.PLANTED == "flow":
            self.seen.append(flow.copy())  # LEAK flow
            truth.leaked()
        flow.response.headers["X-Shop"] = truth.work(len(flow.request.path))


addons = [Shop()]
