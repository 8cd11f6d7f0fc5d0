/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which names say how big something may get. */
#include "why/bound.h"
#include "unit/unit.h"

/* Attributes of the object that holds the container, or of the container. */
static void attributes(void **state)
{
	static const char *const yes[] = {
		"maxsize",	"max_size",   "maxSize",       "_maxsize",	 "_Cache__maxsize",
		"max_entries",	"limit",      "_limit",	       "capacity",	 "max_items",
		"_max_workers", "cache_size", "cachesize",     "size_limit",	 "limit_items",
		"_max_records", "maxlen",     "MAX_KEYS",      "cache_capacity", "maximum_size",
		"max_num_keys", "queue_size", "max_pool_size",
	};
	static const char *const no[] = {
		"size",	     "max_bytes",   "max_age",	  "max_retries", "maxsize_bytes",
		"timeout",   "max_line",    "limit_rate", "entries",	 "count",
		"max_depth", "page_size",   "block_size", "maxim",	 "max_size_kb",
		"",	     "_",	    "__",	  "speed_limit", "memory_limit",
		"ttl",	     "max_seconds", "len",	  "minsize",	 "max",
		"maximum",   "_max",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(yes); i++)
		if (!heap_bound_name(yes[i], NULL))
			fail_msg("%s is none", yes[i]);
	for (size_t i = 0; i < ARRAY_SIZE(no); i++)
		if (heap_bound_name(no[i], NULL))
			fail_msg("%s is one", no[i]);
}

/* Beside a container a module has numbers about anything. */
static void globals(void **state)
{
	(void)state;
	assert_true(heap_bound_name("LIMIT", "CACHE"));
	assert_true(heap_bound_name("CACHE_SIZE", "CACHE"));
	assert_true(heap_bound_name("MAX_CACHE", "_cache"));
	assert_true(heap_bound_name("_MAXCACHE", "_cache"));
	assert_true(heap_bound_name("MAX_SESSIONS", "SESSIONS"));
	assert_true(heap_bound_name("SESSION_LIMIT", "SESSIONS"));
	assert_true(heap_bound_name("CACHE_MAX_ROWS", "CACHE"));
	assert_true(heap_bound_name("MAX_ENTRIES", "TABLE"));
	assert_false(heap_bound_name("MAX_CONNECTIONS", "CACHE"));
	assert_false(heap_bound_name("MAX_WORKERS", "CACHE"));
	assert_false(heap_bound_name("PAGE_SIZE", "CACHE"));
	assert_false(heap_bound_name("CACHE_SIZE", "SESSIONS"));
	assert_false(heap_bound_name("CACHE_BYTES_MAX", "CACHE"));
	assert_false(heap_bound_name("CACHE", "CACHE"));
	assert_false(heap_bound_name("SIZE", "CACHE"));
	assert_false(heap_bound_name("MAX", "CACHE"));
	assert_true(heap_bound_name("CACHE_MAX", "CACHE"));
	assert_false(heap_bound_name("LIMIT_PER_USER", "D"));
}

static void a_size_of_whole_mebibytes_is_of_bytes(void **state)
{
	const uint64_t mib = 1 << 20;

	(void)state;
	assert_true(heap_bound_is_bytes("_Cache__maxsize", 64 * mib));
	assert_true(heap_bound_is_bytes("MAX_SIZE", 5 * mib));
	assert_true(heap_bound_is_bytes("size_limit", 1024 * mib));
	assert_true(heap_bound_is_bytes("max_length", 2 * mib));
	assert_false(heap_bound_is_bytes("maxsize", mib));
	assert_false(heap_bound_is_bytes("maxsize", 5000000));
	assert_false(heap_bound_is_bytes("max_entries", 64 * mib));
}

static void names_that_are_too_long(void **state)
{
	char name[300];

	(void)state;
	memset(name, 'm', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_false(heap_bound_name(name, NULL));
	assert_true(heap_bound_name("max_size", name));
	assert_false(heap_bound_name(name, name));
}

static void a_little_over_is_what_a_batch_leaves(void **state)
{
	(void)state;
	assert_true(heap_bound_holds(100, true, 100));
	assert_false(heap_bound_holds(100, true, 101));
	assert_true(heap_bound_holds(100, false, 151));
	assert_false(heap_bound_holds(100, false, 152));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attributes),
		cmocka_unit_test(globals),
		cmocka_unit_test(a_size_of_whole_mebibytes_is_of_bytes),
		cmocka_unit_test(names_that_are_too_long),
		cmocka_unit_test(a_little_over_is_what_a_batch_leaves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
