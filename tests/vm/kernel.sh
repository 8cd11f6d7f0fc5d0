#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Unpacks the Debian kernel of a release without installing it and prints its directory:
#   kernel.sh 5.10|6.1|6.12|newest|debug
# debug is 6.12 that checks itself (debug.config), built from Debian's source when that file is new.
# apt runs with a state directory of its own, so that signatures are checked and this machine's
# package lists stay as they are.
set -eu

want=$1
case $want in
5.10) suite=bullseye ;;
6.1) suite=bookworm ;;
6.12) suite=trixie ;;
newest) suite=sid ;;
debug) suite=trixie ;;
*) echo "kernel.sh: 5.10, 6.1, 6.12, newest or debug, not '$want'" >&2; exit 2 ;;
esac

here=$(cd "$(dirname "$0")" && pwd)
dir=$("$here/../cache.sh" pyleak-vm)
# A lock for each: a build takes long, and the others need not wait for it.
exec 9>"$dir/.lock.$want"
flock 9
if [ -d "$dir/$want" ] && { [ "$want" != debug ] || cmp -s "$here/debug.config" "$dir/debug/wanted"; }; then
	echo "$dir/$want"
	exit 0
fi

uri=$("$here/../mirror.sh")
tmp=$(mktemp -d "$dir/.$want.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$tmp/lists/partial" "$tmp/cache/archives/partial" "$tmp/root"
touch "$tmp/status"
chmod -R a+rX "$tmp"
keys=/usr/share/keyrings/debian-archive-keyring.gpg
echo "deb [signed-by=$keys] $uri $suite main" >"$tmp/sources.list"

own_apt() {
	prog=$1
	shift
	"$prog" -qq -o Dir::Etc::sourcelist="$tmp/sources.list" -o Dir::Etc::sourceparts=/dev/null \
		-o Dir::State::lists="$tmp/lists" -o Dir::State::status="$tmp/status" \
		-o Dir::Cache="$tmp/cache" -o APT::Sandbox::User=root -o Acquire::Languages=none \
		-o Acquire::Check-Valid-Until=false -o Acquire::Check-Date=false "$@"
}

own_apt apt-get update >&2
if [ "$want" = debug ]; then
	(cd "$tmp" && own_apt apt-get download linux-source-6.12 >&2)
	"$here/debug_kernel.sh" "$tmp"/linux-source-*.deb "$tmp/root" >&2
	rm -rf "${dir:?}/debug"
	mv "$tmp/root" "$dir/debug"
	echo "$dir/debug"
	exit 0
fi
# The cloud flavour has no 9p. The meta package names the newest signed image of its suite.
image=$(own_apt apt-cache depends linux-image-amd64 |
	awk '$1 == "Depends:" && $2 ~ /^linux-image-[0-9]/ { print $2; exit }')
[ -n "$image" ] || { echo "kernel.sh: $suite has no linux-image-amd64" >&2; exit 1; }
# Newer releases split the modules off the image.
more=$(own_apt apt-cache depends "$image" |
	awk '$1 == "Depends:" && $2 ~ /^linux-(modules|binary|base)-[0-9]/ { print $2 }')
# shellcheck disable=SC2086 # a list of package names
(cd "$tmp" && own_apt apt-get download $image $more >&2)
for deb in "$tmp"/*.deb; do
	# Only those modules are kept that lead to the host's files (tests/vm/initramfs.py).
	dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$tmp/root" --wildcards --wildcards-match-slash \
		'./boot/*' '*/vmlinuz*' '*/net/9p/*' '*/fs/9p/*' '*/fs/netfs/*' '*/fs/fscache/*' '*/fs/overlayfs/*' \
		'*/drivers/virtio/*' '*/drivers/char/hw_random/*' 2>/dev/null || :
done
[ -n "$(find "$tmp/root" -type f -name 'vmlinuz*')" ]
rm -rf "${dir:?}/$want"
mv "$tmp/root" "$dir/$want"
echo "$dir/$want"
