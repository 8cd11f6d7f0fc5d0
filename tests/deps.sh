#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Installs the named packages that are missing, from the sources this machine is configured with.
set -eu

missing=
for p in "$@"; do
	state=$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null || :)
	[ "$state" = installed ] || missing="$missing $p"
done
[ -n "$missing" ] || exit 0

sudo=
if [ "$(id -u)" -ne 0 ]; then
	sudo=sudo
fi
echo "  APT    $missing"
export DEBIAN_FRONTEND=noninteractive
install() {
	# shellcheck disable=SC2086 # a list of package names
	$sudo apt-get install -y -qq --no-install-recommends -o Dpkg::Use-Pty=0 $missing >"$log" 2>&1
}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# Old or absent package lists are the usual reason for a first failure.
if ! install; then
	$sudo apt-get update -qq >"$log" 2>&1 || :
	if ! install; then
		cat "$log" >&2
		exit 1
	fi
fi
