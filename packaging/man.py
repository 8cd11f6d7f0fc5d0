#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The manual page, made of what --help says, so that neither knows more than the other.

    man.py TOOL VERSION >pyleak-bpf.8
"""
import re
import subprocess
import sys

COMMANDS = ("sweep", "serve", "census", "why", "merge", "doctor")
OPTION = re.compile(r"^  (?:(-\w), |    )--([a-z-]+)(?: (\S+))?(?:\s{2,}|\s*$)(.*)$|^  (?:(-\w), |    )--([a-z-]+)(?: (\S+))? (.*)$")
HEAD = """.\\" Made by packaging/man.py from --help.
.TH PYLEAK-BPF 8 "" "pyleak-bpf %s" "System administration"
.SH NAME
pyleak-bpf \\- find memory leaks in running Python processes
"""
TAIL = """.SH FILES
.TP
.I /etc/pyleak-bpf.conf
Settings of the service: options of
.B serve
as lines of name = value.
.TP
.I /etc/pyleak-bpf.token
What clients of the service send as bearer token.
.SH SEE ALSO
.I /usr/share/doc/pyleak\\-bpf/
has what reports mean, how verdicts are made and what rights are needed.
"""


def escape(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text.startswith((".", "'")) else text


def help_of(tool, command):
    run = subprocess.run([tool, *command, "--help"], stdout=subprocess.PIPE, text=True, check=True)
    return run.stdout.rstrip("\n").split("\n")


def option(line):
    """(left side, text) of a row that begins an option."""
    m = OPTION.match(line)
    if not m:
        return None
    letter, name, arg, text = m.group(1, 2, 3, 4) if m.group(2) else m.group(5, 6, 7, 8)
    left = "%s\\fB\\-\\-%s\\fR" % ("\\fB%s\\fR, " % escape(letter) if letter else "", escape(name))
    return left + (" \\fI%s\\fR" % escape(arg) if arg else ""), text


def body(lines):
    """Paragraphs as they are; rows of options as a list; what is indented, literally."""
    in_option = literal = False
    for line in lines:
        row = option(line)
        if row:
            if literal:
                yield ".fi"
            yield ".TP\n%s" % row[0]
            in_option, literal = True, False
            if row[1]:
                yield escape(row[1])
        elif in_option and line.startswith(" " * 20):
            yield escape(line.strip())
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


def main():
    tool, version = sys.argv[1:]
    print(HEAD % version, end="")
    for command in [()] + [(c,) for c in COMMANDS]:
        lines = help_of(tool, command)
        first = lines.index("")
        usage = [line.replace("usage:", "", 1).strip() for line in lines[:first]]
        print(".SH %s\n.nf" % ("SYNOPSIS" if not command else command[0].upper()))
        print("\n".join(escape(u) for u in usage) + "\n.fi")
        if not command:
            print(".SH DESCRIPTION")
        text = "\n".join(body(lines[first + 1:]))  # fmt: skip
        print(re.sub(r"(\n?\.(PP|sp))+$", "", re.sub(r"(\.(PP|sp)\n)+(?=\.(PP|sp|TP))", "", text)))
    print(TAIL, end="")


if __name__ == "__main__":
    main()
