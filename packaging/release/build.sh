#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Builds the files of a release from the source that it lies in. Runs in the root that root.sh makes, in /release.
#   build.sh VERSION        with SOURCE_DATE_EPOCH, JOBS
set -eux

version=$1
name=pyleak-bpf-$version
out=/release/out
export PKG_CONFIG_PATH=/opt/static/lib/pkgconfig C_INCLUDE_PATH=/opt/static/include LIBRARY_PATH=/opt/static/lib
export STATIC=1 LC_ALL=C.UTF-8
umask 022

# Before anything is built in there.
cd /release
tar --sort=name --format=gnu --owner=0 --group=0 --numeric-owner --mode=go-w --mtime="@$SOURCE_DATE_EPOCH" -c "$name" |
	gzip -9n >"$out/$name.tar.gz"

cd "/release/$name"
make V=1 -j"$JOBS" LDFLAGS=-Wl,-Map=/release/map build/pyleak-bpf
make build/man/pyleak-bpf.8 build/completions/pyleak-bpf
strip -o "$out/$name-x86_64" build/pyleak-bpf
python3 packaging/release/sbom.py "$version" "$out/$name-x86_64" /release/map /opt/static/sources >"$out/$name.spdx.json"
python3 packaging/release/wheel.py "$version" "$out/$name-x86_64" "$out/$name.spdx.json" build "$out"

mkdir /release/image
cp "$out/$name-x86_64" /release/image/pyleak-bpf
cp packaging/systemd/pyleak-bpf.conf LICENSE LICENSES/* /release/image
store="--root /release/store --runroot /release/run --storage-driver vfs"
# shellcheck disable=SC2086 # words
buildah $store build --isolation chroot --format oci --timestamp "$SOURCE_DATE_EPOCH" --build-arg VERSION="$version" \
	-f packaging/oci/Containerfile -t "pyleak-bpf:$version" /release/image
# shellcheck disable=SC2086
buildah $store push "pyleak-bpf:$version" "oci:/release/oci:pyleak-bpf:$version"
tar --sort=name --format=gnu --owner=0 --group=0 --numeric-owner --mode=go-w --mtime="@$SOURCE_DATE_EPOCH" \
	-C /release/oci -cf "$out/$name-oci.tar" .

rm -r build
DEB_BUILD_OPTIONS=noautodbgsym make deb
cp build/*.deb "$out"

cd "$out"
sha256sum -- * >/release/SHA256SUMS
mv /release/SHA256SUMS .
