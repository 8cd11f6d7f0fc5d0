#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Runs `make TARGET` on a copy of this checkout in a fresh bare Debian 12 root without a compiler, the
# way a stranger would. Takes a minute or two.
#   bare.sh [TARGET]
set -eu

target=${1:-demo}
here=$(cd "$(dirname "$0")" && pwd)
top=$(dirname "$(dirname "$here")")
cache=${PYLEAK_CACHE:-/var/tmp}/pyleak-roots
"$here/roots.sh" bare
root=$(mktemp -d "${cache%/*}/pyleak-bare.XXXXXX")
clean() {
	for m in sys/kernel/tracing sys/fs/bpf sys dev proc; do
		umount "$root/$m" 2>/dev/null || :
	done
	# Never through a mount that stayed.
	rm -rf --one-file-system "$root"
}
trap clean EXIT INT TERM
cp -a --reflink=auto "$cache/bare/." "$root"
mkdir -p "$root/src"
(cd "$top" && tar -c --exclude='./build*' --exclude=./.git .) | tar -x -C "$root/src"
cp /etc/resolv.conf "$root/etc/resolv.conf"
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
mount -t sysfs sys "$root/sys"
if chroot "$root" sh -c 'command -v gcc || command -v cc || command -v clang'; then
	echo 'bare.sh: there is a compiler in the bare root' >&2
	exit 1
fi
in_root() {
	chroot "$root" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
		TERM=dumb LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
}
for f in /etc/apt/apt.conf.d/*; do
	# The archive behind the machine may be a dated snapshot; what apt was told about that holds here too.
	if grep -qs 'Acquire::Check' "$f"; then
		cp "$f" "$root/etc/apt/apt.conf.d/"
	fi
done
in_root apt-get update -qq
in_root apt-get install -y -qq --no-install-recommends make >/dev/null 2>&1
in_root make -C /src "$target"
