#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Makes the pictures of README from a real run: the demo is watched for 30 s, as root; `make` and chromium were there before.
#   page.png    the top of the page that --html writes
#   screen.svg  a capture of the full-screen view (docs/screens) as a picture
set -eu

here=$(cd "$(dirname "$0")" && pwd)
top=$here/../..
tmp=$(mktemp -d)
trap 'kill "$demo" 2>/dev/null || :; rm -rf "$tmp"' EXIT

cp "$top/tests/zoo/demo.py" "$tmp/shop.py"
PYTHONPATH="$top/tests/zoo" python3 -B "$tmp/shop.py" &
demo=$!
sleep 2
(cd "$tmp" && "$top/build/pyleak-bpf" -p "$demo" -d 30 -q --html "$tmp/page.html" >/dev/null)
chromium --headless=new --no-sandbox --hide-scrollbars --window-size=1000,1180 \
	--screenshot="$tmp/page.png" "file://$tmp/page.html" 2>/dev/null
mv "$tmp/page.png" "$here/page.png"
python3 "$here/screen.py" "$top/docs/screens/line-80x24.txt" >"$here/screen.svg"
