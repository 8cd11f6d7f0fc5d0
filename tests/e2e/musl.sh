#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Builds a small CPython with musl from Debian's source, as Alpine would have it: linked statically, the same
# stripped, and with musl as a shared library. No module is shared; the leaking extension of these tests is
# built in. Takes some minutes; what is there already is kept.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
dir=$("$here/../cache.sh" pyleak-roots)/musl
# shellcheck source=tests/e2e/debian_source.sh
. "$here/debian_source.sh"

# CPython asks its compiler for the machine's name, and must not be told that of glibc.
compiler() {
	cat >"$1" <<-EOF
		#!/bin/sh
		[ "\$1" != --print-multiarch ] || exit 0
		exec musl-gcc "\$@"
	EOF
	chmod +x "$1"
}

build() {
	(echo '#define MODULE leaky' && cat "$here/native/leaky.c") >"$tmp/src/Modules/leaky.c"
	mkdir "$tmp/o"
	cd "$tmp/o"
	../src/configure -q --disable-shared --disable-test-modules --without-ensurepip --disable-ipv6 \
		--prefix="$dir" CC="$tmp/cc" LDFLAGS=-static
	printf '*static*\nleaky leaky.c\n' >Modules/Setup.local
	make -s -j "$(nproc)" python
	mkdir -p "$tmp/root/bin" "$tmp/root/lib"
	cp python "$tmp/root/bin/python-static"
	strip -o "$tmp/root/bin/python-stripped" python
	rm python
	make -s LDFLAGS= PY_CORE_LDFLAGS= LINKFORSHARED=-no-pie python
	cp python "$tmp/root/bin/python-shared"
	rm -rf ../src/Lib/test
	cp -r ../src/Lib "$tmp/root/lib/python3.11"
}

sh "$here/../deps.sh" gcc make musl-tools debian-archive-keyring debian-keyring gpgv
uri=$("$here/../mirror.sh")
exec 9>"${dir%/*}/.musl.lock"
flock 9
[ ! -x "$dir/bin/python-shared" ] || exit 0
tmp=$(mktemp -d "${dir%/*}/.musl.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
compiler "$tmp/cc"
(
	debian_source bookworm python3.11 "$tmp"
	build
) >"$tmp/log" 2>&1 9>&- &
# Not as a condition itself: errors would not end it.
if ! wait $!; then
	echo 'musl: no CPython with musl could be made:' >&2
	tail -n 5 "$tmp/log" >&2
	exit 1
fi
mv "$tmp/root" "$dir"
echo "musl: $("$dir/bin/python-static" -V) made"
