/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An ELF file that lies: symbols, sections, relocations, frame tables, addresses.
 *
 * reads: src/dso/dso.c src/dso/symbols.c src/dso/sections.c src/dso/reloc.c src/dso/function.c
 */
#include <fcntl.h>

#include "dso/dso.h"
#include "fuzz/fuzz.h"

static void ask(struct dso *d, struct fuzz_in *in)
{
	uint64_t addr[4] = {dso_base(d), 0x1000, in_u64(in), UINT64_MAX - 3}, out, slots[4];
	struct dso_range r[4];
	struct dso_sym sym;
	const char *name;
	size_t n;

	n = dso_text(d, r, ARRAY_SIZE(r));
	if (n && n <= ARRAY_SIZE(r))
		addr[1] = r[0].addr + r[0].size / 2;
	for (size_t i = 0; i < n && i < ARRAY_SIZE(r); i++)
		if (r[i].data && r[i].size && r[i].data[r[i].size - 1] == 0xff &&
		    r[i].data[0] == 0xfe)
			addr[3] = r[i].addr;
	dso_writable(d, r, ARRAY_SIZE(r));
	dso_symbol(d, "_PyRuntime", &sym);
	dso_symbol(d, "malloc", &sym);
	dso_section(d, ".text", &r[0]);
	dso_section(d, ".bss", &r[0]);
	dso_imports(d, "malloc");
	for (size_t i = 0; i < ARRAY_SIZE(addr); i++) {
		const uint8_t *p;
		size_t avail;

		if (!dso_frame_at(d, addr[i], &r[0], &out) &&
		    (p = dso_bytes(d, r[0].addr, &avail)) != NULL)
			addr[0] += p[r[0].size - 1];
		p = dso_bytes(d, addr[i], &avail);
		if (p && avail && p[avail - 1] == 0xcc)
			addr[0]++;
		dso_function_at(d, addr[i], &sym, &name);
		if (!dso_addr_to_offset(d, addr[i], &out))
			dso_offset_to_addr(d, out, &out);
		dso_reloc(d, addr[i], &name, &out);
	}
	dso_reloc_slot(d, "malloc", &out);
	dso_reloc_slots(d, "malloc", slots, ARRAY_SIZE(slots));
	dso_forget_bytes(d);
	dso_bytes(d, addr[1], &n);
	(void)(dso_is_exec(d) + dso_has_symtab(d) + strlen(dso_build_id(d)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {data, size};
	uint8_t how = in_u8(&in);
	struct dso *d;
	uint8_t *copy;
	int err;

	in_word(&in, 7);
	if (!in.n)
		return 0;
	if (how & 3) {
		copy = malloc(in.n);
		memcpy(copy, in.p, in.n);
		err = how & 1 ? dso_open_bytes("fuzz", copy, in.n, &d)
			      : dso_open_image("fuzz", copy, in.n, &d);
	} else {
		const char *path = fake_path(in.p, in.n);

		err = how & 12 ? dso_open_fd(open(path, O_RDONLY | O_CLOEXEC), path,
					     how & 4 ? DSO_NAMES : DSO_CODE, &d)
			       : dso_open(path, &d);
	}
	if (err)
		return 0;
	in = (struct fuzz_in){data + 1, size - 1};
	ask(d, &in);
	dso_close(d);
	return 0;
}
