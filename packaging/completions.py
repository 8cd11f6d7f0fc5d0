#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Completions for bash, zsh and fish, made of what --help says.

    completions.py TOOL DIRECTORY
"""
import os
import sys

import options

HEAD = "# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause\n# Made by packaging/completions.py from --help.\n"
# Programs whose processes are Pythons, as pgrep compares them.
PYTHONS = "^(python|gunicorn|celery|uwsgi|ipython|pypy)"

BASH = r"""
_pyleak_bpf_words() { # those of $1 that begin with $2, and no files
	compopt +o default +o bashdefault
	mapfile -t COMPREPLY < <(compgen -W "$1" -- "$2")
}

# Proposes values of the option $1; files are readline's own. False: it takes none.
_pyleak_bpf_value() {
	case ${COMP_WORDS[1]}:$1 in
%(values)s	*) return 1 ;;
	esac
	return 0
}

_pyleak_bpf() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} i
	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		[[ ${COMP_WORDS[i]} == -- ]] || continue
		if declare -F _command_offset >/dev/null; then
			_command_offset $((i + 1))
		elif ((i + 1 == COMP_CWORD)); then
			mapfile -t COMPREPLY < <(compgen -c -- "$cur")
		fi
		return
	done
	# --json=file is three words here.
	[[ $cur == = ]] && cur=
	[[ $prev == = ]] && prev=${COMP_WORDS[COMP_CWORD - 2]}
	_pyleak_bpf_value "$prev" "$cur" && return
	if ((COMP_CWORD == 1)) && [[ $cur != -* ]]; then
		_pyleak_bpf_words '%(commands)s help' "$cur"
		return
	fi
	case ${COMP_WORDS[1]} in
	help) _pyleak_bpf_words '%(commands)s' "$cur" ;;
%(options)s	esac
}
complete -o default -o bashdefault -F _pyleak_bpf pyleak-bpf
"""

ZSH = r"""
_pyleak_bpf_pids() {
	local -a pids
	pids=(${(f)"$(pgrep -a '%(pythons)s' 2>/dev/null | LC_ALL=C sed -n 's/:/\\:/g; s/^\([0-9]*\) \([[:print:]]*\)$/\1:\2/p')"})
	_describe -t pids 'Python process' pids
}

_pyleak_bpf() {
	local -a commands
	commands=(
%(commands)s	)
	if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then
		_describe -t commands command commands
		return
	fi
	case $words[2] in
	help) _describe -t commands command commands ;;
%(options)s	esac
}

_pyleak_bpf "$@"
"""

FISH = r"""
set -l commands %(commands)s

function __fish_pyleak_bpf_in # is this the command? "": none of the others
	set -l words (commandline -opc)
	contains -- -- $words; and return 1
	if test -z "$argv[1]"
		not contains -- "$words[2]" $argv[2..-1]
	else
		test "$words[2]" = "$argv[1]"
	end
end

function __fish_pyleak_bpf_first
	test (count (commandline -opc)) -eq 1
end

function __fish_pyleak_bpf_pids
	pgrep -a '%(pythons)s' 2>/dev/null | LC_ALL=C sed -n 's/^\([0-9]*\) \([[:print:]]*\)$/\1\t\2/p'
end

complete -c pyleak-bpf -f
complete -c pyleak-bpf -n 'contains -- -- (commandline -opc)' -F
complete -c pyleak-bpf -n __fish_pyleak_bpf_first -a "$commands help"
complete -c pyleak-bpf -n '__fish_pyleak_bpf_in help' -a "$commands"
"""


def kind(option):
    """The kind of its value: files, directories, pids, users, words, or nothing to propose."""
    if option.words:
        return "words"
    return {"FILE": "files", "DIR": "dirs", "USER": "users"}.get(option.arg, "pids" if option.arg.startswith("PID") else "other")


def flags(option):
    return ["--" + option.name] + (["-" + option.letter] if option.letter else [])


def bash_value(option):
    return {
        "files": ":",
        "dirs": "compopt +o default +o bashdefault -o dirnames",
        "users": "compopt +o default +o bashdefault; mapfile -t COMPREPLY < <(compgen -u -- \"$2\")",
        "pids": "_pyleak_bpf_words \"$(pgrep '%s' 2>/dev/null)\" \"$2\"" % PYTHONS,
        "words": "_pyleak_bpf_words '%s' \"$2\"" % " ".join(option.words),
        "other": "compopt +o default +o bashdefault",
    }[kind(option)]


def bash(commands):
    values, rows = {}, []
    for command in commands:
        found = options.options(command.lines)
        for o in found:
            for flag in flags(o) if o.arg else ():
                values.setdefault(flag, []).append((command.name, bash_value(o)))
        files = "[[ $cur == -* ]] && " if options.takes_files(command) else ""
        row = "\t%s) %s_pyleak_bpf_words '%s' \"$cur\" ;;\n" % (command.name or "*", files, " ".join(f for o in found for f in flags(o)))
        rows.append(row)
    # The main job has no name, and so comes last.
    cases = "".join("\t%s) %s ;;\n" % row for flag, v in sorted(values.items()) for row in value_rows(flag, v))
    return HEAD + BASH % {"values": cases, "options": "".join(rows[1:] + rows[:1]), "commands": " ".join(c.name for c in commands if c.name)}


def value_rows(flag, of_commands):
    """(pattern, what to do): one for all commands, where they have the same; the main job, which has no name, last."""
    if len({doing for _, doing in of_commands}) == 1:
        return [("*:" + flag, of_commands[0][1])]
    return [((name or "*") + ":" + flag, doing) for name, doing in sorted(of_commands, reverse=True)]


def zsh_text(text):
    return text.replace("\\", "\\\\").replace("'", "'\\''").replace("[", "\\[").replace("]", "\\]").replace(":", "\\:")


def zsh_option(o):
    do = {"files": "_files", "dirs": "_files -/", "users": "_users", "pids": "_pyleak_bpf_pids", "other": " "}
    value = ""
    if o.arg:
        value = ":%s:%s" % (zsh_text(o.arg), "(%s)" % " ".join(o.words) if o.words else do[kind(o)])
    several = "*" if "several times" in o.text or (o.name == "verbose") else ""
    text = "[%s]" % zsh_text(o.text)
    rows = ["'%s--%s%s%s%s'" % (several, o.name, "=" if o.arg else "", text, value)]
    if o.letter:
        rows.append("'%s-%s%s%s%s'" % (several, o.letter, "+" if o.arg else "", text, value))
    return rows


def zsh_words(command):
    if options.takes_files(command):
        return ["'*:file:_files'"]
    if not command.name:
        return ["'*::command:_normal'"]
    return ["'*:process:_pyleak_bpf_pids'"] if "-p PID" in command.lines[0] else []


def zsh(commands):
    names, rows = "", []
    for command in commands:
        if command.name:
            names += "\t\t'%s:%s'\n" % (command.name, zsh_text(command.about))
        specs = [r for o in options.options(command.lines) for r in zsh_option(o)]
        specs += zsh_words(command)
        shift = "shift words; (( CURRENT-- )); " if command.name else ""
        rows.append("\t%s) %s_arguments -s -S \\\n\t\t%s ;;\n" % (command.name or "*", shift, " \\\n\t\t".join(specs)))
    return "#compdef pyleak-bpf\n" + HEAD + ZSH % {
        "commands": names, "options": "".join(rows[1:] + rows[:1]), "pythons": PYTHONS}  # fmt: skip


def fish_text(text):
    return text.replace("\\", "\\\\").replace("'", "\\'")


def fish(commands):
    names = [c.name for c in commands if c.name]
    text = HEAD + FISH % {"commands": " ".join(names), "pythons": PYTHONS}
    for command in commands:
        where = "'__fish_pyleak_bpf_in %s'" % (command.name or '"" ' + " ".join([*names, "help"]))
        if options.takes_files(command):
            text += "complete -c pyleak-bpf -n %s -F\n" % where
        for o in options.options(command.lines):
            row = "complete -c pyleak-bpf -n %s -l %s" % (where, o.name)
            row += " -s " + o.letter if o.letter else ""
            if o.arg:
                row += {"files": " -r -F", "dirs": " -x -a '(__fish_complete_directories)'", "users": " -x -a '(__fish_complete_users)'",
                        "pids": " -x -a '(__fish_pyleak_bpf_pids)'", "words": " -x -a '%s'" % " ".join(o.words), "other": " -x"}[kind(o)]  # fmt: skip
            text += row + " -d '%s'\n" % fish_text(o.text.split("; ")[0])
    return text


def main():
    tool, where = sys.argv[1:]
    commands = options.commands(tool)
    os.makedirs(where, exist_ok=True)
    for name, make in (("pyleak-bpf", bash), ("_pyleak-bpf", zsh), ("pyleak-bpf.fish", fish)):
        with open(os.path.join(where, name), "w", encoding="utf-8") as f:
            f.write(make(commands))


if __name__ == "__main__":
    main()
