# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# To be sourced: throw-away copies of the roots that roots.sh makes, with the mounts that programs expect.

cache=${PYLEAK_CACHE:-/var/tmp}/pyleak-roots
root=

# A fresh copy of NAME, as $root.
root_new() {
	root=$(mktemp -d "${cache%/*}/pyleak-$1.XXXXXX")
	chmod 755 "$root"
	# A mount of its own: without one there are no mount namespaces in the chroot.
	mount --bind "$root" "$root"
	mount --make-private "$root"
	cp -a --reflink=auto "$cache/$1/." "$root"
	cp /etc/resolv.conf "$root/etc/resolv.conf"
	mount -t proc proc "$root/proc"
	mount --bind /dev "$root/dev"
	mount --bind /dev/pts "$root/dev/pts"
	mount -t sysfs sys "$root/sys"
	mount --rbind /sys/fs/cgroup "$root/sys/fs/cgroup"
	mount --make-rprivate "$root/sys/fs/cgroup"
	for f in /etc/apt/apt.conf.d/*; do
		# The archive behind the machine may be a dated snapshot; what apt was told about that holds here too.
		if grep -qs 'Acquire::Check' "$f"; then
			cp "$f" "$root/etc/apt/apt.conf.d/"
		fi
	done
}

root_gone() {
	[ -n "$root" ] || return 0
	umount -R "$root" 2>/dev/null || umount -R -l "$root"
	# Never through a mount that stayed.
	rm -rf --one-file-system "$root"
	root=
}

in_root() {
	chroot "$root" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
		TERM=dumb LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
}
