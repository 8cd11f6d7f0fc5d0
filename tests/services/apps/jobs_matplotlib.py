# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A chart as a picture; planted: its figure is not closed, and pyplot keeps it."""
import io

import matplotlib
import truth
import worker

matplotlib.use("Agg")

from matplotlib import pyplot  # noqa: E402


def job(n):
    # Small: the picture, which is kept with the figure, shall not be the bigger part.
    figure, axes = pyplot.subplots(figsize=(2, 1.5), dpi=50)  # LEAK figure
    axes.plot([n % 7, 2, n % 3])
    page = io.BytesIO()
    figure.savefig(page, format="png")
    if truth.PLANTED == "figure":
        truth.leaked()
    else:
        pyplot.close(figure)
    return len(page.getvalue())


worker.run(job)
