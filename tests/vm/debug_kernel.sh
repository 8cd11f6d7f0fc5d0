#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Builds the kernel of debug.config from Debian's source package (some ten minutes on two cores):
#   debug_kernel.sh LINUX_SOURCE_DEB DIR
# DIR gets vmlinuz, the configuration, and `wanted`, a copy of debug.config.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
deb=$1 out=$2
for need in flex bison bc pahole:dwarves gcc make; do
	if ! command -v "${need%:*}" >/dev/null; then
		echo "debug_kernel.sh: no ${need%:*} (package ${need#*:})" >&2
		exit 1
	fi
done

tmp=$(mktemp -d "${TMPDIR:-$(dirname "$deb")}/build.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
dpkg-deb --fsys-tarfile "$deb" | tar -xO --wildcards './usr/src/linux-source-*.tar.xz' | tar -xJ -C "$tmp"
cd "$tmp"/linux-source-*
# Not those of a make that calls us.
unset MAKEFLAGS MAKELEVEL
make -s KCONFIG_ALLCONFIG="$here/debug.config" allnoconfig
# An option whose needs are not there is left out without a word.
grep -E '^(CONFIG_|# CONFIG_)' "$here/debug.config" | while read -r line; do
	if ! grep -qxF "$line" .config; then
		echo "debug_kernel.sh: not to be had: $line" >&2
		exit 1
	fi
done
nice -n 10 make -s -j"$(nproc)" bzImage
mkdir -p "$out"
cp arch/x86/boot/bzImage "$out/vmlinuz-debug"
cp .config "$out/config"
cp "$here/debug.config" "$out/wanted"
