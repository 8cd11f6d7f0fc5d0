/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Makes one stack of a Python and a native one. A C frame of the evaluator runs Python frames: one
 * of them up to 3.10; from 3.11 on, all up to the one that C code called. Where the two stacks do
 * not agree (one is cut, a copy ends early), the Python one is right. */
#include "judge/sites_priv.h"

struct mix {
	struct report *r;
	const char *interpreter;
	VEC(struct report_frame) v;
};

/* Frames that say little: the interpreter's plumbing, the C and C++ libraries', allocators'. */
static bool is_minor(const struct mix *m, const struct report_frame *f)
{
	static const char *const libs[] = {
		"libc.so",    "libc-2",	   "libstdc++.so", "ld-linux",	     "ld-musl",
		"libpthread", "libffi.so", "_ctypes.",	   "_cffi_backend.", "[vdso]"};
	static const char *const names[] = {"operator new",  "g_malloc",      "g_slice",
					    "CRYPTO_malloc", "CRYPTO_zalloc", "CRYPTO_realloc",
					    "CRYPTO_strdup", "std::",	      "__gnu_cxx::"};

	if (!strcmp(f->module, m->interpreter))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(libs); i++)
		if (!strncmp(file_name(f->module), libs[i], strlen(libs[i])))
			return true;
	if (f->file && strstr(f->file, "/include/c++/"))
		return true;
	for (size_t i = 0; f->function && i < ARRAY_SIZE(names); i++)
		if (!strncmp(f->function, names[i], strlen(names[i])))
			return true;
	return false;
}

static void put_native(struct mix *m, const struct evidence_native_frame *at)
{
	for (size_t i = 0; i < at->n; i++) {
		const struct report_frame *f = &at->frame[i];
		struct report_frame *to = vec_push(&m->v);

		if (!to)
			return;
		*to = (struct report_frame){
			.native = true,
			.function = f->function ? report_strdup(m->r, f->function) : NULL,
			.file = f->file ? report_strdup(m->r, f->file) : NULL,
			.line = f->line,
			.module = report_strdup(m->r, f->module),
			.build_id = at->build_id ? report_strdup(m->r, at->build_id) : NULL,
			.offset = f->offset,
			.minor = is_minor(m, f),
		};
	}
}

static void put_python(struct mix *m, const struct report_frame *f)
{
	struct report_frame *to = vec_push(&m->v);

	if (to)
		*to = *f;
}

static void put_all(struct mix *m, const struct evidence_way *nat, const struct evidence_stack *st,
		    const struct report_frame *py)
{
	size_t p = 0, n_py = st ? st->n : 0;

	for (size_t i = 0; nat && i < nat->n; i++) {
		if (n_py && p == n_py)
			return;
		if (!nat->frame[i].is_eval) {
			put_native(m, &nat->frame[i]);
			continue;
		}
		while (p < n_py) {
			put_python(m, &py[p++]);
			if (st->frame[p - 1].entry)
				break;
		}
	}
	while (p < n_py)
		put_python(m, &py[p++]);
}

size_t interleave(struct report *r, const struct evidence_way *way, const struct evidence_stack *st,
		  const struct report_frame *py, const char *interpreter, struct report_frame **out)
{
	struct mix m = {.r = r, .interpreter = interpreter};
	size_t n;

	put_all(&m, way, st, py);
	n = m.v.n;
	*out = n ? report_alloc(r, n * sizeof(**out)) : NULL;
	if (*out)
		memcpy(*out, m.v.v, n * sizeof(**out));
	vec_free(&m.v);
	return *out ? n : 0;
}
