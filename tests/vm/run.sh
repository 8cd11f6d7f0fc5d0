#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Runs a command under another kernel, on this machine's files (read-only; /tmp and /run are fresh),
# in the present directory; passes its output and its exit code on.
#   run.sh 5.10|6.1|6.12|newest [-t SECONDS] [-o DIR] -- CMD [ARG...]
# What the command writes below /tmp/vm lands in DIR.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
usage() {
	sed -n '4,5s/^# *//p' "$0" >&2
	exit 2
}
[ $# -ge 3 ] || usage
want=$1 limit=600 out=
shift
while [ $# -gt 0 ]; do
	case $1 in
	-t) limit=$2; shift 2 ;;
	-o) out=$2; shift 2 ;;
	--) shift; break ;;
	*) usage ;;
	esac
done
[ $# -gt 0 ] || usage

kroot=$("$here/kernel.sh" "$want")
kernel=$(find "$kroot" -type f -name 'vmlinuz*' | sort -V | tail -n 1)
share=$(mktemp -d)
trap 'rm -rf "$share"' EXIT
python3 "$here/initramfs.py" "$kroot" "$here/init" "$share/.initramfs"

quoted=
for arg in "$@"; do
	quoted="$quoted '$(printf %s "$arg" | sed "s/'/'\\\\''/g")'"
done
{
	echo "export PATH='$PATH' HOME='${HOME:-/root}' LANG=C.UTF-8 PYTHONDONTWRITEBYTECODE=1"
	echo "cd '$(pwd)' || exit 125"
	echo "exec$quoted"
} >"$share/job"

pwd >"$share/tree"

rc=0
timeout -k 5 "$limit" qemu-system-x86_64 -accel tcg,thread=multi -cpu max -m 2G -smp 2 -no-reboot \
	-display none -monitor none -nodefaults -kernel "$kernel" -initrd "$share/.initramfs" \
	-append 'console=ttyS0 loglevel=5 softlockup_all_cpu_backtrace=1 panic=-1 mitigations=off random.trust_cpu=on' \
	-serial "file:$share/console" -serial stdio -device virtio-rng-pci \
	-virtfs local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap \
	-virtfs "local,path=$share,mount_tag=out,security_model=none,multidevs=remap" </dev/null || rc=$?
if [ "$rc" -ne 0 ] || [ ! -s "$share/rc" ]; then
	echo "vm: no result from kernel $want (qemu exit $rc, limit $limit s); its console ended with:" >&2
	tail -n 30 "$share/console" >&2 2>/dev/null || :
	exit 125
fi
rc=$(cat "$share/rc")
if [ -n "$out" ]; then
	mkdir -p "$out"
	cp "$share/console" "$out/console"
	find "$share" -mindepth 1 -maxdepth 1 ! -name '.initramfs' ! -name job ! -name tree ! -name rc \
		-exec cp -r {} "$out/" \;
fi
exit "$rc"
