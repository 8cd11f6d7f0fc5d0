# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# To be sourced: in_root ROOT COMMAND... runs a command in there, with mounts that end with it.

in_root() {
	cp /etc/resolv.conf "$1/etc/resolv.conf"
	# shellcheck disable=SC2016 # for the shell with the mounts
	unshare --mount --propagation private sh -c '
		mount --bind "$0" "$0" && mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" &&
		exec chroot "$0" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TZ=UTC \
			DEBIAN_FRONTEND=noninteractive "$@"' "$@"
}
