/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which names say how big something may get. */
#include "why/bound.h"
#include "unit/unit.h"

/* Attributes of the object that holds the container, or of the container. */
static void attributes(void **state)
{
	static const char *const yes[] = {
		"maxsize",     "max_size",	"maxSize",	  "_maxsize",	  "_Cache__maxsize",
		"max_entries", "maxCount",	"max_cache",	  "capacity",	  "max_items",
		"cache_size",  "cachesize",	"size_limit",	  "limit_items",  "max_queue",
		"maxlen",      "MAX_KEYS",	"cache_capacity", "maximum_size", "max_num_keys",
		"queue_size",  "max_pool_size",
	};
	/* the last are of one request, or of those that work at it */
	static const char *const no[] = {
		"size",
		"max_bytes",
		"max_age",
		"max_retries",
		"maxsize_bytes",
		"timeout",
		"max_line",
		"limit_rate",
		"entries",
		"count",
		"max_depth",
		"page_size",
		"block_size",
		"maxim",
		"max_size_kb",
		"",
		"_",
		"__",
		"speed_limit",
		"memory_limit",
		"ttl",
		"max_seconds",
		"len",
		"minsize",
		"max",
		"maximum",
		"_max",
		"limit",
		"_limit",
		"max_results",
		"max_rows",
		"_max_records",
		"max_jobs",
		"_max_workers",
		"max_threads",
		"max_buffer",
		"buffer_limit",
		"max_connections",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(yes); i++)
		if (!heap_bound_name(yes[i], NULL, false))
			fail_msg("%s is none", yes[i]);
	for (size_t i = 0; i < ARRAY_SIZE(no); i++)
		if (heap_bound_name(no[i], NULL, false))
			fail_msg("%s is one", no[i]);
}

/* Beside a container a module has numbers about anything. */
static void globals(void **state)
{
	(void)state;
	assert_false(heap_bound_name("LIMIT", "CACHE", true));
	assert_true(heap_bound_name("CACHE_SIZE", "CACHE", true));
	assert_true(heap_bound_name("MAX_CACHE", "_cache", true));
	assert_true(heap_bound_name("_MAXCACHE", "_cache", true));
	assert_true(heap_bound_name("MAX_SESSIONS", "SESSIONS", true));
	assert_true(heap_bound_name("SESSION_LIMIT", "SESSIONS", true));
	assert_true(heap_bound_name("CACHE_MAX_ROWS", "CACHE", true));
	assert_true(heap_bound_name("MAX_ENTRIES", "TABLE", true));
	assert_false(heap_bound_name("MAX_CONNECTIONS", "CACHE", true));
	assert_false(heap_bound_name("MAX_WORKERS", "CACHE", true));
	assert_false(heap_bound_name("PAGE_SIZE", "CACHE", true));
	assert_false(heap_bound_name("CACHE_SIZE", "SESSIONS", true));
	assert_false(heap_bound_name("CACHE_BYTES_MAX", "CACHE", true));
	assert_false(heap_bound_name("CACHE", "CACHE", true));
	assert_false(heap_bound_name("SIZE", "CACHE", true));
	assert_false(heap_bound_name("MAX", "CACHE", true));
	assert_true(heap_bound_name("CACHE_MAX", "CACHE", true));
	assert_false(heap_bound_name("LIMIT_PER_USER", "D", true));
}

/* An object's numbers are its own: those about the container count, and those of a cache. */
static void beside_an_attribute(void **state)
{
	(void)state;
	assert_true(heap_bound_name("max_sessions", "sessions", false));
	assert_true(heap_bound_name("_max_history", "_history", false));
	assert_true(heap_bound_name("sessions_limit", "sessions", false));
	assert_true(heap_bound_name("max_workers", "_workers", false));
	assert_true(heap_bound_name("cache_size", "rows", false));
	assert_true(heap_bound_name("cache_size", "_cache", false));
	assert_true(heap_bound_name("capacity", "buffer", false));
	assert_false(heap_bound_name("limit", "history", false));
	assert_false(heap_bound_name("max_workers", "pending", false));
	assert_false(heap_bound_name("max_sessions", "history", false));
	assert_false(heap_bound_name("max_buffer", "buffer", false));
	assert_false(heap_bound_name("buffer_size", "_buffer", false));
	assert_false(heap_bound_name("max_bytes", "_bytes", false));
	assert_false(heap_bound_name("rows_size", "rows", false));
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
	assert_false(heap_bound_name(name, NULL, false));
	assert_true(heap_bound_name("max_size", name, true));
	assert_false(heap_bound_name(name, name, true));
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
		cmocka_unit_test(beside_an_attribute),
		cmocka_unit_test(a_size_of_whole_mebibytes_is_of_bytes),
		cmocka_unit_test(names_that_are_too_long),
		cmocka_unit_test(a_little_over_is_what_a_batch_leaves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
