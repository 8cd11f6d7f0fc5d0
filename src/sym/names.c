/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds the names of an address in the file's symbols, in .gnu_debugdata or in debug information,
 * and keeps them. */
#include "sym/sym_priv.h"

/* Returns the name of the function at @addr by the symbols that belong to the debug information;
 * NULL: none. */
static const char *debug_symbol(struct sym_file *f, uint64_t addr)
{
	Dwarf *d = sym_file_dwarf(f);
	Elf *elf = d ? dwarf_getelf(d) : NULL;
	Elf_Scn *scn = NULL;

	if (!elf || elf == dso_elf(f->whole))
		return NULL;
	while ((scn = elf_nextscn(elf, scn))) {
		GElf_Shdr sh;
		Elf_Data *data;

		if (!gelf_getshdr(scn, &sh) || sh.sh_type != SHT_SYMTAB)
			continue;
		data = elf_getdata(scn, NULL);
		for (size_t i = 1; data && i < data->d_size / sizeof(Elf64_Sym); i++) {
			GElf_Sym s;

			if (gelf_getsym(data, (int)i, &s) && GELF_ST_TYPE(s.st_info) == STT_FUNC &&
			    addr - s.st_value < s.st_size)
				return elf_strptr(elf, sh.sh_link, s.st_name);
		}
	}
	return NULL;
}

/* Opens the separate debug file for its symbols alone: to read the debug information of the C
 * library would take 15 MB and a third of a second. */
static struct dso *debug_symbols(struct sym_file *f)
{
	int fd;

	f->asked_ns = clock_ns();
	if (f->tried_symbols)
		return f->symbols;
	f->tried_symbols = true;
	fd = sym_debug_find(f, NULL, 0);
	if (fd >= 0 && dso_open_fd(fd, f->path, DSO_NAMES, &f->symbols))
		f->symbols = NULL;
	return f->symbols;
}

static char *function_at(struct sym_file *f, uint64_t addr)
{
	struct dso *mini, *more;
	struct dso_sym sym;
	const char *name;

	if (!dso_function_at(f->dso, addr, &sym, &name))
		return sym_demangle(name);
	mini = sym_file_mini(f);
	if (mini && !dso_function_at(mini, addr, &sym, &name))
		return sym_demangle(name);
	more = f->no_lines ? debug_symbols(f) : NULL;
	if (more && !dso_function_at(more, addr, &sym, &name))
		return sym_demangle(name);
	name = debug_symbol(f, addr);
	return name ? sym_demangle(name) : NULL;
}

static void fill(struct sym_file *f, uint64_t addr, struct sym_names_of *to)
{
	char *name = function_at(f, addr);
	struct sym_frame *last;

	if (!name || !f->no_lines)
		to->n = sym_lines(f, addr, to->v, SYM_MAX_INLINED);
	if (!to->n)
		to->n = 1;
	last = &to->v[to->n - 1];
	/* The symbol knows the class and namespace that an entry may leave out. */
	if (name && !last->is_inlined) {
		free((void *)(uintptr_t)last->function);
		last->function = name;
	} else {
		free(name);
	}
	for (size_t i = 0; i < to->n; i++) {
		to->v[i].module = f->path;
		to->v[i].build_id = *dso_build_id(f->dso) ? dso_build_id(f->dso) : NULL;
		to->v[i].addr = addr;
	}
}

const struct sym_names_of *sym_file_names(struct sym_file *f, uint64_t addr,
					  struct sym_stats *stats)
{
	uint64_t *at = map64_put(&f->names, addr ? addr : 1);
	struct sym_names_of *n;

	if (!at)
		return NULL;
	if (*at)
		return (void *)(uintptr_t)*at;
	if (!sym_file_answers(f))
		return NULL;
	n = calloc(1, sizeof(*n));
	if (!n)
		return NULL;
	fill(f, addr, n);
	stats->names++;
	stats->names_unknown += !n->v[n->n - 1].function;
	*at = (uintptr_t)n;
	return n;
}
