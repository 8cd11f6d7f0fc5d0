#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Mounts what tracing needs where it is missing: a bare root or a container often lacks it.
set -eu

has() {
	[ -e "$1" ]
}
has /proc/self/stat || mount -t proc proc /proc
has /sys/kernel || mount -t sysfs sys /sys
has /sys/kernel/tracing/uprobe_events || has /sys/kernel/debug/tracing/uprobe_events ||
	mount -t tracefs tracefs /sys/kernel/tracing
grep -qs ' /sys/fs/bpf bpf ' /proc/self/mounts || mount -t bpf bpf /sys/fs/bpf || :
has /dev/null || mknod -m 666 /dev/null c 1 3
