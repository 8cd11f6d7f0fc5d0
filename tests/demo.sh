#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Runs the demo service and watches it: the first site must be the line that leaks.
#   demo.sh TOOL
set -eu

tool=$1
here=$(cd "$(dirname "$0")" && pwd)
python=$(command -v python3.11 || command -v python3)
if [ -x /usr/bin/python3.11 ]; then
	python=/usr/bin/python3.11
fi
"$python" -B "$here/zoo/demo.py" &
pid=$!
trap 'kill "$pid" 2>/dev/null || :' EXIT INT TERM
sleep 1
echo "A small shop service runs as process $pid on $("$python" -V); it has a leak."
echo "    pyleak-bpf -p $pid -d 25"
"$tool" -p "$pid" -d 25
line=$(grep -n '# LEAK' "$here/zoo/demo.py" | cut -d: -f1)
echo "The line that leaks is $here/zoo/demo.py:$line, as its own comment says."
