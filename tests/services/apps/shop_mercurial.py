# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""An extension of Mercurial, which looks at each request of `hg serve`; planted: it keeps a record of each."""
import truth
from mercurial import extensions
from mercurial.hgweb import hgweb_mod

SEEN = []


class Visit:
    __slots__ = ("page", "status")


def answer(original, web, *more):
    if truth.PLANTED == "record":
        SEEN.append(Visit())  # LEAK record
        truth.leaked()
    truth.work(len(SEEN))
    return original(web, *more)


def extsetup(ui):
    extensions.wrapfunction(hgweb_mod.hgweb, "_runwsgi", answer)
