#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Prints the directory of that name in the cache, and makes it: cache.sh NAME. Root runs programs that lie in there, and
# everybody may make a directory in /var/tmp: one that is another user's, or that others may write to, is refused.
set -eu

dir=${PYLEAK_CACHE:-/var/tmp}/$1
umask 022
mkdir -p "$dir"
is=$(stat -c '%A %u' "$dir")
case $is in
d????-??-?" $(id -u)") echo "$dir" ;;
*)
	echo "cache.sh: $dir ($is) may be written by others: remove it, or name another place with PYLEAK_CACHE" >&2
	exit 1
	;;
esac
