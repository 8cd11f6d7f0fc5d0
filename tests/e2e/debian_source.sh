# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=sh
# To be sourced: debian_source SUITE PACKAGE DIR fetches a source package with lists and caches of its own
# (this machine's apt knows nothing of it) and unpacks the original source into DIR/src. An archive may list a
# version that it does not hold: then it is the newest earlier one that it does.
# $uri: the archive, as mirror.sh prints it.

with_own_lists() {
	command=$1
	shift
	(cd "$to" && "$command" -qq -o Dir::Etc::sourcelist="$to/sources.list" -o Dir::Etc::sourceparts=- \
		-o Dir::State::lists="$to/lists" -o Dir::Cache="$to/cache" -o APT::Sandbox::User=root \
		-o Acquire::Check-Valid-Until=false -o Acquire::Check-Date=false "$@")
}

download() {
	python3 -c 'import shutil, sys, urllib.request as u
with u.urlopen(sys.argv[1], timeout=120) as there:
    shutil.copyfileobj(there, sys.stdout.buffer)' "$1" >"$2"
}

# Those of the same X.Y before X.Y.Z, the newest first.
earlier_versions() (
	patch=${1##*.}
	while [ "$patch" -gt 0 ]; do
		patch=$((patch - 1))
		echo "${1%.*}.$patch"
	done
	for candidate in 3 2 1; do
		echo "${1%.*}.0~rc$candidate"
	done
)

# The .dsc is signed by a developer of Debian's and has the sum of the source.
earlier_source() (
	listed=$(with_own_lists apt-cache showsrc "$1" | sed -n 's/^Version: \(.*\)-.*/\1/p' | sort -V | tail -n 1)
	for older in $(earlier_versions "$listed"); do
		stem=${1}_$older
		# shellcheck disable=SC2154 # $uri is the caller's
		pool="${uri%/}/pool/main/${1%"${1#?}"}/$1"
		if download "$pool/$stem-1.dsc" "$to/$stem.dsc" 2>/dev/null &&
			download "$pool/$stem.orig.tar.xz" "$to/$stem.orig.tar.xz" 2>/dev/null; then
			gpgv --keyring /usr/share/keyrings/debian-keyring.gpg --output "$to/signed" "$to/$stem.dsc" || exit 1
			sum=$(sed -n '/^Checksums-Sha256/,/^Files/p' "$to/signed" | awk -v f="$stem.orig.tar.xz" '$3 == f { print $1 }')
			echo "$sum  $to/$stem.orig.tar.xz" | sha256sum --check --quiet
			exit
		fi
		rm -f "$to/$stem".*
	done
	exit 1
)

debian_source() {
	to=$3
	mkdir -p "$to/lists/partial" "$to/cache/archives/partial" "$to/src"
	echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri $1 main" >"$to/sources.list"
	with_own_lists apt-get update || return 1
	with_own_lists apt-get source --only-source --download-only "$2" || earlier_source "$2" || return 1
	tar -C "$to/src" --strip-components=1 -xf "$to"/*.orig.tar.?z
}
