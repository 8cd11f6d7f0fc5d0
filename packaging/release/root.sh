#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Makes the root in which releases are built, whatever the machine runs: Debian 12 with its fixes, what building needs, and
# the static libraries of libs.sh. Kept until this recipe changes. Takes some minutes, as root.
#   root.sh ROOT PACKAGE...
set -eu

root=$1
shift
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=packaging/release/in_root.sh
. "$here/in_root.sh"
# For the libraries, and for the package of the tool.
set -- "$@" build-essential debhelper cmake m4 flex bison zlib1g-dev libbz2-dev libgmp-dev nettle-dev libtasn1-6-dev buildah

recipe() {
	cat "$here/root.sh" "$here/libs.sh"
	echo "$@"
}

# The sources of this machine where they are Debian 12's, with security; else its archive's Debian 12.
sources() {
	# shellcheck disable=SC2016 # apt's own placeholders
	apt-get indextargets --format '$(CODENAME)|$(REPO_URI)' 'Created-By: Packages' |
		awk -F'|' '$1 ~ /^bookworm(-updates|-security)?$/ && !seen[$0]++ { print "deb " $2 " " $1 " main" }' >"$1"
	grep -q ' bookworm ' "$1" || echo "deb $("$here/../../tests/mirror.sh") bookworm main" >>"$1"
	sed -n 's/^deb /deb-src /p' "$1" >"$1.src"
	cat "$1.src" >>"$1"
}

make_root() {
	packages=$(echo "$@" | tr ' ' ',')
	mmdebstrap --mode=root --variant=apt --format=directory --include="$packages" \
		--aptopt='Acquire::Check-Valid-Until "false"' --aptopt='Acquire::Check-Date "false"' \
		--aptopt='Acquire::Languages "none"' --aptopt='Apt::Install-Recommends "false"' \
		--dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' bookworm "$tmp/root" "$tmp/sources" &&
		cp "$here/libs.sh" "$tmp/root/" && in_root "$tmp/root" sh /libs.sh
}

mkdir -p "${root%/*}"
exec 9>"${root%/*}/.${root##*/}.lock"
flock 9
want=$(recipe "$@" | sha256sum)
[ "$want" != "$(cat "$root/.recipe" 2>/dev/null)" ] || exit 0
echo "  ROOT    $root"
tmp=$(mktemp -d "${root%/*}/.${root##*/}.XXXXXX")
chmod 755 "$tmp"
trap 'rm -rf --one-file-system "$tmp"' EXIT
sources "$tmp/sources"
make_root "$@" >"$tmp/log" 2>&1 9>&- &
# Not as a condition itself: errors would not end it.
if ! wait $!; then
	echo 'root.sh: the root for releases could not be made:' >&2
	tail -n 20 "$tmp/log" >&2
	exit 1
fi
echo "$want" >"$tmp/root/.recipe"
rm -rf --one-file-system "$root"
mv "$tmp/root" "$root"
