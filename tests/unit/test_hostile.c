/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What only a process or a file that lies says, one lie at a time. */
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <zstd.h>

#include "heap/heap_priv.h"
#include "heap/own_size.h"
#include "heap/parts.h"
#include "proc/snapshot_priv.h"
#include "track/names.h"
#include "unit.h"

/* Items of no size: a type's word for it. */
static void items_may_have_no_size(void **state)
{
	static const enum heap_kind kinds[] = {HEAP_K_BYTES, HEAP_K_TUPLE, HEAP_K_INT};
	struct py_runtime rt = {.minor = 11, .layout = {.ob_type = 8, .ob_size = 16}};
	uint64_t object[4] = {1, 0, 1000};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct heap_type t = {.basicsize = 24, .kind = (uint8_t)kinds[i]};
		struct heap_block b = {
			.addr = 0x100000,
			.bytes = sizeof(object),
			.object = 0x100000,
			.data = (const uint8_t *)object,
			.have = sizeof(object),
			.facts = &t,
		};
		struct heap_own own;

		heap_own_of(&rt, &b, &own);
		assert_int_equal(own.bytes, 24);
	}
}

static void put(int fd, const void *p, size_t size)
{
	assert_int_equal(write(fd, p, size), (ssize_t)size);
}

static void put_record(int fd, enum snap_type type, const void *data, size_t size)
{
	char packed[4096];
	struct snap_record r = {.type = type, .size = size};

	r.stored = ZSTD_compress(packed, sizeof(packed), data, size, 1);
	assert_false(ZSTD_isError(r.stored));
	r.hash = snap_hash(packed, r.stored);
	r.head_hash = snap_record_hash(&r, NULL);
	put(fd, &r, sizeof(r));
	put(fd, packed, r.stored);
}

/* A snapshot of next to nothing, with these rows of what was resident. */
static int open_with_rows(const struct proc_resident *rows, size_t n, struct proc **out)
{
	static const char process[] = "pid 1\nmemory 4096 4096 0 0 0 1\n";
	static const char maps[] = "100000-200000 rw-p 0 0:0 0 \n";
	struct snap_head head = {.magic = SNAP_MAGIC, .version = SNAP_VERSION, .page = SNAP_PAGE};
	char path[64];
	int err;

	auto_close int fd = memfd_create("snapshot", MFD_CLOEXEC);
	assert_true(fd >= 0);
	head.hash = snap_hash(&head, offsetof(struct snap_head, hash));
	put(fd, &head, sizeof(head));
	put_record(fd, SNAP_PROCESS, process, strlen(process));
	put_record(fd, SNAP_CMDLINE, "x", 2);
	put_record(fd, SNAP_MAPS, maps, strlen(maps));
	put_record(fd, SNAP_RESIDENT, rows, n * sizeof(*rows));
	put_record(fd, SNAP_END, "", 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	err = proc_open_snapshot(path, out);
	return err;
}

static void rows_of_a_snapshot_are_whole_pages(void **state)
{
	static const struct proc_resident good[] = {{0x100000, 0x180000, 4096, PROC_ROW_ANON, 1},
						    {0x180000, 0x200000, 0, PROC_ROW_HEAP, 1}};
	static const struct proc_resident bad[] = {
		{0x100000, 0x101001, 4096, PROC_ROW_ANON, 1},
		{0x100001, 0x102000, 4096, PROC_ROW_ANON, 1},
		{0x101000, 0x100000, 4096, PROC_ROW_ANON, 1},
		{0x100000, 0x100000, 4096, PROC_ROW_ANON, 1},
		{0x100000, 0x101000, 4096, 77, 1},
		{0x100000, 1ull << 63, 4096, PROC_ROW_ANON, 1},
	};
	struct proc_resident twice[2] = {good[0], good[0]};
	struct proc *p;

	(void)state;
	if (open_with_rows(good, ARRAY_SIZE(good), &p))
		fail_msg("%s", fail_text());
	proc_close(p);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(open_with_rows(&bad[i], 1, &p), -EINVAL);
	assert_int_equal(open_with_rows(twice, 2, &p), -EINVAL);
}

/* A class in our own memory, as 3.11 has it: `type` is its own type, all are static. */
static void a_class_may_take_the_place_of_another(void **state)
{
	static uint64_t type[64], class[64];
	struct proc self = {.pid = getpid()};
	struct py_runtime rt = {.proc = &self,
				.minor = 11,
				.layout = {.ob_type = 8, .tp_name = 24, .tp_flags = 168},
				.type_type = (uintptr_t)type};
	const struct timespec wait = {.tv_sec = 1, .tv_nsec = 100000000};
	struct names *names;
	const char *first;

	(void)state;
	type[1] = class[1] = (uintptr_t)type;
	type[168 / 8] = 1ull << 31 | 1ull << 12;
	class[168 / 8] = 1ull << 12;
	class[3] = (uintptr_t) "app.First";
	assert_int_equal(names_new(&rt, &names), 0);
	first = names_type(names, (uintptr_t) class);
	assert_string_equal(first, "app.First");
	class[3] = (uintptr_t) "app.Second";
	nanosleep(&wait, NULL);
	assert_string_equal(names_type(names, (uintptr_t) class), "app.Second");
	assert_string_equal(first, "app.First"); /* whoever has it keeps it */
	/* What has ended keeps its name. */
	class[1] = 0;
	nanosleep(&wait, NULL);
	assert_string_equal(names_type(names, (uintptr_t) class), "app.Second");
	assert_string_equal(names_type(names, 0x1000), "?");
	names_free(names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_may_have_no_size),
		cmocka_unit_test(rows_of_a_snapshot_are_whole_pages),
		cmocka_unit_test(a_class_may_take_the_place_of_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
