/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Room in swap below the limit of a cgroup: the machine's free swap is made up. */
#include "proc/inside.h"

static int slurp_made_up(const char *path, char **text, size_t *len)
{
	if (strcmp(path, "/proc/meminfo") != 0)
		return proc_slurp_path(path, text, len);
	*text = strdup("SwapTotal: 2097152 kB\nSwapFree: 1048576 kB\n");
	*len = strlen(*text);
	return 0;
}

#define proc_slurp_path slurp_made_up
#include "proc/cgroup.c"
#include "groups.h"

static void expect(const char *group, int version, uint64_t left, uint64_t swap)
{
	struct proc_cgroup c;

	proc_cgroup_read(root, group, version, &c);
	assert_int_equal(c.limit, 512 * MIB);
	assert_int_equal(c.left_low, left * MIB);
	assert_int_equal(c.swap, swap * MIB);
}

/* 400 of 512 MiB are used; 1 GiB of swap is free. */
static void what_may_be_swapped_out_is_told_apart(void **state)
{
	(void)state;
	put("/two", "memory.max", "536870912\n");
	put("/two", "memory.current", "419430400\n");
	expect("/two", 2, 112 + 1024, 1024); /* without accounting of swap */
	put("/two", "memory.swap.max", "max\n");
	expect("/two", 2, 112 + 1024, 1024);
	put("/two", "memory.swap.max", "268435456\n");
	put("/two", "memory.swap.current", "104857600\n");
	expect("/two", 2, 112 + 156, 156);
	put("/two", "memory.swap.max", "0\n");
	put("/two", "memory.swap.current", "0\n");
	expect("/two", 2, 112, 0);

	put("/one", "memory.limit_in_bytes", "536870912\n");
	put("/one", "memory.usage_in_bytes", "419430400\n");
	put("/one", "memory.memsw.limit_in_bytes", "536870912\n");
	put("/one", "memory.memsw.usage_in_bytes", "419430400\n");
	expect("/one", 1, 112, 0);
	put("/one", "memory.memsw.limit_in_bytes", "1073741824\n");
	expect("/one", 1, 112 + 512, 512);
}

/* A group without a limit of memory may bind the swap of those below. */
static void a_limit_of_swap_binds_all_groups_below(void **state)
{
	(void)state;
	put("/slice", "memory.max", "max\n");
	put("/slice", "memory.current", "419430400\n");
	put("/slice", "memory.swap.max", "0\n");
	put("/slice/app", "memory.max", "536870912\n");
	put("/slice/app", "memory.current", "419430400\n");
	put("/slice/app", "memory.swap.max", "max\n");
	expect("/slice/app", 2, 112, 0);
	put("/slice", "memory.swap.max", "314572800\n");
	put("/slice", "memory.swap.current", "104857600\n");
	expect("/slice/app", 2, 112 + 200, 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_may_be_swapped_out_is_told_apart),
		cmocka_unit_test(a_limit_of_swap_binds_all_groups_below),
	};

	return cmocka_run_group_tests_name("swap room", tests, make_root, remove_root);
}
