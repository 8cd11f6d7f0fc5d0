#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Builds CPython in the shapes that people run and Debian does not have, from Debian's sources and compilers:
#   builds.sh [NAME...]     default: all of them
# uv-V is that of python-build-standalone (clang, ThinLTO, PGO, BOLT, one executable). NAME-stripped lies beside
# each. A build takes half an hour on two cores; what is there already is kept.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
dir=${PYLEAK_CACHE:-/var/tmp}/pyleak-roots/builds
llvm=22
# Profiles of a few tests: what is inlined and what is cold is like in a real build, and it ends this day.
export PROFILE_TASK="-m test test_json test_dict test_list test_re"

# shellcheck source=tests/e2e/debian_source.sh
. "$here/debian_source.sh"

suites_of() {
	case $1 in
	3.13) echo trixie ;;
	*) echo forky sid ;;
	esac
}

build() {
	mkdir "$tmp/o"
	cd "$tmp/o"
	export PATH="/usr/lib/llvm-$llvm/bin:$PATH" CC=clang CXX=clang++ AR=llvm-ar LDFLAGS="-fuse-ld=lld"
	../src/configure -q --without-ensurepip --prefix="$dir/$name" \
		--with-lto=thin --enable-optimizations --enable-bolt
	make -s -j "$(nproc)"
	make -s install DESTDIR="$tmp/root"
	rm -rf "$tmp/root$dir/$name/lib/python3."*/test
}

# The same without symbols, beside it.
strip_it() {
	cp -a "$1" "$1-stripped"
	strip --strip-all "$(readlink -f "$1-stripped/bin/python3")"
}

make_it() {
	name=$1
	version=${name#*-}
	[ ! -e "$dir/$name-stripped" ] || return 0
	for suite in $(suites_of "$version"); do
		tmp=$(mktemp -d "$dir/.$name.XXXXXX")
		(
			debian_source "$suite" "python$version" "$tmp"
			build
		) >"$tmp/log" 2>&1 9>&- &
		# Not as a condition itself: errors would not end it.
		if wait $!; then
			rm -rf "${dir:?}/$name"
			mv "$tmp/root$dir/$name" "$dir/$name"
			strip_it "$dir/$name"
			rm -rf "$tmp"
			echo "builds: $name is there: $("$dir/$name/bin/python3" -V)"
			return 0
		fi
		echo "builds: $name could not be made from the source of $suite:" >&2
		grep -i "error" "$tmp/log" | head -n 5 >&2
		tail -n 5 "$tmp/log" >&2
		rm -rf "$tmp"
	done
	return 1
}

# Nothing is installed for what is there.
[ $# -gt 0 ] || set -- uv-3.13
missing=
for name in "$@"; do
	[ -e "$dir/$name-stripped" ] || missing="$missing $name"
done
[ -n "$missing" ] || exit 0
sh "$here/../deps.sh" gcc make libc6-dev libffi-dev zlib1g-dev libbz2-dev libssl-dev libsqlite3-dev \
	debian-archive-keyring clang-$llvm libclang-rt-$llvm-dev lld-$llvm bolt-$llvm llvm-$llvm
uri=$("$here/../mirror.sh")
export uri
mkdir -p "$dir"
exec 9>"$dir/.lock"
flock 9
rc=0
for name in $missing; do
	make_it "$name" || rc=1
done
exit $rc
