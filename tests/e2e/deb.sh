#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The package's life on a Debian release: built in a root of its own, checked by lintian, installed into
# a bare one, used on a leaking program, purged without a trace. Takes some minutes.
#   deb.sh bookworm|trixie [DIRECTORY-FOR-THE-PACKAGE]
set -eu

suite=${1:-bookworm}
here=$(cd "$(dirname "$0")" && pwd)
top=$(dirname "$(dirname "$here")")
# shellcheck source=tests/e2e/in_root.sh
. "$here/in_root.sh"
case $suite in
bookworm) base=bare ;;
*) base=$suite ;;
esac
"$here/roots.sh" "$base"
work=$(mktemp -d)
trap 'root_gone; rm -rf "$work"' EXIT INT TERM

echo "deb.sh: $suite: building"
root_new "$base"
mkdir "$root/src"
(cd "$top" && tar -c --exclude='./build*' --exclude=./.git .) | tar -x -C "$root/src"
in_root apt-get update -qq
in_root apt-get install -y -qq --no-install-recommends make debhelper dpkg-dev lintian >"$work/log" 2>&1 ||
	{ tail "$work/log"; exit 1; }
in_root sh -c 'cd /src && cp -r packaging/debian debian && apt-get build-dep -y -qq . && rm -r debian' >"$work/log" 2>&1 ||
	{ tail "$work/log"; exit 1; }
in_root make -C /src deb JOBS=2 >"$work/log" 2>&1 || { tail -n 30 "$work/log"; exit 1; }
in_root sh -c 'lintian --allow-root --fail-on error,warning --display-info --tag-display-limit 0 /src/build/pyleak-bpf_*.deb'
cp "$root"/src/build/pyleak-bpf_*.deb "$work/"
[ -z "${2:-}" ] || cp "$work"/*.deb "$2/"
root_gone

echo "deb.sh: $suite: installing"
root_new "$base"
cp "$work"/pyleak-bpf_*.deb "$root/tmp/"
rm -f "$root/etc/dpkg/dpkg.cfg.d/99mmdebstrap" # or the page and the documents would be left out
in_root apt-get update -qq
in_root sh -c 'apt-get install -y -qq --no-install-recommends python3 /tmp/pyleak-bpf_*.deb' \
	>"$work/log" 2>&1 || { tail "$work/log"; exit 1; }
in_root test -s /usr/share/bash-completion/completions/pyleak-bpf -a -s /usr/share/man/man8/pyleak-bpf-census.8.gz -a -s /usr/share/man/man8/pyleak-bpf.8.gz -a -s /etc/pyleak-bpf.conf
[ "$(in_root stat -c '%a %U %G' /etc/pyleak-bpf.token)" = '640 root pyleak-bpf' ]
[ "$(in_root stat -c %s /etc/pyleak-bpf.token)" -eq 64 ]
in_root pyleak-bpf doctor
# shellcheck disable=SC2016 # for the shell in there
in_root sh -c 'python3 -B /usr/share/doc/pyleak-bpf/examples/demo.py --seconds 600 >/dev/null 2>&1 & pid=$!
	sleep 2
	for try in 1 2 3; do # on a busy machine it takes longer
		pyleak-bpf -p $pid -d 30 -q --no-color --fail-on leak; rc=$?
		[ $rc -ne 3 ] || break
	done
	kill $pid; [ $rc -eq 3 ]' >"$work/report" || { cat "$work/report"; exit 1; }
grep -q 'demo.py:25  *Shop.receipt' "$work/report" || { cat "$work/report"; exit 1; }
sed -n '1,/^#1/p' "$work/report"
in_root systemd-analyze --version >/dev/null 2>&1 && in_root systemd-analyze verify pyleak-bpf.service

echo "deb.sh: $suite: purging"
in_root apt-get purge -y -qq pyleak-bpf >"$work/log" 2>&1 || { tail "$work/log"; exit 1; }
# The files in /opt are other tests', which share the base of this root.
left=$(in_root find / -xdev -name '*pyleak*' -not -path '/proc/*' -not -path '/sys/*' -not -path '/tmp/*' \
	-not -path '/opt/pyleak-*')
[ -z "$left" ] || { echo "deb.sh: left behind: $left"; exit 1; }
echo "deb.sh: $suite: ok"
