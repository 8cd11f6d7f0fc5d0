#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Runs a command under another kernel, on this machine's files (read-only; /tmp and /run are fresh),
# in the present directory; passes its output and its exit code on.
#   run.sh 5.10|6.1|6.12|newest|debug [-t SECONDS] [-o DIR] [-c PROCESSORS] -- CMD [ARG...]
# Files that the command writes below /tmp/vm lands in DIR. A run after which the console tells of a fault
# of the kernel ends with 125, as one without a result, and shows that part of the console, then says which it was.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
usage() {
	sed -n '5s/^# *//p' "$0" >&2
	exit 2
}
[ $# -ge 3 ] || usage
want=$1 limit=600 processors=2 out=
shift
while [ $# -gt 0 ]; do
	case $1 in
	-t) limit=$2; shift 2 ;;
	-o) out=$2; shift 2 ;;
	-c) processors=$2; shift 2 ;;
	--) shift; break ;;
	*) usage ;;
	esac
done
[ $# -gt 0 ] || usage

kroot=$("$here/kernel.sh" "$want")
emulator=$("$here/emulator.sh")
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

# Lines that a kernel that works never prints, by console.awk; a task that hangs so long is one.
memory=2G hung_s=45
if [ "$want" = debug ]; then
	memory=3G hung_s=120
fi
# Where it is a fault of the kernel that ends the guest, the console has its stack. A kernel that can be
# preempted anywhere, where it has the choice, shows what others hide.
append="console=ttyS0 loglevel=5 softlockup_all_cpu_backtrace=1 panic=-1 mitigations=off preempt=full random.trust_cpu=on"
append="$append oops=panic sysctl.kernel.hung_task_panic=1 sysctl.kernel.hung_task_timeout_secs=$hung_s"
# The task that others wait for is often one that runs: stacks of all, when one hangs.
append="$append sysctl.kernel.hung_task_all_cpu_backtrace=1 panic_print=1"

rc=0
# shellcheck disable=SC2086 # a list of words
timeout -k 5 "$limit" $emulator -accel tcg,thread=multi -cpu max -m $memory -smp "$processors" -no-reboot \
	-display none -monitor none -nodefaults -kernel "$kernel" -initrd "$share/.initramfs" \
	-append "$append" \
	-serial "file:$share/console" -serial stdio -device virtio-rng-pci \
	-virtfs local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap \
	-virtfs "local,path=$share,mount_tag=out,security_model=none,multidevs=remap" </dev/null || rc=$?
if [ -n "$out" ]; then
	mkdir -p "$out"
	find "$share" -mindepth 1 -maxdepth 1 ! -name '.initramfs' ! -name job ! -name tree ! -name rc \
		-exec cp -r {} "$out/" \;
fi
touch "$share/console"
trouble=$(awk -f "$here/console.awk" "$share/console")
if [ -n "$trouble" ]; then
	echo "$trouble" >&2
	echo "vm: kernel $want is at fault, as its console says" >&2
	exit 125
fi
if [ "$rc" -ne 0 ] || [ ! -s "$share/rc" ]; then
	tail -n 30 "$share/console" >&2
	echo "vm: no result from kernel $want (qemu exit $rc, limit $limit s), whose console ended so" >&2
	exit 125
fi
exit "$(cat "$share/rc")"
