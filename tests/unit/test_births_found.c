/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The ways to read the word that is tested at births: code of this program, never run, is read from
 * its file as if that were a CPython 3.13. Of the functions below one is left in it at a time. */
#include "places/places.h"
#include "unit.h"

#include <elf.h>

/* clang-format off */
#define CODE(name, text) __asm__(".pushsection .text\n.type " #name ", @function\n" #name ":\n" text \
				 "\n.size " #name ", . - " #name "\n.popsection\n")
/* clang-format on */
#define WORD "_PyRuntime+0x200(%rip)"
#define NEW  "movq $1, (%rdi)\n"
/* A call with the object in rdi tells of it: a birth. */
#define TELL(call, data) "jne 1f\nret\n1: mov " data ", %rdx\nxor %esi, %esi\ncall " call "\nret"

__asm__(".pushsection .data\n.balign 16\n.type _PyRuntime, @object\n.size _PyRuntime, 0x300\n"
	"_PyRuntime: .fill 0x300\n.popsection\n");

CODE(_Py_NewReference,
     "mov " WORD ", %rax\n" NEW "test %rax, %rax\n" TELL("*%rax", "_PyRuntime+0x208(%rip)"));
CODE(plain, "mov " WORD ", %rbx\n" NEW "test %rbx, %rbx\n" TELL("*%rbx", "_PyRuntime+0x208(%rip)"));
CODE(by_its_address, "lea " WORD ", %rbx\n" NEW "cmpq $0, (%rbx)\n" TELL("*(%rbx)", "8(%rbx)"));
CODE(by_its_address_behind_a_call, "push %rdi\nlea " WORD ", %rbx\ncall by_the_base\npop %rdi\n" NEW
				   "cmpq $0, (%rbx)\n" TELL("*(%rbx)", "8(%rbx)"));
CODE(by_the_base, "lea _PyRuntime(%rip), %rbx\n" NEW
		  "cmpq $0, 0x200(%rbx)\n" TELL("*0x200(%rbx)", "0x208(%rbx)"));
CODE(by_the_base_from_the_stack,
     "lea _PyRuntime(%rip), %rbx\nmov %rbx, 8(%rsp)\nmov 0x200(%rbx), %rbx\n" NEW
     "test %rbx, %rbx\njne 1f\nret\n1: mov 8(%rsp), %rcx\nmov 0x208(%rcx), %rdx\n"
     "xor %esi, %esi\ncall *%rbx\nret");
CODE(by_a_sum, "lea _PyRuntime(%rip), %rbx\nadd $0x200, %rbx\n" NEW
	       "cmpq $0, (%rbx)\n" TELL("*(%rbx)", "8(%rbx)"));
CODE(by_a_part_of_the_base, "lea _PyRuntime(%rip), %rbx\nlea 0x200(%rbx), %r12\n" NEW
			    "cmpq $0, (%r12)\n" TELL("*(%r12)", "8(%r12)"));
CODE(by_a_constant,
     "mov $0x01234567, %ebx\n" NEW "cmpq $0, 0x200(%rbx)\n" TELL("*0x200(%rbx)", "0x208(%rbx)"));
CODE(by_a_constant_in_r12,
     "mov $0x01234567, %r12d\n" NEW "cmpq $0, 0x200(%r12)\n" TELL("*0x200(%r12)", "0x208(%r12)"));
CODE(twice, "lea " WORD ", %rbx\n" NEW "cmpq $0, (%rbx)\njne 1f\n2: movq $1, (%rbp)\n"
	    "cmpq $0, (%rbx)\njne 3f\nret\n"
	    "1: mov 8(%rbx), %rdx\nxor %esi, %esi\ncall *(%rbx)\njmp 2b\n"
	    "3: mov 8(%rbx), %rdx\nxor %esi, %esi\nmov %rbp, %rdi\ncall *(%rbx)\nret");
CODE(stored, "mov %rax, " WORD "\nmovups %xmm0, " WORD "\nret");
CODE(returned, "mov " WORD ", %rax\nret");
CODE(given_away, "lea " WORD ", %rdi\ncall returned\nret");
CODE(loaded_with_its_data, "movups " WORD ", %xmm0\nret");
CODE(compared_as_a_byte, "cmpb $0, " WORD "\nje 1f\n1: ret");
CODE(added, "add " WORD ", %rax\nje 1f\n1: ret");
CODE(tested_in_memory, "testq $-1, " WORD "\nje 1f\n1: ret");

/* @births: beside that of _Py_NewReference. */
static const struct {
	const char *name;
	size_t births;
	bool is_refused, is_fixed; /* linked to an address */
} rows[] = {
	{"plain", 1, false, false},
	{"by_its_address", 1, false, false},
	{"by_its_address_behind_a_call", 1, false, false},
	{"by_the_base", 1, false, false},
	{"by_the_base_from_the_stack", 1, false, false},
	{"by_a_sum", 1, false, false},
	{"by_a_part_of_the_base", 1, false, false},
	{"by_a_constant", 1, false, true},
	{"by_a_constant_in_r12", 1, false, true},
	{"twice", 2, false, false},
	{"stored", 0, false, false},
	{"returned", 0, false, false},
	{"given_away", 0, true, false},
	{"loaded_with_its_data", 0, true, false},
	{"compared_as_a_byte", 0, true, false},
	{"added", 0, true, false},
	{"tested_in_memory", 0, true, false},
};

struct image {
	uint8_t *bytes;
	size_t size;
};

static struct image read_self(void)
{
	FILE *f = fopen("/proc/self/exe", "rb");
	struct image m = {0};

	assert_non_null(f);
	assert_int_equal(fseek(f, 0, SEEK_END), 0);
	m.size = (size_t)ftell(f);
	rewind(f);
	m.bytes = malloc(m.size);
	assert_non_null(m.bytes);
	assert_int_equal(fread(m.bytes, 1, m.size, f), m.size);
	fclose(f);
	return m;
}

/* Where the code of @name is in the image. */
static uint8_t *code_of(const struct dso *d, const struct image *m, const char *name, size_t *size)
{
	struct dso_sym s;
	uint64_t offset;

	assert_int_equal(dso_symbol(d, name, &s), 0);
	assert_int_equal(dso_addr_to_offset(d, s.addr, &offset), 0);
	*size = s.size;
	return m->bytes + offset;
}

/* The program with function @keep alone; where that has a constant it is the address of the base.
 */
static struct dso *program_with(size_t keep)
{
	static const uint8_t constant[] = {0x67, 0x45, 0x23, 0x01};
	struct image m = read_self();
	struct dso_sym runtime;
	struct dso *self, *d;
	uint8_t *code, *at;
	size_t size;

	assert_int_equal(dso_open("/proc/self/exe", &self), 0);
	assert_int_equal(dso_symbol(self, "_PyRuntime", &runtime), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		code = code_of(self, &m, rows[i].name, &size);
		if (i != keep)
			memset(code, 0xcc, size);
		else if (rows[i].is_fixed) {
			at = memmem(code, size, constant, sizeof(constant));
			assert_non_null(at);
			memcpy(at, &runtime.addr, sizeof(constant));
			((Elf64_Ehdr *)(void *)m.bytes)->e_type = ET_EXEC;
		}
	}
	dso_close(self);
	assert_int_equal(dso_open_bytes("program", m.bytes, m.size, &d), 0);
	return d;
}

static void each_way_to_read_the_word_is_followed_or_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct dso *d = program_with(i);
		struct places_births_report r;
		struct places p;
		int err = places_find_births(d, 13, &p, &r);

		if (rows[i].is_refused ? err != -ENOTSUP || !r.lost
				       : err || p.n != 1 + rows[i].births)
			fail_msg("%s: %zu births, %zu lost, %s", rows[i].name, p.n, r.lost,
				 err ? fail_text() : "not refused");
		places_free(&p);
		dso_close(d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_way_to_read_the_word_is_followed_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
