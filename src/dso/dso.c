/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Opens an ELF file and translates between its addresses, offsets and bytes. The file is read,
 * never mapped: one that shrinks meanwhile gives an error, not a SIGBUS. */
#include "dso/dso_priv.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

const uint8_t *dso_chunk(const struct dso *d, uint64_t offset, uint64_t size)
{
	Elf_Data *data;

	if (!size || size > DSO_MAX_SEG_BYTES || offset > d->file_size ||
	    size > d->file_size - offset || size > DSO_MAX_KEPT - d->state->kept)
		return NULL;
	d->state->kept += size;
	data = elf_getdata_rawchunk(d->elf, (int64_t)offset, size, ELF_T_BYTE);
	if (!data || !data->d_buf || data->d_size < size)
		return NULL;
	return data->d_buf;
}

/* Refuses, before libelf makes a record for each of them, more sections or segments than a header
 * has room for (gABI, "Extended numbering"): no program has so many, and a forged file could state
 * billions. */
static int check_numbers(const struct dso *d, const Elf64_Ehdr *eh)
{
	if (memcmp(eh->e_ident, ELFMAG, SELFMAG) != 0)
		return 0;
	if (eh->e_ident[EI_CLASS] == ELFCLASS32)
		return fail(-ENOEXEC, "%s is a 32-bit program; only 64-bit x86 is supported",
			    d->path);
	if ((eh->e_shoff && !eh->e_shnum) || eh->e_phnum == PN_XNUM)
		return fail(-ENOEXEC, "%s has more sections or segments than any program", d->path);
	return 0;
}

/* Refuses names of sections that libelf would have to inflate, or that would take much memory: it
 * reads all when it is asked for one. */
static int check_names(const struct dso *d)
{
	GElf_Shdr sh;
	Elf_Scn *scn;
	size_t names;

	scn = elf_getshdrstrndx(d->elf, &names) ? NULL : elf_getscn(d->elf, names);
	if (scn && gelf_getshdr(scn, &sh) &&
	    (sh.sh_flags & SHF_COMPRESSED || sh.sh_size > DSO_MAX_NAMES))
		return fail(-ENOEXEC, "%s has damaged names of sections", d->path);
	return 0;
}

static int check_header(struct dso *d)
{
	GElf_Ehdr eh;

	if (elf_kind(d->elf) != ELF_K_ELF)
		return fail(-ENOEXEC, "%s is not an ELF file", d->path);
	if (!gelf_getehdr(d->elf, &eh) || eh.e_ident[EI_DATA] != ELFDATA2LSB)
		return fail(-ENOEXEC, "%s has a damaged ELF header", d->path);
	if (eh.e_machine != EM_X86_64)
		return fail(-ENOEXEC, "%s is for another processor (ELF machine %u), not x86-64",
			    d->path, eh.e_machine);
	if (eh.e_type != ET_EXEC && eh.e_type != ET_DYN)
		return fail(-ENOEXEC, "%s is neither a program nor a shared library", d->path);
	d->is_exec = eh.e_type == ET_EXEC;
	return check_names(d);
}

static int load_segments(struct dso *d)
{
	size_t n;

	if (elf_getphdrnum(d->elf, &n))
		return fail(-ENOEXEC, "%s has a damaged program header table", d->path);
	d->segs = calloc(DSO_MAX_SEGS, sizeof(*d->segs));
	if (!d->segs)
		return fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < n; i++) {
		struct dso_seg *s;
		GElf_Phdr p;

		if (!gelf_getphdr(d->elf, (int)i, &p))
			return fail(-ENOEXEC, "%s has a damaged program header table", d->path);
		if (p.p_type != PT_LOAD)
			continue;
		if (p.p_filesz > p.p_memsz || p.p_vaddr + p.p_memsz < p.p_vaddr)
			return fail(-ENOEXEC, "%s has a damaged segment", d->path);
		/* segments of a debug file have no bytes, and may begin anywhere */
		if (p.p_filesz &&
		    (p.p_offset > d->file_size || p.p_filesz > d->file_size - p.p_offset))
			return fail(-ENOEXEC, "%s is truncated: a segment ends behind the file",
				    d->path);
		if (d->n_segs == DSO_MAX_SEGS)
			return fail(-ENOEXEC, "%s has more than %d segments", d->path,
				    DSO_MAX_SEGS);
		s = &d->segs[d->n_segs++];
		*s = (struct dso_seg){.addr = p.p_vaddr,
				      .offset = p.p_offset,
				      .filesz = p.p_filesz,
				      .memsz = p.p_memsz,
				      .flags = p.p_flags};
	}
	if (!d->n_segs)
		return fail(-ENOEXEC, "%s has nothing to load into memory", d->path);
	return 0;
}

static int open_elf(struct dso *d)
{
	Elf64_Ehdr eh = {0};
	struct stat st;

	if (fstat(d->fd, &st))
		return fail(-errno, "cannot stat %s: %s", d->path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return fail(-ENOEXEC, "%s is not a regular file", d->path);
	d->file_size = (uint64_t)st.st_size;
	if (pread(d->fd, &eh, sizeof(eh), 0) < 0)
		return fail(-errno, "cannot read %s: %s", d->path, strerror(errno));
	if (check_numbers(d, &eh))
		return -ENOEXEC;
	if (elf_version(EV_CURRENT) == EV_NONE)
		return fail(-ENOEXEC, "libelf is older than the format it has to read");
	d->elf = elf_begin(d->fd, ELF_C_READ, NULL);
	if (!d->elf)
		return fail(-ENOEXEC, "%s: %s", d->path, elf_errmsg(-1));
	return check_header(d);
}

static int open_image(struct dso *d, size_t size)
{
	Elf64_Ehdr eh = {0};

	d->file_size = size;
	memcpy(&eh, d->image, size < sizeof(eh) ? size : sizeof(eh));
	if (check_numbers(d, &eh))
		return -ENOEXEC;
	if (elf_version(EV_CURRENT) == EV_NONE)
		return fail(-ENOEXEC, "libelf is older than the format it has to read");
	d->elf = elf_memory(d->image, size);
	if (!d->elf)
		return fail(-ENOEXEC, "%s: %s", d->path, elf_errmsg(-1));
	return check_header(d);
}

/* Opens the ELF file in @image, or in the file @fd when @image is NULL. */
static int open_code(const char *path, int fd, void *image, size_t size, struct dso **out)
{
	struct dso *d = calloc(1, sizeof(*d));
	int err;

	*out = NULL;
	if (!d) {
		close_fd(&fd);
		free(image);
		return fail(-ENOMEM, "out of memory");
	}
	d->fd = fd;
	d->image = image;
	d->path = strdup(path);
	d->state = calloc(1, sizeof(*d->state));
	err = d->path && d->state ? 0 : fail(-ENOMEM, "out of memory");
	if (!err)
		err = image ? open_image(d, size) : open_elf(d);
	if (!err)
		err = load_segments(d);
	if (err) {
		dso_close(d);
		return err;
	}
	dso_load_build_id(d);
	*out = d;
	return 0;
}

int dso_open_image(const char *name, void *image, size_t size, struct dso **out)
{
	return open_code(name, -1, image, size, out);
}

static int with_symbols(int err, enum dso_parts parts, struct dso **out)
{
	if (!err && parts != DSO_CODE)
		err = dso_load_symbols(*out);
	if (!err && parts == DSO_ALL)
		err = dso_load_relocs(*out);
	if (!err)
		return 0;
	dso_close(*out);
	*out = NULL;
	return err;
}

int dso_open_fd(int fd, const char *name, enum dso_parts parts, struct dso **out)
{
	return with_symbols(open_code(name, fd, NULL, 0, out), parts, out);
}

int dso_open(const char *path, struct dso **out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	*out = NULL;
	if (fd < 0)
		return fail(-errno, "cannot open %s: %s", path, strerror(errno));
	return dso_open_fd(fd, path, DSO_ALL, out);
}

int dso_open_bytes(const char *name, uint8_t *bytes, size_t size, struct dso **out)
{
	return with_symbols(open_code(name, -1, bytes, size, out), DSO_ALL, out);
}

void dso_close(struct dso *d)
{
	if (!d)
		return;
	dso_forget_bytes(d);
	elf_end(d->elf);
	close_fd(&d->fd);
	dso_forget_relocs(d);
	free(d->segs);
	free(d->state);
	free(d->image);
	free(d->path);
	free(d);
}

const char *dso_path(const struct dso *d)
{
	return d->path;
}

int dso_fd(const struct dso *d)
{
	return d->fd;
}

bool dso_is_exec(const struct dso *d)
{
	return d->is_exec;
}

bool dso_has_symtab(const struct dso *d)
{
	return d->symtab.n != 0;
}

const char *dso_build_id(const struct dso *d)
{
	return d->build_id;
}

static struct dso_seg *seg_of_addr(const struct dso *d, uint64_t addr)
{
	for (size_t i = 0; i < d->n_segs; i++)
		if (addr - d->segs[i].addr < d->segs[i].filesz)
			return &d->segs[i];
	return NULL;
}

static const uint8_t *read_segment(const struct dso *d, const struct dso_seg *s)
{
	uint8_t *p;

	if (!s->filesz || s->filesz > DSO_MAX_SEG_BYTES || s->offset > d->file_size ||
	    s->filesz > d->file_size - s->offset)
		return NULL;
	p = malloc(s->filesz);
	for (uint64_t n = 0; p && n < s->filesz;) {
		ssize_t got = pread(d->fd, p + n, s->filesz - n, (off_t)(s->offset + n));

		if (got <= 0) {
			free(p);
			return NULL;
		}
		n += (uint64_t)got;
	}
	return p;
}

void dso_forget_bytes(struct dso *d)
{
	for (size_t i = 0; !d->image && i < d->n_segs; i++) {
		free((void *)d->segs[i].data);
		d->segs[i].data = NULL;
		d->segs[i].tried = false;
	}
}

const uint8_t *dso_segment(const struct dso *d, struct dso_seg *s)
{
	if (!s->tried) {
		s->tried = true;
		s->data = d->image ? dso_chunk(d, s->offset, s->filesz) : read_segment(d, s);
	}
	return s->data;
}

const uint8_t *dso_bytes(const struct dso *d, uint64_t addr, size_t *avail)
{
	struct dso_seg *s = seg_of_addr(d, addr);

	if (!s || !dso_segment(d, s))
		return NULL;
	*avail = s->filesz - (addr - s->addr);
	return s->data + (addr - s->addr);
}

bool dso_holds(const struct dso *d, uint64_t addr, uint64_t size)
{
	const struct dso_seg *s = seg_of_addr(d, addr);

	return s && size <= s->filesz - (addr - s->addr);
}

bool dso_copy_bytes(const struct dso *d, uint64_t addr, void *to, size_t size)
{
	struct dso_seg *s = seg_of_addr(d, addr);
	uint64_t at = s ? addr - s->addr : 0;

	if (!s || size > s->filesz - at)
		return false;
	if (!d->image && !s->data)
		return pread(d->fd, to, size, (off_t)(s->offset + at)) == (ssize_t)size;
	if (!dso_segment(d, s))
		return false;
	memcpy(to, s->data + at, size);
	return true;
}

bool dso_is_code(const struct dso *d, uint64_t addr)
{
	const struct dso_seg *s = seg_of_addr(d, addr);

	return s && s->flags & PF_X;
}

int dso_addr_to_offset(const struct dso *d, uint64_t addr, uint64_t *out)
{
	const struct dso_seg *s = seg_of_addr(d, addr);

	if (!s)
		return fail(-ERANGE, "%s: address %#llx is not backed by the file", d->path,
			    (unsigned long long)addr);
	*out = s->offset + (addr - s->addr);
	return 0;
}

int dso_offset_to_addr(const struct dso *d, uint64_t offset, uint64_t *out)
{
	for (size_t i = 0; i < d->n_segs; i++) {
		const struct dso_seg *s = &d->segs[i];

		if (offset - s->offset < s->filesz) {
			*out = s->addr + (offset - s->offset);
			return 0;
		}
	}
	return fail(-ERANGE, "%s: file offset %#llx is not loaded into memory", d->path,
		    (unsigned long long)offset);
}

uint64_t dso_base(const struct dso *d)
{
	const struct dso_seg *s = &d->segs[0];

	return (s->addr & ~(uint64_t)(DSO_PAGE - 1)) - (s->offset & ~(uint64_t)(DSO_PAGE - 1));
}
