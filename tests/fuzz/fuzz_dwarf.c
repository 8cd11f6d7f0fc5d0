/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Names, source lines and inlined functions of addresses, from debug information that lies.
 *
 * reads: src/sym/lines.c src/sym/names.c src/sym/file.c src/sym/mini.c src/dso/frames.c
 * apart: open_vdso sym_file_open sym_file_try: a file is opened, which fuzz_elf reads
 */
#include <elf.h>

#include "fuzz/fuzz.h"
#include "proc/source.h"
#include "sym/sym_priv.h"

/* A file with code and nothing else: all that is known of it is in another one, @full, which lies
 * where this one does. */
struct stripped {
	Elf64_Ehdr head;
	Elf64_Phdr load;
};

static struct stripped strip(struct fuzz_in full)
{
	struct stripped s = {
		.head = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
			 .e_type = ET_DYN,
			 .e_machine = EM_X86_64,
			 .e_version = EV_CURRENT,
			 .e_phoff = sizeof(s.head),
			 .e_ehsize = sizeof(s.head),
			 .e_phentsize = sizeof(s.load),
			 .e_phnum = 1}};

	if (full.n >= sizeof(s))
		memcpy(&s.load, full.p + sizeof(s.head), sizeof(s.load));
	s.load.p_type = PT_LOAD;
	s.load.p_flags = PF_R | PF_X;
	s.load.p_offset = 0;
	s.load.p_filesz = sizeof(s);
	return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {data, size};
	uint64_t addr[3] = {in_word(&in, 2), in_word(&in, 2), in_word(&in, 4)};
	struct sym_stats stats = {0};
	struct proc_source source = {0};
	struct proc p = {.pid = 42, .pidfd = -1, .source = &source};
	struct sym_file *f;
	bool separate = addr[2] >> 31;
	struct stripped alone;
	uint8_t *copy;

	if (!in.n)
		return 0;
	addr[2] &= INT32_MAX;
	fake_debug_file(separate ? in.p : NULL, in.n);
	if (separate) {
		alone = strip(in);
		in = (struct fuzz_in){(const uint8_t *)&alone, sizeof(alone)};
	}
	copy = malloc(in.n);
	memcpy(copy, in.p, in.n);
	f = calloc(1, sizeof(*f));
	f->path = strdup("/lib/x.so");
	f->proc = &p; /* without files of its own */
	if (dso_open_bytes("/lib/x.so", copy, in.n, &f->dso))
		f->dso = NULL;
	for (size_t i = 0; f->dso && i < ARRAY_SIZE(addr); i++) {
		for (uint64_t off = 0; off < 48; off += 8) {
			const struct sym_names_of *n = sym_file_names(f, addr[i] + off, &stats);

			if (n && (!n->n || n->n > SYM_MAX_INLINED + 1))
				abort();
		}
	}
	if (f->dso) {
		sym_file_cfi(f);
		sym_file_debug_cfi(f);
	}
	sym_file_close(f);
	return 0;
}
