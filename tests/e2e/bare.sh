#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Runs `make TARGET` on a copy of this checkout in a fresh bare Debian 12 root without a compiler, the
# way a stranger would. Takes a minute or two.
#   bare.sh [TARGET]
set -eu

target=${1:-demo}
here=$(cd "$(dirname "$0")" && pwd)
top=$(dirname "$(dirname "$here")")
# shellcheck source=tests/e2e/in_root.sh
. "$here/in_root.sh"
"$here/roots.sh" bare
trap root_gone EXIT INT TERM
root_new bare
mkdir -p "$root/src"
(cd "$top" && tar -c --exclude='./build*' --exclude=./.git .) | tar -x -C "$root/src"
if in_root sh -c 'command -v gcc || command -v cc || command -v clang'; then
	echo 'bare.sh: there is a compiler in the bare root' >&2
	exit 1
fi
in_root apt-get update -qq
in_root apt-get install -y -qq --no-install-recommends make >/dev/null 2>&1
in_root make -C /src "$target"
