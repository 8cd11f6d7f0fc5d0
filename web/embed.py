#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Makes the header that src/out/html.c includes: the page in three parts, around the text and the data of a report.

    embed.py page.html page.js page.css >page.h
"""
import base64
import hashlib
import sys


def policy_hash(text):
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def c_array(name, text):
    data = text.encode()
    rows = (",".join(str(b) for b in data[i:i + 32]) for i in range(0, len(data), 32))
    return "static const unsigned char page_%s[] = {\n%s};\n" % (name, ",\n".join(rows))


def main():
    page, script, style = (open(path, encoding="utf-8").read().strip() for path in sys.argv[1:4])
    if "</script" in script.lower() or "<!--" in script or "</style" in style.lower():
        sys.exit("%s: the script or the style would end its element" % sys.argv[1])
    for name, text in (("SCRIPT-HASH", policy_hash(script)), ("STYLE-HASH", policy_hash(style)),
                       (">STYLE<", ">" + style + "<"), (">SCRIPT<", ">" + script + "<")):
        page = page.replace(name, text, 1)
    head, rest = page.split(">TEXT<", 1)
    middle, tail = rest.split(">DATA<", 1)
    print("/* Made of web/ by embed.py. */")
    print(c_array("head", head + ">") + c_array("middle", "<" + middle + ">") + c_array("tail", "<" + tail + "\n"), end="")


main()
