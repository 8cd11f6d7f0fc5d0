/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names of C++ and Rust as people write them. A short mangled name can stand for gigabytes: what it
 * gives is cut, and the demangler is left as soon as it is enough. */
#include "sym/sym_priv.h"

#include <libiberty/demangle.h>
#include <setjmp.h>

#define MANGLED_MAX 4096
#define TEXT_MAX    2048

struct text {
	char v[TEXT_MAX];
	size_t n;
	jmp_buf full;
};

/* Neither demangler holds memory while it calls back, so that it may be left. */
static void add(const char *s, size_t n, void *arg)
{
	struct text *t = arg;

	if (!n) /* then @s may be NULL */
		return;
	if (n > TEXT_MAX - 1 - t->n) {
		memcpy(t->v + t->n, s, TEXT_MAX - 1 - t->n);
		t->n = TEXT_MAX - 1;
		longjmp(t->full, 1);
	}
	memcpy(t->v + t->n, s, n);
	t->n += n;
}

static int run(const char *name, struct text *t)
{
	const int flags = DMGL_ANSI; /* without parameters: they say little and are long */

	if (setjmp(t->full))
		return 1;
	if (!strncmp(name, "_R", 2) || !strncmp(name, "_ZN", 3)) {
		/* Old Rust names are C++ names with a hash at their end. */
		if (rust_demangle_callback(name, flags, add, t))
			return 1;
		t->n = 0;
	}
	if (strncmp(name, "_Z", 2) != 0)
		return 0;
	return cplus_demangle_v3_callback(name, flags, add, t);
}

/* What compilers append to parts and copies of a function: f.isra.0, f.part.1.cold. */
static void drop_suffixes(char *s)
{
	static const char *const suffix[] = {".isra.",	   ".part.", ".constprop.", ".cold",
					     ".lto_priv.", ".llvm.", ".localalias", " [clone "};
	char *end = s + strlen(s);

	for (size_t i = 0; i < ARRAY_SIZE(suffix); i++) {
		char *at = strstr(s, suffix[i]);

		if (at && at > s && at < end)
			end = at;
	}
	*end = 0;
}

static char *plain(char *s)
{
	if (s)
		drop_suffixes(s);
	return s;
}

char *sym_demangle(const char *name)
{
	auto_free struct text *t = NULL;

	if (name[0] != '_' || (name[1] != 'Z' && name[1] != 'R') || strlen(name) > MANGLED_MAX)
		return plain(strndup(name, MANGLED_MAX));
	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	if (!run(name, t) || !t->n)
		return plain(strdup(name));
	t->v[t->n] = 0;
	return plain(strdup(t->v));
}
