/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "py/shape.h"

#include <stdio.h>

#include "base/libc.h"
#include "proc/gate.h"
#include "py/py_priv.h"

#define SYSCONFIG_MAX (1u << 20)
#define MINOR(n)      (1u << (n))
#define INLINED_FROM  20 /* birth sites: builds with LTO and PGO have 120 to 970, others 1 to 6 */

/* ---- the compiler: Py_GetCompiler() returns a constant like "[GCC 12.2.0]" ---- */

static bool take_compiler(const char *p, const char *end, struct py_shape *s)
{
	static const char *const names[] = {"GCC ", "Clang "};
	const char *stop;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		size_t n = strlen(names[i]);

		if ((size_t)(end - p) < n || memcmp(p, names[i], n) != 0)
			continue;
		stop = p + n;
		while (stop<end && * stop> ' ' && *stop <= '~' && *stop != ']')
			stop++; /* "12.2.0 20220713 (extra words)": the number is enough */
		if (stop == end || (*stop != ']' && *stop != ' ') ||
		    (size_t)(stop - p) >= sizeof(s->compiler))
			return false;
		snprintf(s->compiler, sizeof(s->compiler), "%.*s", (int)(stop - p), p);
		return true;
	}
	return false;
}

static void find_compiler(const struct dso *d, struct py_shape *s)
{
	static const char *const sections[] = {".rodata", ".bolt.org.rodata"};

	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		struct dso_range r;
		const char *p, *end;

		if (dso_section(d, sections[i], &r) || !r.data)
			continue;
		p = (const char *)r.data;
		end = p + r.size;
		while ((p = memchr(p, '[', (size_t)(end - p))))
			if (take_compiler(++p, end, s))
				return;
	}
}

/* ---- the code ---- */

/* Do functions begin with push %rbp; mov %rsp, %rbp, maybe after endbr64? */
static enum py_fact frame_pointers(const struct dso *d)
{
	static const uint8_t endbr[] = {0xf3, 0x0f, 0x1e, 0xfa}, frame[] = {0x55, 0x48, 0x89, 0xe5};
	static const char *const names[] = {
		"PyObject_Call", "PyObject_GetAttr", "PyDict_SetItem",	 "PyList_Append",
		"PyTuple_Pack",	 "PyErr_Format",     "PyUnicode_Concat", "PyLong_FromString"};
	size_t yes = 0, seen = 0, n;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct dso_sym sym;
		const uint8_t *p;

		if (dso_symbol(d, names[i], &sym) || !(p = dso_bytes(d, sym.addr, &n)) || n < 8)
			continue;
		seen++;
		yes += !memcmp(memcmp(p, endbr, 4) != 0 ? p : p + 4, frame, 4);
	}
	if (!seen)
		return PY_UNKNOWN;
	return yes * 2 > seen ? PY_YES : PY_NO;
}

enum py_libc py_libc_of(const struct proc *p)
{
	bool any = false;

	for (size_t i = 0; i < p->n_maps; i++) {
		const char *name = strrchr(p->maps[i].path, '/');

		if (!name)
			continue;
		if (libc_is_glibc(name + 1))
			return PY_LIBC_GLIBC;
		if (libc_is_musl(name + 1))
			return PY_LIBC_MUSL;
		any = any || strstr(name, ".so");
	}
	return any ? PY_LIBC_OTHER : PY_LIBC_STATIC;
}

/* A build without a JIT has not the name of the JIT's switch in it, only longer ones (3.15). */
static bool may_have_jit(const struct py_runtime *rt)
{
	static const char name[] = "PYTHON_JIT";
	struct dso_range r;

	return rt->minor >= 13 && !dso_section(rt->dso, ".rodata", &r) && r.data &&
	       memmem(r.data, r.size, name, sizeof(name));
}

/* ---- the options of configure ---- */

bool py_configured_with(const char *text, size_t size, const char *name)
{
	static const char key[] = "'CONFIG_ARGS':";
	const char *at = memmem(text, size, key, strlen(key)), *end;
	size_t n = strlen(name);

	if (!at)
		return false;
	/* its value ends before the next key, which begins a line, after one space or four */
	size -= (size_t)(at - text);
	end = memmem(at, size, "\n '", 3);
	if (!end)
		end = memmem(at, size, "\n    '", 6);
	if (end)
		size = (size_t)(end - at);
	for (const char *p = at; (p = memmem(p, size - (size_t)(p - at), name, n)); p += n) {
		const char *rest = p + n;
		size_t left = size - (size_t)(rest - at);

		if (p[-1] == '\'' && left && (*rest == '\'' || *rest == '=') &&
		    (left < 3 || memcmp(rest, "=no", 3) != 0))
			return true;
	}
	return false;
}

static int read_sysconfig(const struct py_runtime *rt, uint8_t **text, size_t *size)
{
	static const char *const platforms[] = {
		"_linux_x86_64-linux-gnu",
		"_x86_64-linux-gnu",
		"_linux_x86_64-linux-musl",
		"_linux_",
	};
	char dir[sizeof(rt->name)], path[sizeof(rt->name) + 128];
	char *slash;

	snprintf(dir, sizeof(dir), "%s", rt->name);
	/* PREFIX/bin/python3.11, PREFIX/lib/libpython3.11.so, PREFIX/lib/x86_64-linux-gnu/...; two
	 * levels above /usr/local/bin/python3.11 lies the file of the distribution's */
	for (int up = 0; up < (rt->is_library ? 3 : 2) && (slash = strrchr(dir, '/')); up++) {
		*slash = '\0';
		for (size_t i = 0; i < ARRAY_SIZE(platforms); i++) {
			snprintf(path, sizeof(path), "%s/%spython3.%d%s/_sysconfigdata_%s%s.py",
				 dir, up ? "lib/" : "", rt->minor, rt->free_threaded ? "t" : "",
				 rt->free_threaded ? "t" : "", platforms[i]);
			if (!proc_read_named(rt->proc, path, SYSCONFIG_MAX, text, size))
				return 0;
		}
	}
	return -ENOENT;
}

/* Does the file name a compiler of another family? "cc" says nothing, "x86_64-linux-gnu-gcc-13
 * -pthread" and "/usr/bin/clang" do. */
static bool has_other_compiler(const char *text, size_t size, const struct py_shape *s)
{
	static const char key[] = "'CC': '";
	const char *name = memmem(text, size, key, strlen(key)), *end, *family;

	if (!name || !*s->compiler)
		return false;
	name += strlen(key);
	for (end = name; end < text + size && *end != ' ' && *end != '\''; end++)
		if (*end == '/')
			name = end + 1;
	size = (size_t)(end - name);
	family = memmem(name, size, "clang", 5) ? "Clang "
		 : memmem(name, size, "gcc", 3) ? "GCC "
						: "";
	return strncmp(s->compiler, family, strlen(family)) != 0;
}

/* Does the file contradict the code? It belongs to another build then, beside which this one was
 * put. LTO with PGO inlines births; LTO alone (Alpine's) need not. */
static bool is_of_another(const char *text, size_t size, const struct py_shape *s)
{
	return has_other_compiler(text, size, s) ||
	       (s->bolt == PY_NO && py_configured_with(text, size, "--enable-bolt")) ||
	       (s->minor >= 9 && s->has_births && !s->inlines_births &&
		py_configured_with(text, size, "--enable-optimizations") &&
		py_configured_with(text, size, "--with-lto"));
}

void py_shape_configured(const char *text, size_t size, struct py_shape *s)
{
	if (is_of_another(text, size, s))
		return;
	/* without the option it is not known, as distributions may do either in their own way */
	if (s->pgo == PY_UNKNOWN && py_configured_with(text, size, "--enable-optimizations"))
		s->pgo = PY_YES;
	if (s->lto == PY_UNKNOWN && py_configured_with(text, size, "--with-lto"))
		s->lto = PY_YES;
	if (s->jit != PY_UNKNOWN)
		return;
	/* "=interpreter" runs the JIT's own instructions, without machine code */
	s->jit = py_configured_with(text, size, "--enable-experimental-jit") &&
				 !py_configured_with(text, size,
						     "--enable-experimental-jit=interpreter")
			 ? PY_YES
			 : PY_NO;
}

static void read_code(const struct py_runtime *rt, size_t births, enum py_fact tail_calls,
		      struct py_shape *out)
{
	struct dso_range r;

	*out = (struct py_shape){.is_library = rt->is_library,
				 .stripped = !dso_has_symtab(rt->dso),
				 .free_threaded = rt->free_threaded,
				 .debug = rt->debug,
				 .minor = rt->minor,
				 .libc = py_libc_of(rt->proc)};
	find_compiler(rt->dso, out);
	out->has_births = births > 0;
	out->inlines_births = rt->minor >= 9 && births >= INLINED_FROM;
	/* few places are no proof that it was made without LTO */
	out->lto = out->inlines_births ? PY_YES : PY_UNKNOWN;
	out->bolt = dso_section(rt->dso, ".bolt.org.text", &r) ? PY_NO : PY_YES;
	out->frame_pointers = frame_pointers(rt->dso);
	out->tail_calls = tail_calls;
	out->pgo = PY_UNKNOWN;
	out->jit = may_have_jit(rt) ? PY_UNKNOWN : PY_NO;
}

void py_shape(const struct py_runtime *rt, size_t births, enum py_fact tail_calls,
	      struct py_shape *out)
{
	auto_free uint8_t *text = NULL;
	size_t size;

	read_code(rt, births, tail_calls, out);
	if (!read_sysconfig(rt, &text, &size))
		py_shape_configured((const char *)text, size, out);
}

void py_find_shape(struct py_runtime *rt, size_t births, enum py_fact tail_calls)
{
	read_code(rt, births, tail_calls, &rt->priv->shape);
	rt->shape = &rt->priv->shape;
}

/* ---- for people ---- */

char *py_shape_words(const struct py_shape *s, char *buf, size_t size)
{
	static const char *const libc[] = {"no libc of its own", "glibc", "musl", "another libc"};
	const struct {
		const char *words;
		bool is_said;
	} part[] = {
		{s->compiler, true},
		{"LTO", s->lto == PY_YES},
		{"PGO", s->pgo == PY_YES},
		{"BOLT", s->bolt == PY_YES},
		{"tail calls", s->tail_calls == PY_YES},
		{"JIT inside", s->jit == PY_YES},
		{"free-threaded", s->free_threaded},
		{s->is_library ? "shared library" : "in the executable", true},
		{"stripped", s->stripped},
		{"frame pointers", s->frame_pointers == PY_YES},
		{libc[s->libc], true},
	};
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(part) && n < size; i++) {
		int k;

		if (!part[i].is_said)
			continue;
		k = snprintf(buf + n, size - n, "%s%s", n ? ", " : "",
			     *part[i].words ? part[i].words : "compiler not known");
		n += k > 0 ? (size_t)k : 0;
	}
	return buf;
}

/* Builds of docs/PYTHONS.md, as tests/e2e/builds.sh and the packages make them. */
static const struct tested {
	const char *name, *compiler;
	uint32_t minors;	/* MINOR() of each */
	uint32_t with_jit;	/* minors that may have a JIT, which was off in the tests */
	uint32_t of_tail_calls; /* minors whose interpreter is one */
	enum py_fact lto, bolt;
	bool is_library, free_threaded;
} tested[] = {
	{"Debian's or conda's", "GCC ", MINOR(9) | MINOR(11) | MINOR(13) | MINOR(14) | MINOR(15),
	 MINOR(14) | MINOR(15), 0, PY_YES, PY_NO, false, false},
	{"python-build-standalone's, as uv installs it", "Clang ", MINOR(13) | MINOR(14), 0,
	 MINOR(14), PY_YES, PY_YES, false, false},
	{"a build from source, as pyenv makes it", "GCC ",
	 MINOR(8) | MINOR(9) | MINOR(10) | MINOR(11) | MINOR(12) | MINOR(13), 0, 0, PY_NO, PY_NO,
	 true, false},
	{"Docker's images", "GCC ", MINOR(11) | MINOR(13) | MINOR(14) | MINOR(15), 0, 0, PY_YES,
	 PY_NO, true, false},
	{"a build from source without the GIL", "GCC ", MINOR(13) | MINOR(14), 0, 0, PY_NO, PY_NO,
	 false, true},
	{"python-build-standalone's without the GIL", "Clang ", MINOR(14), 0, MINOR(14), PY_YES,
	 PY_YES, false, true},
};

/* Is it like a tested build? That LTO inlined births is seen in the code, and in no file. */
static bool is_like(const struct py_shape *s, const struct tested *t)
{
	return s->minor > 0 && s->minor < 32 && t->minors & MINOR(s->minor) &&
	       !strncmp(s->compiler, t->compiler, strlen(t->compiler)) &&
	       (t->lto == PY_YES ? s->inlines_births : s->lto != PY_YES) && s->bolt == t->bolt &&
	       s->has_births &&
	       s->tail_calls == (t->of_tail_calls & MINOR(s->minor) ? PY_YES : PY_NO) &&
	       (s->jit == PY_NO || t->with_jit & MINOR(s->minor)) && !s->debug &&
	       s->free_threaded == t->free_threaded && s->is_library == t->is_library &&
	       s->libc == PY_LIBC_GLIBC;
}

const char *py_shape_tested(const struct py_shape *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(tested); i++)
		if (is_like(s, &tested[i]))
			return tested[i].name;
	return NULL;
}
