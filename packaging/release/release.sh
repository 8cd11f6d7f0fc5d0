#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Makes the files of a release of the last commit: the same bytes from the same commit and packages, wherever. As root.
#   release.sh VERSION DIRECTORY JOBS PACKAGE...
set -eu

version=$1
out=$2
jobs=$3
shift 3
here=$(cd "$(dirname "$0")" && pwd)
top=$(dirname "$(dirname "$here")")
# shellcheck source=packaging/release/in_root.sh
. "$here/in_root.sh"

if [ "$(id -u)" -ne 0 ]; then
	echo 'release.sh: a root of Debian 12 is made and entered for it: run it as root' >&2
	exit 1
fi
root=$("$top/tests/cache.sh" pyleak-roots)/release
# Whoever owns the checkout.
git() {
	command git -c safe.directory='*' -C "$top" "$@"
}
epoch=$(git log -1 --format=%ct) || exit 1
[ -z "$(git status --porcelain)" ] || echo "release.sh: what is not committed is not in it" >&2

"$here/root.sh" "$root" "$@"
exec 9>"${root%/*}/.${root##*/}.lock"
flock 9
# The place is the same for all, and known to no file that comes out of it.
rm -rf "$root/release"
mkdir -p "$root/release/pyleak-bpf-$version" "$root/release/out"
trap 'rm -rf --one-file-system "$root/release"' EXIT
git archive HEAD | tar -x -C "$root/release/pyleak-bpf-$version"
if ! in_root "$root" SOURCE_DATE_EPOCH="$epoch" JOBS="$jobs" \
	sh "/release/pyleak-bpf-$version/packaging/release/build.sh" "$version" >"$root/release/log" 2>&1 9>&-; then
	echo 'release.sh: not built:' >&2
	tail -n 30 "$root/release/log" >&2
	exit 1
fi
rm -rf "$out"
mkdir -p "$(dirname "$out")"
cp -r "$root/release/out" "$out"
cd "$out" && ls -l
