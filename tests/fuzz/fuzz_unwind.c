/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A copied stack, unwound by call frame information that lies; and the machine for its
 * expressions.
 *
 * reads: src/sym/unwind.c src/sym/expr.c src/sym/sym.c
 */
#include "fuzz/fuzz.h"
#include "proc/source.h"
#include "sym/sym_priv.h"

#define TEXT	   0x7f5000000000ull
#define STACK	   0x7ffd00000000ull
#define STACK_SIZE 2048
#define MAX_OPS	   32
#define MAX_FRAMES 32

static struct fuzz_in file;
static struct proc_source source; /* no process runs: no file is opened by a name */

/* The file as it was opened: no process has it mapped from which it could be. */
static struct sym_file *open_file(struct sym *s)
{
	struct sym_file *f = calloc(1, sizeof(*f));
	uint8_t *copy = malloc(file.n);

	memcpy(copy, file.p, file.n);
	f->path = strdup("/lib/x.so");
	f->inode = 5;
	f->proc = &s->view;
	if (dso_open_bytes(f->path, copy, file.n, &f->dso))
		f->dso = NULL;
	return f;
}

static void expressions(struct fuzz_in *in, const struct sym_copy *c)
{
	struct sym_regs regs = {.known = in_u16(in)};
	struct sym_eval e = {.regs = &regs, .memory = c, .cfa = STACK + 64, .has_cfa = true};
	Dwarf_Op op[MAX_OPS];
	size_t n = in_u8(in) % (MAX_OPS + 1);
	uint64_t out;

	for (int i = 0; i < SYM_REGS; i++)
		regs.v[i] = STACK + 8ull * (uint64_t)i;
	for (size_t i = 0; i < n; i++)
		op[i] = (Dwarf_Op){.atom = in_u8(in),
				   .number = in_word(in, 2),
				   .number2 = in_u8(in),
				   .offset = in_u8(in)};
	sym_eval(&e, op, n, regs.known & 1, &out);
}

static void unwind(const struct sym_copy *c)
{
	struct proc p = {.pid = 42, .pidfd = -1, .source = &source};
	struct sym_pc out[MAX_FRAMES];
	const struct sym_frame *frame;
	enum sym_end end;
	struct sym *s;
	size_t n;

	if (sym_open(&p, &s))
		return;
	s->file[s->n_files++] = open_file(s);
	s->view.maps = calloc(2, sizeof(*s->view.maps));
	s->view.maps[0] = (struct proc_map){.start = TEXT,
					    .end = TEXT + ((file.n + 4095) & ~4095ull),
					    .readable = true,
					    .executable = true,
					    .inode = 5,
					    .path = "/lib/x.so"};
	/* Behind it one that cannot be opened. */
	s->view.maps[1] = (struct proc_map){.start = s->view.maps[0].end,
					    .end = s->view.maps[0].end + 4096,
					    .executable = true,
					    .inode = 6,
					    .path = "/lib/gone.so"};
	s->view.n_maps = 2;
	s->file_of = malloc(2 * sizeof(*s->file_of));
	s->file_of[0] = s->file_of[1] = SYM_FILE_UNKNOWN;
	s->read_ns = clock_ns();
	n = sym_unwind(s, c, out, MAX_FRAMES, &end);
	sym_end_name(end);
	for (size_t i = 0; i < n; i++)
		sym_names(s, &out[i], &frame);
	for (uint64_t at = 0; at < 4; at++)
		if (sym_locate(s, s->view.maps[1].end - 1 - 4096 * at, &out[0]))
			sym_names(s, &out[0], &frame);
	sym_refresh(s);
	sym_stats(s);
	sym_close(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t stack[STACK_SIZE];
	struct fuzz_in in = {data, size}, words;
	struct sym_copy c = {.start = STACK, .data = stack, .len = STACK_SIZE};
	uint8_t how = in_u8(&in);

	c.is_caller = how & 1;
	c.known = 1u << SYM_RSP | 1u << SYM_RIP | (how & 2 ? 1u << SYM_RBP : 0);
	c.reg[SYM_RIP] = TEXT + in_u16(&in);
	c.reg[SYM_RSP] = STACK + in_u8(&in);
	c.reg[SYM_RBP] = STACK + in_u16(&in) % STACK_SIZE;
	words = in_part(&in);
	/* The stack: places in the file and in itself. */
	for (size_t at = 0; at + 8 <= STACK_SIZE; at += 8) {
		uint16_t w = in_u16(&words);
		uint64_t v = w & 1 ? STACK + (w >> 1) % STACK_SIZE : TEXT + (w >> 1);

		memcpy(stack + at, &v, 8);
	}
	expressions(&words, &c);
	file = in;
	if (how & 4) {
		words = in;
		expressions(&words, &c);
	} else if (file.n) {
		unwind(&c);
	}
	return 0;
}
