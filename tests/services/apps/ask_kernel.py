# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Has a kernel run cells, as a notebook does: cell.py, then the same short cell for each job. `ask_kernel.py CONNECTION_FILE`"""
import os
import sys

import jupyter_client
import worker

client = jupyter_client.BlockingKernelClient(connection_file=sys.argv[1])
client.load_connection_file()
client.start_channels()
client.wait_for_ready(60)


def run(text):
    """Without history: neither the text nor a result is kept."""
    answer = client.execute_interactive(text, silent=True, store_history=False, allow_stdin=False, timeout=30,
                                        output_hook=lambda message: None)  # fmt: skip
    assert answer["content"]["status"] == "ok", answer["content"]
    return answer["content"]["status"]


with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "cell.py"), encoding="utf-8") as f:
    run(f.read())
# A kernel keeps the text of each cell that is new to it: it has to be the same one.
worker.run(lambda n: run("answer = price(len(KEPT))"))
