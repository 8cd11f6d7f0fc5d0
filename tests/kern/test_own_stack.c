/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Programs on uprobes can be preempted: none of them may have a stack that it shares with whoever
 * runs next on its CPU (Linux 6.13 and later). No probe is placed here. */
#include "base/base.h" /* before cmocka.h, which has a macro fail() */
#include "pyleak/abi.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pyleak.skel.h"

#define BPF_CODE_CALL 0x85
#define TAIL_CALL     12

static struct pyleak_bpf *skel;

static bool is_on_uprobe(const struct bpf_program *p)
{
	return strstr(bpf_program__section_name(p), "probe");
}

static int load(void **state)
{
	struct bpf_program *p;

	(void)state;
	skel = pyleak_bpf__open();
	if (!skel)
		return -1;
	bpf_object__for_each_program(p, skel->obj) bpf_program__set_autoload(
		p, is_on_uprobe(p) && strcmp(bpf_program__name(p), "birth_shared"));
	return pyleak_bpf__load(skel);
}

static int unload(void **state)
{
	(void)state;
	pyleak_bpf__destroy(skel);
	return 0;
}

/* Kernels look for the call itself, whether it is reached or not. */
static void each_has_a_tail_call(void **state)
{
	struct bpf_program *p;
	int n = 0;

	(void)state;
	bpf_object__for_each_program(p, skel->obj)
	{
		const struct bpf_insn *insn = bpf_program__insns(p);
		size_t i;

		if (!is_on_uprobe(p))
			continue;
		for (i = 0; i < bpf_program__insn_cnt(p); i++)
			if (insn[i].code == BPF_CODE_CALL && !insn[i].src_reg &&
			    insn[i].imm == TAIL_CALL)
				break;
		if (i == bpf_program__insn_cnt(p))
			print_message("%s has none\n", bpf_program__name(p));
		assert_int_not_equal(i, bpf_program__insn_cnt(p));
		n++;
	}
	assert_true(n >= 9);
}

/* add %gs:0x0, %r9: the stack of this CPU, at the head of a program (arch/x86/net/bpf_jit_comp.c).
 */
static const unsigned char this_cpu_s[] = {0x65, 0x4c, 0x03, 0x0c, 0x25};

static void none_has_a_stack_per_cpu(void **state)
{
	struct bpf_program *p;
	int n = 0;

	(void)state;
	bpf_object__for_each_program(p, skel->obj)
	{
		struct bpf_prog_info info = {0};
		__u32 len = sizeof(info), bytes;
		unsigned char *code;

		if (bpf_program__fd(p) < 0)
			continue;
		assert_int_equal(bpf_obj_get_info_by_fd(bpf_program__fd(p), &info, &len), 0);
		bytes = info.jited_prog_len;
		if (!bytes)
			skip(); /* interpreted, or not shown to us */
		code = calloc(1, bytes);
		assert_non_null(code);
		len = sizeof(info);
		info = (struct bpf_prog_info){.jited_prog_insns = (__u64)(uintptr_t)code,
					      .jited_prog_len = bytes};
		assert_int_equal(bpf_obj_get_info_by_fd(bpf_program__fd(p), &info, &len), 0);
		if (memmem(code, bytes, this_cpu_s, sizeof(this_cpu_s)))
			print_message("%s has one\n", bpf_program__name(p));
		assert_null(memmem(code, bytes, this_cpu_s, sizeof(this_cpu_s)));
		free(code);
		n++;
	}
	assert_true(n >= 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_has_a_tail_call),
		cmocka_unit_test(none_has_a_stack_per_cpu),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
