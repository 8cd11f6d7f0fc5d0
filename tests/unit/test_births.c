/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The birth finder on every interpreter at hand: the system's, those of pyenv, and the ELF files
 * named in PYLEAK_TEST_PYTHONS, and the shapes that were built. Numbers of sites change with every
 * compiler run, so ranges and completeness are asserted, never counts. */
#include "places/places.h"
#include "probe/probe.h"
#include "unit.h"

#include <glob.h>
#include <unistd.h>

struct target {
	char path[512];
	int minor;
	struct dso *dso;
	struct places births;
	struct places_births_report report;
	int err;
};

static VEC(struct target) targets;

/* "…/python3.11", "…/libpython3.8.so.1.0": the number behind the last "python3.". */
static int minor_of(const char *path)
{
	const char *name = strrchr(path, '/');
	const char *digits = strstr(name ? name : path, "python3.");

	return digits ? atoi(digits + strlen("python3.")) : -1;
}

static void add(const char *path)
{
	int minor = minor_of(path);
	struct dso_sym runtime;
	struct target *t;
	struct dso *d;

	if (minor < 8 || minor > 15 || dso_open(path, &d))
		return;
	/* An executable that only calls libpython has no births. */
	if (dso_symbol(d, "_PyRuntime", &runtime)) {
		dso_close(d);
		return;
	}
	t = vec_push(&targets);
	if (!t)
		abort();
	*t = (struct target){.minor = minor, .dso = d};
	snprintf(t->path, sizeof(t->path), "%s", path);
	t->err = places_find_births(d, minor, &t->births, &t->report);
	if (t->err)
		print_error("%s: %s\n", path, fail_text());
}

static void add_glob(const char *pattern)
{
	glob_t g;

	if (!glob(pattern, GLOB_TILDE, NULL, &g))
		for (size_t i = 0; i < g.gl_pathc; i++)
			add(g.gl_pathv[i]);
	globfree(&g);
}

/* Shapes that tests/e2e/builds.sh has made. */
static void add_builds(void)
{
	static const char *const files[] = {"bin/python3.[0-9][0-9]", "lib/libpython3.*.so.1.0"};
	const char *cache = getenv("PYLEAK_CACHE");
	char pattern[512];

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(pattern, sizeof(pattern), "%s/pyleak-roots/builds/*/%s",
			 cache ? cache : "/var/tmp", files[i]);
		add_glob(pattern);
	}
}

static void find_targets(void)
{
	const char *more = getenv("PYLEAK_TEST_PYTHONS");

	add_builds();
	add_glob("/usr/bin/python3.[0-9]");
	add_glob("/usr/bin/python3.[0-9][0-9]");
	add_glob("/usr/lib/x86_64-linux-gnu/libpython3.*.so.1.0");
	add_glob("~/.pyenv/versions/3.*/bin/python3.[0-9]");
	add_glob("~/.pyenv/versions/3.*/bin/python3.[0-9][0-9]");
	add_glob("~/.pyenv/versions/3.*/lib/libpython3.*.so.1.0");
	if (more) {
		char *list = strdup(more), *rest = list, *one;

		if (!list)
			abort();
		while ((one = strsep(&rest, " ")))
			if (*one)
				add(one);
		free(list);
	}
}

static void forget_targets(void)
{
	for (size_t i = 0; i < targets.n; i++) {
		places_free(&targets.v[i].births);
		dso_close(targets.v[i].dso);
	}
	vec_free(&targets);
}

static void some_interpreter_is_here_to_be_looked_at(void **state)
{
	(void)state;
	assert_true(targets.n > 0);
}

static void leaves_no_reference_to_the_slow_path_over(void **state)
{
	(void)state;
	for (size_t i = 0; i < targets.n; i++) {
		const struct target *t = &targets.v[i];
		const struct places_births_report r = t->report;

		print_message("%4zu tests %4zu births %4zu deaths %3zu other, %zu lost, slow path "
			      "%4zu: %s\n",
			      r.tests, r.births, r.deaths, r.other, r.lost, r.slow_refs, t->path);
		assert_int_equal(t->err, 0);
		assert_in_range(t->births.n, 1, PL_MAX_SITES);
		assert_int_equal(t->births.n, r.births);
		assert_int_equal(r.uncovered, 0);
		assert_int_equal(r.lost, 0);
		assert_true(r.tests > r.other);
		assert_int_equal(r.tracer, t->minor >= 13);
		assert_true(r.deaths == 0 || r.tracer);
	}
}

/* 74, 75, 0f 84, 0f 85, also behind a prefix that the kernel ignores. */
static bool is_je_or_jne(const uint8_t *p, size_t n)
{
	if (n && (p[0] == 0x2e || p[0] == 0x3e || p[0] == 0xf2)) {
		p++;
		n--;
	}
	return (n >= 2 && (p[0] & 0xfe) == 0x74) ||
	       (n >= 6 && p[0] == 0x0f && (p[1] & 0xfe) == 0x84);
}

static void every_place_is_a_je_or_jne_and_names_the_object(void **state)
{
	(void)state;
	for (size_t i = 0; i < targets.n; i++) {
		const struct dso *d = targets.v[i].dso;
		const struct places p = targets.v[i].births;

		for (size_t k = 0; k < p.n; k++) {
			const struct places_point *at = &p.v[k];
			uint64_t addr;
			size_t avail = 0;
			const uint8_t *code = dso_bytes(d, at->addr, &avail);

			assert_non_null(code);
			assert_true(is_je_or_jne(code, avail));
			assert_int_equal(dso_offset_to_addr(d, at->offset, &addr), 0);
			assert_int_equal(addr, at->addr);
			assert_true(k == 0 || p.v[k - 1].addr < at->addr);
			assert_int_equal(at->site.number, k);
			assert_in_range(at->site.reg, 0, 15);
			if (at->site.how == PL_OBJ_DEREF)
				assert_true(at->site.reg == 4 || at->site.reg == 5);
			else
				assert_true(at->site.how == PL_OBJ_REG && at->site.reg != 4);
		}
	}
}

static void refuses_when_sites_are_hidden_from_it(void **state)
{
	static const char *const every[] = {"1", "3", "100000"};

	(void)state;
	for (size_t i = 0; i < targets.n; i++) {
		for (size_t k = 0; k < ARRAY_SIZE(every); k++) {
			struct places p;
			int err;

			setenv("PYLEAK_TEST_HIDE_SITES", every[k], 1);
			err = places_find_births(targets.v[i].dso, targets.v[i].minor, &p, NULL);
			unsetenv("PYLEAK_TEST_HIDE_SITES");
			assert_int_equal(err, -ENOTSUP);
			assert_non_null(strstr(fail_text(), targets.v[i].path));
			assert_null(p.v);
			assert_int_equal(p.n, 0);
		}
	}
}

static void refuses_a_version_that_the_file_is_not(void **state)
{
	(void)state;
	for (size_t i = 0; i < targets.n; i++) {
		struct dso *d = targets.v[i].dso;
		int other = targets.v[i].minor >= 13 ? 11 : 14;
		struct places p;

		assert_int_equal(places_find_births(d, other, &p, NULL), -ENOTSUP);
		assert_int_equal(places_find_births(d, 7, &p, NULL), -ENOTSUP);
		assert_int_equal(places_find_births(d, 16, &p, NULL), -ENOTSUP);
	}
}

static void refuses_a_file_without_python(void **state)
{
	struct places p;
	struct dso *d;

	(void)state;
	assert_int_equal(dso_open("/proc/self/exe", &d), 0);
	for (int minor = 8; minor <= 15; minor++)
		assert_int_equal(places_find_births(d, minor, &p, NULL), -ENOTSUP);
	dso_close(d);
}

static void finds_births_in_extension_modules_of_3_8(void **state)
{
	struct places_births_report r;
	struct places p;
	struct dso *d;
	glob_t g;

	(void)state;
	if (glob("~/.pyenv/versions/3.8.*/lib/python3.8/lib-dynload/_datetime.*.so", GLOB_TILDE,
		 NULL, &g)) {
		globfree(&g);
		print_message("no extension module of 3.8 here\n");
		skip();
	}
	assert_int_equal(dso_open(g.gl_pathv[0], &d), 0);
	assert_true(dso_imports(d, "_Py_tracemalloc_config"));
	assert_int_equal(places_find_births(d, 8, &p, &r), 0);
	assert_in_range(p.n, 1, 100);
	assert_int_equal(r.uncovered, 0);
	places_free(&p);
	dso_close(d);
	globfree(&g);
}

static void survives_code_that_was_tampered_with(void **state)
{
	const struct places good = targets.n ? targets.v[0].births : (struct places){0};
	char path[] = "/tmp/pyleak-test-births-XXXXXX";
	int fd = mkstemp(path);
	uint64_t seed = 88172645463325252ull;
	struct dso *d;
	uint8_t *image;
	size_t size = 0;
	FILE *in;

	(void)state;
	assert_true(fd >= 0);
	if (!good.n)
		skip();
	in = fopen(targets.v[0].path, "rb");
	assert_non_null(in);
	image = malloc(32u << 20);
	assert_non_null(image);
	size = fread(image, 1, 32u << 20, in);
	fclose(in);
	assert_int_equal(pwrite(fd, image, size, 0), size);
	for (int i = 0; i < 50; i++) {
		uint64_t at[16];
		struct places p;

		/* Bytes near birth sites, where the finder looks. */
		for (size_t k = 0; k < ARRAY_SIZE(at); k++) {
			uint8_t b;

			seed ^= seed << 13;
			seed ^= seed >> 7;
			seed ^= seed << 17;
			b = (uint8_t)(seed >> 40);
			at[k] = good.v[seed % good.n].offset + (seed >> 20) % 48 - 24;
			if (at[k] >= size)
				at[k] = 0;
			assert_int_equal(pwrite(fd, &b, 1, (off_t)at[k]), 1);
		}
		if (!dso_open(path, &d)) {
			if (!places_find_births(d, targets.v[0].minor, &p, NULL))
				assert_true(p.n > 0);
			places_free(&p);
			dso_close(d);
		}
		for (size_t k = 0; k < ARRAY_SIZE(at); k++)
			assert_int_equal(pwrite(fd, &image[at[k]], 1, (off_t)at[k]), 1);
	}
	free(image);
	close(fd);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(some_interpreter_is_here_to_be_looked_at),
		cmocka_unit_test(leaves_no_reference_to_the_slow_path_over),
		cmocka_unit_test(every_place_is_a_je_or_jne_and_names_the_object),
		cmocka_unit_test(refuses_when_sites_are_hidden_from_it),
		cmocka_unit_test(refuses_a_version_that_the_file_is_not),
		cmocka_unit_test(refuses_a_file_without_python),
		cmocka_unit_test(finds_births_in_extension_modules_of_3_8),
		cmocka_unit_test(survives_code_that_was_tampered_with),
	};
	int failed;

	find_targets();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	forget_targets();
	return failed;
}
