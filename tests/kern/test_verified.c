/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How much the kernel's verifier has to look at in the dearest program: each watch loads it anew,
 * and pays for that. Needs root. */
#include <bpf/libbpf.h>
#include <stdio.h>

#include "py/py.h"
#include "unit/unit.h"

#include "pyleak.skel.h"

#define MOST 15000 /* instructions; 2,700 on 6.18 and 10,200 on 5.10 */

/* Returns how many instructions the verifier went through in the program @name; 0: not loaded. */
static unsigned verified(const char *name)
{
	static char log[1 << 16];
	struct pyleak_bpf *b = pyleak_bpf__open();
	struct bpf_program *p = NULL;
	unsigned n = 0;
	char *at;

	assert_non_null(b);
	log[0] = '\0';
	bpf_object__for_each_program(p, b->obj)
	{
		bool is_it = !strcmp(bpf_program__name(p), name);

		bpf_program__set_autoload(p, is_it);
		if (!is_it)
			continue;
		bpf_program__set_log_buf(p, log, sizeof(log));
		bpf_program__set_log_level(p, 4); /* only the numbers */
	}
	b->rodata->config.max_frames = PL_MAX_FRAMES;
	b->rodata->config.native_stacks = 1;
	at = pyleak_bpf__load(b) ? NULL : strstr(log, "processed");
	if (at)
		sscanf(at, "processed %u", &n);
	pyleak_bpf__destroy(b);
	return n;
}

/* The function that was called is one of a dozen: what follows is looked at once for all. */
static void the_entry_of_native_calls_is_verified_once(void **state)
{
	(void)state;
	assert_in_range(verified("native_entry"), 1, MOST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_entry_of_native_calls_is_verified_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
