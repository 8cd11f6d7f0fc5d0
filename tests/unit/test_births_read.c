/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From a read of the word to its tests: code of this program, never run, is read from its file. */
#include "places/births_priv.h"
#include "unit.h"

/* clang-format off */
#define CODE(name, text) __asm__(".pushsection .text\n.type " #name ", @function\n" #name ":\n" text \
				 "\n.size " #name ", . - " #name "\n.popsection\n")
/* clang-format on */
#define READ(reg) "mov the_word(%rip), %" reg "\n"
#define TEST(reg) "test %" reg ", %" reg "\nje 1f\n1: ret"

__asm__(".pushsection .data\n.balign 16\n.type the_word, @object\n.size the_word, 8\n"
	"the_word: .quad 1\n.popsection\n");

CODE(tested, READ("rax") TEST("rax"));
CODE(tested_from_the_stack, READ("rax") "mov %rax, 8(%rsp)\nmov 8(%rsp), %rdx\n" TEST("rdx"));
CODE(tested_behind_a_call, READ("rbx") "call tested\n" TEST("rbx"));
CODE(gone_in_a_call, READ("rax") "call tested\n" TEST("rax"));
CODE(returned_behind_a_call, READ("rbx") "call tested\nmov %rbx, %rax\nret");
CODE(kept_in_a_switch, READ("rbx") "jmp *%rcx");
CODE(tested_into_a_register, READ("rax") "test %rax, %rax\nsete %cl\nret");
CODE(tested_into_a_choice, READ("rax") "test %rax, %rax\ncmove %rdx, %rcx\nret");
CODE(tested_with_a_sign, READ("rax") "test %rax, %rax\njle 1f\n1: ret");
CODE(compared_with_a_register, "cmp %rcx, the_word(%rip)\nje 1f\n1: ret");
CODE(half_of_it, READ("rax") "shr $32, %rax\n" TEST("rax"));
CODE(in_a_wide_register, READ("rax") "movq %rax, %xmm0\nret");
CODE(in_some_memory, READ("rax") "mov %rax, (%rdx,%rcx)\nret");
CODE(Py_FatalError, "ud2");
CODE(gone_for_good, READ("rbx") "call abort@PLT\njmp *%rcx");
CODE(gone_for_good_by_pointer, READ("rbx") "call *abort@GOTPCREL(%rip)\njmp *%rcx");
CODE(gone_for_good_inside, READ("rbx") "call Py_FatalError\njmp *%rcx");
CODE(comes_back, READ("rbx") "call tested\njmp *%rcx");

static uint64_t address(const struct dso *d, const char *name)
{
	struct dso_sym s;

	assert_int_equal(dso_symbol(d, name, &s), 0);
	return s.addr;
}

static void each_way_ends_in_a_test_or_is_said_to_be_lost(void **state)
{
	static const struct {
		const char *name;
		size_t tests;
		bool lost;
	} rows[] = {
		{"tested", 1, false},
		{"tested_from_the_stack", 1, false},
		{"tested_behind_a_call", 1, false},
		{"gone_in_a_call", 0, false},
		{"returned_behind_a_call", 0, false}, /* as _PyTraceMalloc_IsTracing is by clang */
		{"kept_in_a_switch", 0, true},
		{"tested_into_a_register", 0, true},
		{"tested_into_a_choice", 0, true},
		{"tested_with_a_sign", 0, true},
		{"compared_with_a_register", 0, true},
		{"half_of_it", 0, true},
		{"in_a_wide_register", 0, true},
		{"in_some_memory", 0, true},
		{"gone_for_good", 0, false},
		{"gone_for_good_by_pointer", 0, false},
		{"gone_for_good_inside", 0, false},
		{"comes_back", 0, true},
	};
	struct births_finder f = {.tracer = true};
	struct births_state s;
	struct dso *d;

	(void)state;
	assert_int_equal(dso_open("/proc/self/exe", &d), 0);
	f.d = d;
	f.word = address(d, "the_word");
	ZydisDecoderInit(&f.decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	births_find_last_calls(&f);
	births_start(&s);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct births_jumps jumps;

		births_jumps(&f, address(d, rows[i].name), &s, false, &jumps);
		if (jumps.n != rows[i].tests || jumps.lost != rows[i].lost)
			fail_msg("%s: %zu tests%s", rows[i].name, jumps.n,
				 jumps.lost ? ", lost" : "");
	}
	dso_close(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_way_ends_in_a_test_or_is_said_to_be_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
