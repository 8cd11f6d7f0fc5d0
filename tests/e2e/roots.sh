#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Makes the root file systems that hold the Pythons of other Debian suites, with mmdebstrap:
#   roots.sh [SUITE...]      bullseye trixie sid (Pythons), bookworm (VM guest), bare (for `make demo`),
#                            services (trixie with the servers of tests/services)
# A finished root is kept and skipped the next time. The mirror is the one this machine's apt uses.
set -eu

dir=$("$(dirname "$0")/../cache.sh" pyleak-roots)
[ $# -gt 0 ] || set -- bullseye trixie sid

# Those of the packages that the suite has, with commas between them.
available() {
	suite=$1 have=
	shift
	index=$(mktemp)
	if python3 -c 'import sys, urllib.request as u
sys.stdout.buffer.write(u.urlopen(sys.argv[1], timeout=120).read())' \
		"${uri%/}/dists/$suite/main/binary-amd64/Packages.xz" >"$index.xz" &&
		xz -dc "$index.xz" >"$index"; then
		for package in "$@"; do
			if grep -q "^Package: $package\$" "$index"; then
				have="$have${have:+,}$package"
			fi
		done
	fi
	rm -f "$index" "$index.xz"
	echo "${have:-python3}"
}

servers='python3-dev gcc g++ gdb cython3 pybind11-dev python3-cffi gunicorn python3-flask python3-uvicorn python3-starlette
	python3-gevent python3-aiohttp python3-tornado python3-twisted celery python3-redis python3-django redis-server postgresql-plpython3-17
	uwsgi-core uwsgi-plugin-python3 apache2-bin libapache2-mod-wsgi-py3 mitmproxy mercurial python3-radicale
	python3-aiosmtpd python3-pyftpdlib python3-ipykernel python3-jupyter-client python3-grpcio python3-sqlalchemy
	python3-pandas python3-sklearn python3-matplotlib supervisor fail2ban'

make_root() {
	suite=$1
	# Essential packages and apt are enough; a suite older than the machine may have run past its dates.
	case $suite in
	bare) from=bookworm pkgs='' ;;
	# 3.15 is not in every snapshot of sid, nor is every server in each suite: take what the archive has.
	sid) from=sid pkgs=$(available sid python3.13 python3.14 python3.15) ;;
	services)
		# shellcheck disable=SC2086 # words
		from=trixie pkgs=$(available trixie $servers)
		if [ "$pkgs" = python3 ]; then
			echo "roots: $suite: the archive gave no list of packages" >&2
			return 1
		fi
		;;
	bullseye) from=$suite pkgs=python3,python2.7-minimal ;;
	*) from=$suite pkgs=python3 ;;
	esac
	tmp=$(mktemp -d "$dir/.$suite.XXXXXX")
	chmod 755 "$tmp"
	if ! mmdebstrap --mode=root --variant=apt --format=directory ${pkgs:+--include="$pkgs"} \
		--aptopt='Acquire::Check-Valid-Until "false"' --aptopt='Acquire::Check-Date "false"' \
		--aptopt='Acquire::Languages "none"' --aptopt='Apt::Install-Recommends "false"' \
		--dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
		"$from" "$tmp/root" "$uri" >"$tmp/log" 2>&1; then
		echo "roots: $suite could not be made from the configured archive:" >&2
		tail -n 15 "$tmp/log" >&2
		rm -rf "$tmp"
		return 1
	fi
	# Both a marker and a rename: a root that exists is complete.
	rm -rf "${dir:?}/$suite"
	mv "$tmp/root" "$dir/$suite"
	rm -rf "$tmp"
	echo "roots: $suite made: $(cd "$dir/$suite/usr/bin" && echo python3.*)"
}

uri=$("$(dirname "$0")/../mirror.sh")
exec 9>"$dir/.lock"
flock 9
rc=0
for s in "$@"; do
	if [ -d "$dir/$s/usr" ]; then
		continue
	fi
	make_root "$s" || rc=1
done
exit $rc
