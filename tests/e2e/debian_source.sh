# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=sh
# To be sourced: debian_source SUITE PACKAGE DIR fetches a source package with lists and caches of its own
# (this machine's apt knows nothing of it) and unpacks the original source into DIR/src.
# $uri: the archive, as mirror.sh prints it.

debian_source() {
	to=$3
	mkdir -p "$to/lists/partial" "$to/cache/archives/partial" "$to/src"
	# shellcheck disable=SC2154 # $uri is the caller's
	echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri $1 main" >"$to/sources.list"
	for step in update "source --only-source --download-only $2"; do
		# shellcheck disable=SC2086 # words
		(cd "$to" && apt-get -qq -o Dir::Etc::sourcelist="$to/sources.list" -o Dir::Etc::sourceparts=- \
			-o Dir::State::lists="$to/lists" -o Dir::Cache="$to/cache" -o APT::Sandbox::User=root \
			-o Acquire::Check-Valid-Until=false -o Acquire::Check-Date=false $step) || return 1
	done
	tar -C "$to/src" --strip-components=1 -xf "$to"/*.orig.tar.?z
}
