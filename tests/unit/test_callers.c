/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The one function that runs another: none where its address is loaded too, as programs that lie at
 * a fixed address do it with a plain number. */
#include "dso/dso.h"

#include <stdio.h>
#include <unistd.h>

#include "unit.h"

#define NO_INLINE "__attribute__((noinline, used)) "

static char dir[64];

static int make_dir(void **state)
{
	FILE *f;
	char path[96];

	(void)state;
	strcpy(dir, "/tmp/pyleak-callers-XXXXXX");
	if (!mkdtemp(dir))
		return 1;
	snprintf(path, sizeof(path), "%s/a.c", dir);
	f = fopen(path, "w");
	if (!f)
		return 1;
	fputs("volatile unsigned long kept;\n"
	      "static " NO_INLINE "int work(int x) { return x * (int)kept + 1; }\n"
	      "static " NO_INLINE "int only(int x) { return work(x) + 1; }\n"
	      "#ifdef NEAR\n"
	      "static " NO_INLINE "int near(int x) { return work(x); }\n"
	      "#endif\n"
	      "#ifdef LOADED\n"
	      "static " NO_INLINE "void other(void) { kept = (unsigned long)work; }\n"
	      "#endif\n"
	      "int main(int n, char **v) { (void)v; return only(n); }\n",
	      f);
	return fclose(f);
}

static int remove_dir(void **state)
{
	char command[96];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}

static bool has_only_caller(const char *options)
{
	char text[256];
	struct dso_range fn, by;
	struct dso_sym work, only;
	struct dso *d;
	bool found;

	snprintf(text, sizeof(text), "cd %s && gcc -O1 %s a.c -o a", dir, options);
	assert_int_equal(system(text), 0);
	snprintf(text, sizeof(text), "%s/a", dir);
	assert_int_equal(dso_open(text, &d), 0);
	assert_int_equal(dso_symbol(d, "work", &work), 0);
	assert_int_equal(dso_symbol(d, "only", &only), 0);
	fn = (struct dso_range){.addr = work.addr, .size = work.size};
	found = !dso_only_caller(d, &fn, &by);
	if (found)
		assert_int_equal(by.addr, only.addr);
	dso_close(d);
	return found;
}

static void who_calls_alone(void **state)
{
	(void)state;
	assert_true(has_only_caller("-fno-pie -no-pie"));
	assert_true(has_only_caller("-fpie -pie"));
}

static void who_loads_an_address_may_call_it(void **state)
{
	(void)state;
	assert_false(has_only_caller("-DLOADED -fno-pie -no-pie"));
	assert_false(has_only_caller("-DLOADED -fpie -pie"));
}

/* A function that ends with a call of its neighbour jumps there, in two bytes. */
static void who_jumps_next_door_calls_too(void **state)
{
	static const char options[] = "-foptimize-sibling-calls -fno-toplevel-reorder -fno-pie "
				      "-no-pie";
	char near[128];

	(void)state;
	snprintf(near, sizeof(near), "-DNEAR %s", options);
	assert_true(has_only_caller(options));
	assert_false(has_only_caller(near));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_calls_alone),
		cmocka_unit_test(who_loads_an_address_may_call_it),
		cmocka_unit_test(who_jumps_next_door_calls_too),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
