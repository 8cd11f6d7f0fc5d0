#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Builds CPython in the shapes that people run and Debian does not have, from Debian's sources and compilers:
#   builds.sh [NAME...]     default: those of $all
# docker-V is that of Docker's official images (and of Heroku's, Red Hat's, Nix's), uv-V that of
# python-build-standalone, uvt-V its one without the GIL, conda-V that of conda-forge, alpine-V musl's; tail-V has
# the interpreter of tail calls alone, O1-V, Os-V, noinline-V and bolt-V are made with options that nobody ships.
# bolt-V is the code of uv-V, rewritten with other options of BOLT: each of the two brings the other.
# NAME-stripped lies beside each of the first five. A build takes 5 to 30 minutes on two cores; what is there already
# is kept.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
dir=$("$here/../cache.sh" pyleak-roots)/builds
llvm=22
all="docker-3.11 docker-3.13 docker-3.14 docker-3.15 uv-3.13 uv-3.14 uvt-3.14 conda-3.13 conda-3.14 alpine-3.13 tail-3.14 O1-3.13 Os-3.13 noinline-3.13 bolt-3.13"
# Profiles of a few tests: what is inlined and what is cold is like in a real build, and it ends this day. One of them
# imports a module for tests alone, which is not built.
export PROFILE_TASK="-m test -i test_deopt_from_append_list test_json test_dict test_list test_re"

# shellcheck source=tests/e2e/debian_source.sh
. "$here/debian_source.sh"

suites_of() {
	case $1 in
	3.11*) echo bookworm ;;
	3.13*) echo trixie ;;
	*) echo forky sid ;;
	esac
}

# The compiler of the build of that name, and its options for configure, one per line.
use_clang() {
	export PATH="/usr/lib/llvm-$llvm/bin:$PATH" CC=clang CXX=clang++ AR=llvm-ar LDFLAGS="-fuse-ld=lld"
}

use_musl() {
	# Debian's wrapper knows no multiarch name, which configure wants to be the same as its own.
	# shellcheck disable=SC2016 # for the wrapper
	printf '#!/bin/sh\n[ "$1" != --print-multiarch ] || exit 0\nexec musl-gcc "$@"\n' >"$tmp/cc"
	chmod +x "$tmp/cc"
	# Libraries that Debian has are for its own libc.
	export CC="$tmp/cc" PKG_CONFIG=false
}

# A copy beside it, stripped, finds its own library.
# shellcheck disable=SC2016 # for make and the linker
rpath='LDFLAGS=-Wl,-rpath,\$$ORIGIN/../lib'

# Debug information (-g) changes no code, and takes as long again.
options() {
	frames=
	[ "$version" = 3.11 ] || frames="-fno-omit-frame-pointer -mno-omit-leaf-frame-pointer"
	case $name in
	docker-*) printf '%s\n' --enable-shared --with-lto --enable-optimizations "CFLAGS=-g0 $frames" "$rpath" ;;
	alpine-*) printf '%s\n' --enable-shared --with-lto --disable-ipv6 "CFLAGS=-g0 $frames" "$rpath" ;;
	conda-*)
		# Flags of its recipe, and of the compilers that it is built with.
		printf '%s\n' --with-lto=full --enable-optimizations "$rpath,-z,now,--disable-new-dtags,--gc-sections" \
			"CFLAGS=-g0 -march=nocona -mtune=haswell -ftree-vectorize -fPIC -fstack-protector-strong -fno-plt -ffunction-sections"
		;;
	uv-* | uvt-*)
		# Its modules are inside, too.
		case $name in uvt-*) echo --disable-gil ;; esac
		printf '%s\n' --with-lto=thin --enable-optimizations --enable-bolt MODULE_BUILDTYPE=static CFLAGS=-g0
		case $version in 3.1[4-9]) echo --with-tail-call-interp ;; esac
		;;
	tail-*) printf '%s\n' --with-tail-call-interp CFLAGS=-g0 ;;
	O1-*) echo "OPT=-DNDEBUG -O1" ;;
	Os-*) echo "OPT=-DNDEBUG -Os" ;;
	noinline-*) echo "OPT=-DNDEBUG -O2 -fno-inline" ;;
	esac
}

build() {
	mkdir "$tmp/o"
	cd "$tmp/o"
	case $name in
	uv-* | uvt-* | tail-*) use_clang ;;
	alpine-*) use_musl ;;
	esac
	options >"$tmp/options"
	set --
	while IFS= read -r option; do
		set -- "$@" "$option"
	done <"$tmp/options"
	../src/configure -q --without-ensurepip --disable-test-modules --prefix="$dir/$name" "$@"
	make -s -j "$(nproc)"
	make -s install DESTDIR="$tmp/root"
	rm -rf "$tmp/root$dir/$name/lib/python3."*/test
	[ "$name" != uv-3.13 ] || bolt_again
}

# random2 parts each function in two, at a random place.
bolt_again() {
	rm profile-bolt-stamp
	make -s profile-bolt-stamp \
		BOLT_APPLY_FLAGS="-reorder-blocks=cache -reorder-functions=hfsort -split-functions -split-strategy=random2 -icf=all -dyno-stats"
	cp -a "$tmp/root$dir/$name" "$tmp/root$dir/bolt-$version"
	cp python "$(readlink -f "$tmp/root$dir/bolt-$version/bin/python3")"
}

# The same without symbols, beside it: only the files with CPython's own code differ.
strip_it() {
	cp -a "$1" "$1-stripped"
	strip --strip-all "$(readlink -f "$1-stripped/bin/python3")"
	for f in "$1-stripped"/lib/libpython3.*.so.*; do
		[ ! -f "$f" ] || strip --strip-all "$f"
	done
}

make_it() {
	name=$1
	[ "$name" != bolt-3.13 ] || name=uv-3.13
	version=${name#*-}
	[ ! -e "$dir/$1/bin/python3" ] || return 0
	for suite in $(suites_of "$version"); do
		tmp=$(mktemp -d "$dir/.$name.XXXXXX")
		(
			debian_source "$suite" "python$version" "$tmp"
			build
		) >"$tmp/log" 2>&1 9>&- &
		# Not as a condition itself: errors would not end it.
		if wait $!; then
			case $name in
			docker-* | uv-* | uvt-* | conda-* | alpine-*) strip_it "$tmp/root$dir/$name" ;;
			esac
			for made in "$tmp/root$dir"/*; do
				rm -rf "${dir:?}/${made##*/}"
				mv "$made" "$dir/"
			done
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
# shellcheck disable=SC2086 # names
[ $# -gt 0 ] || set -- $all
missing=
for name in "$@"; do
	[ -e "$dir/$name/bin/python3" ] || missing="$missing $name"
done
[ -n "$missing" ] || exit 0
sh "$here/../deps.sh" gcc make libc6-dev libffi-dev zlib1g-dev libbz2-dev libssl-dev libsqlite3-dev \
	debian-archive-keyring debian-keyring gpgv musl-tools clang-$llvm libclang-rt-$llvm-dev lld-$llvm bolt-$llvm llvm-$llvm
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
