# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""pandas and scikit-learn: groups, fits, predicts; planted: the frame with the prediction is kept."""
import numpy
import pandas
import sklearn.linear_model
import truth
import worker

HOURS = numpy.arange(50.0) % 24
AHEAD = numpy.arange(24.0, 48.0).reshape(-1, 1)
FORECASTS = []


def job(n):
    sales = pandas.DataFrame({"hour": HOURS, "price": HOURS * (n % 7 + 1) + n % 5})
    totals = sales.groupby("hour").sum()
    model = sklearn.linear_model.LinearRegression().fit(totals.index.to_numpy().reshape(-1, 1), totals["price"])
    forecast = pandas.DataFrame({"price": model.predict(AHEAD)})  # LEAK frame
    if truth.PLANTED == "frame":
        FORECASTS.append(forecast)
        truth.leaked()
    # Not by the column's name: a frame keeps the series that it has handed out.
    return forecast.to_numpy().sum()


worker.run(job)
