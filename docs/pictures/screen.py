#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Prints a text capture of a terminal as an SVG picture: screen.py CAPTURE."""
import html
import sys

WIDTH, HEIGHT = 7.2, 15  # of a character of 12 px
COLORS = {"LEAK": "#ff6b6b", "warmup": "#8ab4f8", "GROWING": "#ffc857"}


def color_of(line):
    word = line.split()[0] if line.split() else ""
    return "#9fd3a8" if "│" in line else COLORS.get(word, "#d7dae0")


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        lines = f.read().rstrip("\n").split("\n")
    columns = max(map(len, lines))
    width, height = columns * WIDTH + 24, len(lines) * HEIGHT + 24
    print('<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%.0f" font-family="monospace" font-size="12">' % (width, height))
    print('<rect width="100%" height="100%" rx="8" fill="#15181e"/>')
    for i, line in enumerate(lines):
        if line.strip():
            print('<text x="12" y="%d" fill="%s" xml:space="preserve" textLength="%.1f">%s</text>'
                  % (24 + i * HEIGHT, color_of(line), len(line) * WIDTH, html.escape(line)))  # fmt: skip
    print("</svg>")


main()
