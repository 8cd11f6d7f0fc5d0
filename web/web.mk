# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The page of --html, out of web/: a script and a style, in a header that src/out/html.c includes.

ESBUILD ?= esbuild

$(O)/web/page.js: $(wildcard web/src/*.js)
	$(call say,WEB,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(ESBUILD) web/src/main.js --bundle --minify --format=iife --target=es2020 --charset=utf8 --log-level=warning --outfile=$@

$(O)/web/page.h: web/embed.py web/page.html $(O)/web/page.js web/page.css
	$(call say,WEB,$@)
	$(Q)$(PYTHON) $^ >$@
