# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The commands of the tool and their options, as --help tells them: it is printed from the same rows that the parser reads."""
import collections
import re
import subprocess

ROW = re.compile(r"^  (?:(-\w), |    )--([a-z-]+)(?: (\S+))?(?:\s{2,}|\s*$)(.*)$|^  (?:(-\w), |    )--([a-z-]+)(?: (\S+))? (.*)$")
COLUMN = 20  # and more blanks: text that goes on
# The one word, or the first, that an option takes: "leak: exit with status 3 ...".
WORD = re.compile(r"([a-z]+)(?: \(default\))?: ")

# Without leading dashes; arg None: takes none. Words: all that is accepted, where that is few.
Option = collections.namedtuple("Option", "letter name arg text words")
Command = collections.namedtuple("Command", "name about lines")


def help_of(tool, *command):
    run = subprocess.run([tool, *command, "--help"], stdout=subprocess.PIPE, text=True, check=True)
    return run.stdout.rstrip("\n").split("\n")


def row(line):
    """(letter, name, arg, text) of a line that begins an option."""
    m = ROW.match(line)
    if not m:
        return None
    letter, name, arg, text = m.group(1, 2, 3, 4) if m.group(2) else m.group(5, 6, 7, 8)
    return letter and letter[1:], name, arg, text


def options(lines):
    found = []
    for line in lines:
        begins = row(line)
        if begins:
            found.append(list(begins))
        elif not line:
            found and found[-1].append(None)  # what follows an empty line is another paragraph
        elif found and found[-1][-1] is not None and line.startswith(" " * COLUMN):
            found[-1][3] = (found[-1][3] + " " + line.strip()).strip()
    return [option(*o[:4]) for o in found]


def option(letter, name, arg, text):
    words = WORD.match(text) if arg in ("WHAT", "MODE") else None
    return Option(letter, name, arg, text, [words.group(1)] if words else [])


def commands(tool):
    """The main job, whose name is "", and those that its usage lists."""
    main = help_of(tool)
    usage = main[: main.index("")]
    found = [Command("", "find memory leaks in running Python processes", main)]
    for line in usage:
        named = re.match(r" +pyleak-bpf ([a-z]+) .*?   (\S.*)$", line)
        if named:
            found.append(Command(named.group(1), named.group(2), help_of(tool, named.group(1))))
    return found


def takes_files(command):
    """Are its words files? Those of the others are processes, or none."""
    return ".json B" in command.lines[0]
