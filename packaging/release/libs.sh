#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Builds, from Debian's source packages, the static libraries of which Debian has none, or none that a static program can
# use. Runs in the root that root.sh makes, and installs into /opt/static; /opt/static/sources lists what it built.
set -eux

prefix=/opt/static
work=/opt/src
# No paths, no debug information: the same bytes wherever and whenever. Sections, for the linker to leave out.
export CFLAGS="-O2 -fPIE -ffunction-sections -fdata-sections -fstack-protector-strong -ffile-prefix-map=$work=."
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
jobs=$(nproc)

# source_of PACKAGE LIBRARY...: Debian's source with its patches, as $work/PACKAGE, and what is built of it.
source_of() {
	mkdir -p "$work/.$1"
	cd "$work/.$1"
	apt-get -qq -o APT::Sandbox::User=root source --only-source --download-only "$1"
	dpkg-source --no-copy -x ./*.dsc "$work/$1"
	version=$(sed -n 's/^Version: //p' ./*.dsc | head -n 1)
	cd "$work/$1"
	shift
	echo "${PWD##*/} $version $*" >>"$prefix/sources"
}

# As the tarball has them: patches that change their sources would have them made anew.
configure() {
	./configure -q --prefix="$prefix" --disable-shared --enable-static --disable-dependency-tracking --disable-nls \
		AUTOCONF=: AUTOMAKE=: AUTOHEADER=: ACLOCAL=: MAKEINFO=: "$@"
}

with_cmake() {
	cmake -S . -B build -DCMAKE_BUILD_TYPE=None -DCMAKE_INSTALL_PREFIX="$prefix" -DCMAKE_INSTALL_LIBDIR=lib \
		-DBUILD_SHARED_LIBS=OFF "$@"
	cmake --build build -j"$jobs"
	cmake --install build
}

mkdir -p "$prefix" "$work"
apt-get -qq update

source_of zydis libZydis.a
with_cmake -DZYAN_SYSTEM_ZYCORE=ON -DZYDIS_BUILD_DOXYGEN=OFF -DZYDIS_BUILD_EXAMPLES=OFF -DZYDIS_BUILD_TOOLS=OFF

# Debian's libdw loads libdebuginfod by name, before main: a static program has no loader for that.
source_of elfutils libelf.a libdw.a
configure --disable-debuginfod --disable-libdebuginfod --with-zlib --with-bzlib --with-lzma --with-zstd
for part in lib libelf libcpu backends libebl libdwelf libdwfl libdw config; do
	make -s -C "$part" -j"$jobs"
done
for part in libelf libdw config; do
	make -s -C "$part" install
done
make -s -C libdwfl install-pkgincludeHEADERS

# Debian's wants p11-kit, which is made to load modules, and libunistring, which has no static form.
source_of gnutls28 libgnutls.a
# A fix of Debian's adds a file to gnulib's list of them.
grep -rl gettext-0.20 m4/ | xargs rm
GTKDOCIZE=true autoreconf -fi
configure --without-p11-kit --without-idn --without-tpm --without-tpm2 --with-included-unistring --disable-doc --disable-tools \
	--disable-tests --disable-cxx --disable-libdane --disable-guile --disable-hardware-acceleration --without-zlib \
	--without-brotli --without-zstd --with-default-trust-store-file=
make -s -j"$jobs"
make -s install

source_of libmicrohttpd libmicrohttpd.a
configure PKG_CONFIG="pkg-config --static" --enable-https --disable-doc --disable-examples --disable-curl
make -s -j"$jobs"
make -s install

rm -rf "$work"
find "$prefix" '(' -name '*.la' -o -name '*.so*' ')' -delete
