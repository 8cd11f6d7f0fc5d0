#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Prints the archive that serves this machine's own Debian release: other suites come from there too.
set -eu

# shellcheck disable=SC2016 # apt's own placeholders
uri=$(apt-get indextargets --format '$(LABEL)|$(CODENAME)|$(REPO_URI)' 'Created-By: Packages' |
	awk -F'|' '$1 == "Debian" && $2 !~ /-/ { print $3; exit }')
if [ -z "$uri" ]; then
	echo 'mirror.sh: apt has no Debian archive configured (or needs apt-get update)' >&2
	exit 1
fi
echo "$uri"
