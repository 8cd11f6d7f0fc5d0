#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The manual pages, one of each command, made of what --help says, so that neither knows more than the other.

    man.py TOOL VERSION DIRECTORY
"""
import os
import re
import sys

import options

HEAD = """.\\" Made by packaging/man.py from --help.
.TH %s 8 "" "pyleak-bpf %s" "System administration"
.SH NAME
%s \\- %s
"""
FILES = """.SH FILES
.TP
.I /etc/pyleak-bpf.conf
Settings of the service: options of
.B serve
as lines of name = value.
.TP
.I /etc/pyleak-bpf.token
What clients of the service send as bearer token.
"""
SEE = """.SH SEE ALSO
%s
.PP
.I /usr/share/doc/pyleak\\-bpf/
has what reports mean, how verdicts are made and what rights are needed.
"""


def escape(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text.startswith((".", "'")) else text


def left_side(letter, name, arg):
    left = "%s\\fB\\-\\-%s\\fR" % ("\\fB\\-%s\\fR, " % letter if letter else "", escape(name))
    return left + (" \\fI%s\\fR" % escape(arg) if arg else "")


def body(lines):
    """Paragraphs as they are; rows of options as a list; what is indented, literally."""
    in_option = literal = False
    for line, next_line in zip(lines, lines[1:] + [""]):
        row = options.row(line)
        if row:
            if literal:
                yield ".fi"
            yield ".TP\n%s" % left_side(*row[:3])
            in_option, literal = True, False
            if row[3]:
                yield escape(row[3])
        elif in_option and line.startswith(" " * options.COLUMN):
            yield escape(line.strip())
        elif line.endswith(":") and options.row(next_line):
            yield ".SS %s" % escape(line[:-1])
            in_option = False
        else:
            if not line:
                yield ".fi\n.PP" if literal else ".PP" if in_option else ".sp"
                in_option = literal = False
                continue
            if not literal:
                yield ".nf"
                literal = True
            yield escape(line)
    if literal:
        yield ".fi"


def page_name(command):
    return "pyleak-bpf-" + command.name if command.name else "pyleak-bpf"


def page(command, version, others):
    name = page_name(command)
    first = command.lines.index("")
    usage = [line.replace("usage:", "", 1).strip() for line in command.lines[:first]]
    text = HEAD % (escape(name.upper()), version, escape(name), escape(command.about))
    text += ".SH SYNOPSIS\n.nf\n%s\n.fi\n.SH DESCRIPTION\n" % "\n".join(escape(u) for u in usage)
    said = "\n".join(body(command.lines[first + 1:]))  # fmt: skip
    text += re.sub(r"(\n?\.(PP|sp))+$", "", re.sub(r"(\.(PP|sp)\n)+(?=\.(PP|sp|TP|SS))", "", said)) + "\n"
    if command.name in ("", "serve"):
        text += FILES
    return text + SEE % ",\n".join(".BR %s (8)" % escape(page_name(o)) for o in others if o is not command).replace("(8),", "(8),")


def main():
    tool, version, where = sys.argv[1:]
    commands = options.commands(tool)
    os.makedirs(where, exist_ok=True)
    for command in commands:
        with open(os.path.join(where, page_name(command) + ".8"), "w", encoding="utf-8") as f:
            f.write(page(command, version, commands))


if __name__ == "__main__":
    main()
