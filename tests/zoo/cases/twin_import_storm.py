# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Innocent: modules of the standard library are imported one after the other, then nothing."""
# TRUTH class=warmup,steady
import importlib

from case import run

NAMES = """ast argparse bdb calendar cmd code codecs configparser copy csv ctypes datetime decimal difflib dis
email.message email.parser filecmp fileinput fractions ftplib getopt gettext glob gzip hashlib heapq hmac
html.parser http.client http.server imaplib inspect ipaddress json locale logging.config lzma mailbox mimetypes
multiprocessing.pool netrc optparse pdb pickle pickletools plistlib poplib pprint profile pstats pydoc queue
random sched selectors shelve shlex shutil smtplib socketserver sqlite3 ssl statistics string subprocess tarfile
tempfile textwrap timeit trace tracemalloc unittest.mock urllib.request uuid wave webbrowser xml.dom.minidom
xml.etree.ElementTree zipfile""".split()


def load(n):
    if n <= len(NAMES):
        try:
            importlib.import_module(NAMES[n - 1])
        except ImportError:
            pass


run(load, rate=6, leaks=False)
