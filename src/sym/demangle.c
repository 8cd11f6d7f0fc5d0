/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Writes names of C++, Rust and Cython as people do. A short mangled name can become gigabytes of
 * text, so longjmp() leaves the demangler when TEXT_MAX bytes are full. */
#include "sym/cython.h"
#include "sym/sym_priv.h"

#include <libiberty/demangle.h>
#include <setjmp.h>

#define MANGLED_MAX 4096
#define TEXT_MAX    2048
#define LONG_NAME   80

struct text {
	char v[TEXT_MAX];
	size_t n;
	jmp_buf full;
};

/* Takes a piece of text. Leaving the demangler by longjmp() loses no memory, but for one Punycode
 * identifier of Rust (16 KB at most), which is printed before its buffer is freed. */
static void add(const char *s, size_t n, void *arg)
{
	struct text *t = arg;

	if (!n) /* @s may be NULL then */
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
	const int flags = DMGL_ANSI; /* leaves out parameters: they say little and are long */

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

/* Compilers append these to parts and copies of a function: f.isra.0, f.part.1.cold. */
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

static bool is_operator(const char *s, const char *at)
{
	static const char word[] = "operator";
	size_t n = sizeof(word) - 1;

	while (at > s && strchr("<>-=", at[-1]))
		at--;
	return (size_t)(at - s) >= n && !memcmp(at - n, word, n);
}

/* Returns the text behind the bracket that closes the one at @from; NULL: none does. */
static const char *behind(const char *s, const char *from, char open, char close)
{
	size_t depth = 0;

	for (const char *p = from; *p; p++) {
		bool is_bracket = open != '<' || !is_operator(s, p);

		if (*p == open && is_bracket)
			depth++;
		else if (*p == close && is_bracket && p[-1] != '-' && !--depth)
			return p + 1;
	}
	return NULL;
}

/* Returns the text behind the arguments of a template or function that begin at @p; NULL: none
 * begin there. */
static const char *arguments(const char *s, const char *p)
{
	static const char nameless[] = "(anonymous namespace)";
	const char *end = NULL;

	if (p == s || is_operator(s, p) || !strncmp(p, nameless, sizeof(nameless) - 1))
		return NULL;
	if (*p == '<')
		end = behind(p, p, '<', '>');
	else if (*p == '(')
		end = behind(p, p, '(', ')');
	return end;
}

/* Shortens long names, because a single argument can be longer than all that helps:
 * init<...>::call<...>::{lambda#1}::_FUN. Arguments of functions are left out. */
static void drop_arguments(char *s)
{
	auto_free char *from = strlen(s) > LONG_NAME ? strdup(s) : NULL;
	const char *p = from, *end;

	if (!from)
		return;
	for (*s = 0; *p; p = end ? end : p + 1) {
		end = arguments(from, p);
		if (!end)
			s = stpncpy(s, p, 1);
		else if (*p == '<')
			s = stpcpy(s, end - p > 5 ? "<...>" : "<>");
	}
	*s = 0;
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
	char cython[512];

	if (sym_cython(name, cython, sizeof(cython)))
		return strdup(cython);
	if (name[0] != '_' || (name[1] != 'Z' && name[1] != 'R') || strlen(name) > MANGLED_MAX)
		return plain(strndup(name, MANGLED_MAX));
	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	if (!run(name, t) || !t->n)
		return plain(strdup(name));
	t->v[t->n] = 0;
	drop_arguments(t->v);
	return plain(strdup(t->v));
}
