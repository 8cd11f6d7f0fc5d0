/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One ELF file and its information for unwinding and names. The file is read, never mapped, because
 * it may shrink. */
#include "storage/storage.h"
#include "sym/sym_priv.h"

#include <elf.h>
#include <elfutils/libdwelf.h>
#include <fcntl.h>
#include <sys/auxv.h>

#define PAGE	  4096ull
#define REST_NS	  10000000000ull /* kept unused for so long: rereading takes 50 ms */
#define VDSO_MAX  (64u << 10)
#define MAX_PHDRS 256
#define MAX_NOTE  (1u << 20) /* bytes */

/* Reads our own vdso: the kernel gives every process the same one, and no target can have changed
 * ours. */
static int open_vdso(struct dso **out)
{
	const Elf64_Ehdr *own = (const Elf64_Ehdr *)getauxval(AT_SYSINFO_EHDR);
	size_t size = own ? own->e_shoff + (size_t)own->e_shnum * own->e_shentsize : 0;
	void *image = size && size <= VDSO_MAX ? malloc(size) : NULL;

	if (!image)
		return -ENOENT;
	memcpy(image, own, size);
	return dso_open_image("[vdso]", image, size, out);
}

void sym_file_try(struct sym_file *f, const struct proc_map *m)
{
	int err, fd;

	if (!strcmp(m->path, "[vdso]")) {
		err = open_vdso(&f->dso);
	} else {
		err = proc_map_open(f->proc, m, &fd);
		if (!err)
			err = dso_open_fd(fd, m->path, DSO_CODE, &f->dso);
	}
	if (err && !f->is_refused_for_now)
		log_debug("no native names in %s: %s", m->path, fail_text());
	f->is_refused_for_now = fail_is_short(err) || err == -EREMOTE;
}

int sym_file_open(const struct proc *p, const struct proc_map *m, struct sym_file **out)
{
	struct sym_file *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->path = strdup(m->path);
	f->inode = m->inode;
	f->dev = m->dev;
	f->proc = p;
	if (!f->path) {
		free(f);
		return -ENOMEM;
	}
	sym_file_try(f, m);
	*out = f;
	return 0;
}

static void free_names(struct sym_file *f)
{
	for (size_t i = 0; i < f->names.cap; i++) {
		struct sym_names_of *n =
			f->names.slot[2 * i] ? (void *)(uintptr_t)f->names.slot[2 * i + 1] : NULL;

		for (size_t k = 0; n && k < n->n; k++) {
			free((void *)(uintptr_t)n->v[k].function);
			free((void *)(uintptr_t)n->v[k].file);
		}
		free(n);
	}
	map64_free(&f->names);
}

static void forget_dwarf(struct sym_file *f)
{
	if (f->dwfl)
		dwfl_end(f->dwfl);
	dso_close(f->whole);
	dso_close(f->symbols);
	f->whole = f->symbols = NULL;
	f->dwfl = NULL;
	f->module = NULL;
	f->dwarf = NULL;
	f->tried_symbols = false;
}

void sym_file_renew(struct sym_file *f)
{
	forget_dwarf(f);
	free_names(f);
	f->debug = NULL;
	f->tried_dwarf = f->tried_debug = false;
}

void sym_file_close(struct sym_file *f)
{
	if (!f)
		return;
	sym_servers_forget(f);
	free_names(f);
	if (f->eh)
		dwarf_cfi_end(f->eh);
	forget_dwarf(f);
	dso_close(f->mini);
	dso_close(f->dso);
	free(f->path);
	free(f);
}

bool sym_file_answers(const struct sym_file *f)
{
	return f->dso && !storage_ask(dso_fd(f->dso), STORAGE_READ);
}

Dwarf_CFI *sym_file_cfi(struct sym_file *f)
{
	if (f->tried_eh || !sym_file_answers(f))
		return f->eh;
	f->tried_eh = true;
	f->eh = dso_cfi(f->dso);
	return f->eh;
}

Dwarf_CFI *sym_file_debug_cfi(struct sym_file *f)
{
	Dwarf *d;

	if (f->tried_debug || !sym_file_answers(f))
		return f->debug;
	f->tried_debug = true;
	d = sym_file_dwarf(f);
	f->debug = d ? dso_debug_cfi(d, f->path) : NULL;
	return f->debug;
}

/* Marks sections without names as empty, because libdw reads all sections at once. */
static void leave_out(Elf *elf)
{
	static const char *const unread[] = {".debug_loc",	".debug_loclists",
					     ".debug_macro",	".debug_macinfo",
					     ".debug_pubnames", ".debug_pubtypes"};
	Elf_Scn *scn = NULL;
	size_t names;

	if (elf_getshdrstrndx(elf, &names))
		return;
	while ((scn = elf_nextscn(elf, scn))) {
		GElf_Shdr sh;
		const char *name =
			gelf_getshdr(scn, &sh) ? elf_strptr(elf, names, sh.sh_name) : NULL;

		for (size_t i = 0; name && i < ARRAY_SIZE(unread); i++)
			if (!strcmp(name, unread[i])) {
				sh.sh_type = SHT_NOBITS;
				gelf_update_shdr(scn, &sh);
			}
	}
}

/* Gives libdw our own handle of the file, because libdw itself would map the file. */
static int find_elf(Dwfl_Module *mod, void **userdata, const char *name, Dwarf_Addr base,
		    char **found, Elf **elf)
{
	struct sym_file *f = *userdata;

	(void)mod;
	(void)name;
	(void)base;
	(void)found;
	*elf = elf_begin(-1, ELF_C_READ, dso_elf(f->whole));
	return -1;
}

static int find_debuginfo(Dwfl_Module *mod, void **userdata, const char *name, Dwarf_Addr base,
			  const char *file, const char *link, GElf_Word crc, char **debug_file)
{
	struct sym_file *f = *userdata;
	bool is_shared = link && !crc;
	int fd = is_shared ? -1 : sym_debug_find(f, link, crc);

	(void)file;
	/* libdw asks for the file that several debug files share (.gnu_debugaltlink), and knows its
	 * build id */
	if (is_shared) {
		fd = dwfl_build_id_find_debuginfo(mod, userdata, name, base, NULL, NULL, 0,
						  debug_file);
		if (fd < 0)
			fd = sym_debug_shared(f, link);
		f->has_shared = fd >= 0;
		return fd;
	}
	if (fd >= 0 || !*dso_build_id(f->dso))
		return fd;
	fd = dwfl_build_id_find_debuginfo(mod, userdata, name, base, NULL, NULL, 0, debug_file);
	return fd >= 0 ? fd : sym_servers_find(f);
}

/* Finds the addresses of the file. False: it makes no sense, or has notes that are too large to be
 * searched for a build id. */
static bool module_extent(const struct dso *d, uint64_t *low, uint64_t *high)
{
	size_t n;

	*low = UINT64_MAX;
	*high = 0;
	if (elf_getphdrnum(dso_elf(d), &n) || n > MAX_PHDRS)
		return false;
	for (size_t i = 0; i < n; i++) {
		GElf_Phdr ph;

		if (!gelf_getphdr(dso_elf(d), (int)i, &ph))
			continue;
		if (ph.p_type == PT_NOTE && ph.p_filesz > MAX_NOTE)
			return false;
		if (ph.p_type != PT_LOAD)
			continue;
		if (ph.p_align & (ph.p_align - 1))
			return false;
		if (*low == UINT64_MAX)
			*low = ph.p_vaddr & -(ph.p_align ? ph.p_align : 1);
		if (ph.p_vaddr + ph.p_memsz > *high)
			*high = (ph.p_vaddr + ph.p_memsz + PAGE - 1) & -PAGE;
	}
	return *low < *high;
}

/* Does each section of strings end in a zero byte? libdw reads strings up to their ends without
 * asking where the section ends. */
static bool strings_end(Dwarf *dwarf)
{
	Elf *elf = dwarf_getelf(dwarf);
	Elf_Scn *scn = NULL;
	size_t names;

	if (elf_getshdrstrndx(elf, &names))
		return false;
	while ((scn = elf_nextscn(elf, scn))) {
		const char *name;
		Elf_Data *data;
		GElf_Shdr sh;

		if (!gelf_getshdr(scn, &sh))
			return false;
		name = elf_strptr(elf, names, sh.sh_name);
		if (!name ||
		    (strcmp(name, ".debug_str") != 0 && strcmp(name, ".debug_line_str") != 0))
			continue;
		data = elf_getdata(scn, NULL);
		if (data && data->d_size &&
		    (!data->d_buf || ((char *)data->d_buf)[data->d_size - 1]))
			return false;
	}
	return true;
}

/* Does the debug information refer to a shared file that was not found? When asked for a name in
 * that file, libdw would open whatever path stands here. */
static bool lacks_shared(const struct sym_file *f)
{
	const char *name;
	const void *id;

	return !f->has_shared && dwelf_dwarf_gnu_debugaltlink(f->dwarf, &name, &id) > 0;
}

/* Opens the file once more, for libdw. A handle that libelf makes from another one is the same
 * handle and keeps all that was read, so it must not be that of the file that stays open. The
 * sections are checked by the handle that libdw will read. */
static bool open_whole(struct sym_file *f, uint64_t *low, uint64_t *high)
{
	int fd = fcntl(dso_fd(f->dso), F_DUPFD_CLOEXEC, 3);

	if (fd < 0 || dso_open_fd(fd, f->path, DSO_CODE, &f->whole))
		return false;
	leave_out(dso_elf(f->whole));
	return !sym_debug_too_large(f->whole, SYM_DEBUG_MAX / 4) &&
	       module_extent(f->whole, low, high);
}

static Dwarf *open_dwarf(struct sym_file *f)
{
	static const Dwfl_Callbacks callbacks = {
		.find_elf = find_elf,
		.find_debuginfo = find_debuginfo,
	};
	uint64_t low, high;
	Dwarf_Addr bias;
	void **userdata;

	if (!f->dso || !strcmp(f->path, "[vdso]") || !open_whole(f, &low, &high))
		return NULL;
	f->dwfl = dwfl_begin(&callbacks);
	if (!f->dwfl)
		return NULL;
	/* at the address that the file asks for: libdw's addresses are the file's then */
	dwfl_report_begin(f->dwfl);
	f->module = dwfl_report_module(f->dwfl, f->path, low, high);
	dwfl_report_end(f->dwfl, NULL, NULL);
	if (!f->module)
		return NULL;
	dwfl_module_info(f->module, &userdata, NULL, NULL, NULL, NULL, NULL, NULL);
	*userdata = f;
	f->dwarf = dwfl_module_getdwarf(f->module, &bias);
	log_debug("debug information of %s: %s", f->path, f->dwarf ? "read" : "none");
	/* A bias means that the file was linked anew (prelink) after its debug file was made. That
	 * is too rare to be worth its arithmetic. */
	return f->dwarf && !bias && strings_end(f->dwarf) && !lacks_shared(f) ? f->dwarf : NULL;
}

Dwarf *sym_file_dwarf(struct sym_file *f)
{
	f->asked_ns = clock_ns();
	if (f->tried_dwarf)
		return f->dwarf;
	f->tried_dwarf = true;
	if (!open_dwarf(f))
		forget_dwarf(f);
	return f->dwarf;
}

bool sym_file_rest(struct sym_file *f, uint64_t now_ns)
{
	if ((!f->dwarf && !f->symbols) || f->debug || now_ns - f->asked_ns < REST_NS)
		return false;
	forget_dwarf(f);
	f->tried_dwarf = false;
	return true;
}
