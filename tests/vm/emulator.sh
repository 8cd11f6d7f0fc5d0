#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Prints the command, a word a line, of an emulator whose processors see what a kernel changes of its own text.
# QEMU before 8.1 reads code and remembers its translation in two steps: when another processor writes in between,
# as it does for static branches and tracepoints, one meets a breakpoint that is not there any more, for ever
# (6.1 with IRQs off: the guest hangs), or dies of it ("Oops: int3"). Where this machine's is older, that of
# Debian 13 is unpacked beside the kernels, without being installed (166 MB).
set -eu

name=qemu-system-x86_64
# shellcheck disable=SC2046 # two numbers
set -- $("$name" --version 2>/dev/null | sed -n 's/^QEMU emulator version \([0-9]*\)\.\([0-9]*\).*/\1 \2/p')
if [ $# = 2 ] && [ $((100 * $1 + $2)) -ge 801 ]; then
	echo "$name"
	exit 0
fi

here=$(cd "$(dirname "$0")" && pwd)
dir=$("$here/../cache.sh" pyleak-vm)
exec 9>"$dir/.lock.emulator"
flock 9
root=$dir/emulator
if [ ! -d "$root" ]; then
	tmp=$(mktemp -d "$dir/.emulator.XXXXXX")
	trap 'rm -rf "$tmp"' EXIT
	mmdebstrap --mode=root --variant=extract --format=directory --include=qemu-system-x86 \
		--aptopt='Apt::Install-Recommends "false"' --dpkgopt='path-exclude=/usr/share/man/*' \
		trixie "$tmp/root" "$("$here/../mirror.sh")" >&2
	mv "$tmp/root" "$root"
fi
printf '%s\n' "$root/usr/lib64/ld-linux-x86-64.so.2" --library-path "$root/usr/lib/x86_64-linux-gnu" \
	"$root/usr/bin/$name" -L "$root/usr/share/qemu" -L "$root/usr/share/seabios"
