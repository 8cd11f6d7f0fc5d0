#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Builds CPython without a GIL (3.13t, 3.14t) from Debian's sources: no suite has them as packages. Takes
# some minutes for each; what is there already is kept.
set -eu

here=$(dirname "$0")
dir=$("$here/../cache.sh" pyleak-roots)/nogil

# shellcheck source=tests/e2e/debian_source.sh
. "$here/debian_source.sh"

build() {
	suite=$1 version=$2
	tmp=$(mktemp -d "$dir/.$version.XXXXXX")
	log=$tmp/log
	if debian_source "$suite" "python$version" "$tmp" >"$log" 2>&1 && mkdir "$tmp/o" &&
		(cd "$tmp/o" && ../src/configure -q --disable-gil --without-ensurepip --disable-test-modules \
			--prefix="$dir/${version}t" && make -s -j "$(nproc)" &&
			make -s install DESTDIR="$tmp/root") >>"$log" 2>&1; then
		mv "$tmp/root$dir/${version}t" "$dir/${version}t"
		echo "nogil: $("$dir/${version}t/bin/python${version}t" -V) made"
	else
		echo "nogil: $version could not be made from the source of $suite:" >&2
		tail -n 5 "$log" >&2
		rm -rf "$tmp"
		return 1
	fi
	rm -rf "$tmp"
}

sh "$here/../deps.sh" gcc make libc6-dev libffi-dev zlib1g-dev debian-archive-keyring debian-keyring gpgv
uri=$("$here/../mirror.sh")
mkdir -p "$dir"
exec 9>"$dir/.lock"
flock 9
# The first suite that has it: unstable's files may be gone from a mirror that is being updated.
rc=0
for suites in 3.13:trixie 3.14:forky:sid; do
	version=${suites%%:*}
	[ ! -x "$dir/${version}t/bin/python${version}t" ] || continue
	made=
	for suite in $(echo "${suites#*:}" | tr : ' '); do
		[ "$made" ] || ! build "$suite" "$version" || made=1
	done
	[ "$made" ] || rc=1
done
exit $rc
