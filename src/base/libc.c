/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A static glibc still loads modules: for names (/etc/nsswitch.conf) and for character sets. It
 * would load those of the machine, which are made for another glibc, so nothing may need one.
 */
#include "base/libc.h"

#include <langinfo.h>
#include <locale.h>
#include <nss.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/base.h"

static void no_name_modules(void)
{
	static const char *const tables[] = {"passwd", "group", "services"};

	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		__nss_configure_lookup(tables[i], "files");
	__nss_configure_lookup("hosts", "files dns");
}

static bool wants_utf8(void)
{
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *v = getenv(names[i]);

		if (v && *v)
			return strcasestr(v, "utf-8") || strcasestr(v, "utf8");
	}
	return false;
}

/* Keeps to the two character sets that are built in. The machine may lack the locale that the user
 * names. */
static void no_charset_modules(bool is_known)
{
	const char *set = nl_langinfo(CODESET);

	if (!is_known && wants_utf8())
		setlocale(LC_CTYPE, "C.UTF-8");
	else if (strcmp(set, "UTF-8") != 0 && strcmp(set, "ANSI_X3.4-1968") != 0)
		setlocale(LC_CTYPE, "C");
}

void libc_settle(void)
{
	/* widths of characters follow the user's locale, but numbers in JSON must not */
	bool is_known = setlocale(LC_CTYPE, "") != NULL;

	if (LIBC_IS_STATIC) {
		no_name_modules();
		no_charset_modules(is_known);
	}
	/* loads the tables of the character set: later no code may be loaded */
	(void)btowc('a');
}

bool libc_is_glibc(const char *file)
{
	return !strcmp(file, "libc.so.6") || !strncmp(file, "libc-2.", 7);
}

bool libc_is_musl(const char *file)
{
	return !strncmp(file, "ld-musl-", 8) || !strncmp(file, "libc.musl-", 10) ||
	       !strcmp(file, "libc.so");
}
