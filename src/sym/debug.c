/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Finds separate debug files by build id, else by the name and checksum of .gnu_debuglink. This
 * file looks in the process's own root; it copies what it finds there, because the process could
 * shrink a file while it is mapped. If there is none, file.c asks libdw, which looks where this
 * host keeps them, and then servers.c.
 */
#include "proc/gate.h"
#include "sym/sym_priv.h"

#include <fcntl.h>
#include <lzma.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

/* Does libdw read this section? It goes by names, whatever type a section has, and looks for the
 * build id in notes. */
static bool is_read(const GElf_Shdr *sh, const char *name)
{
	if (sh->sh_type == SHT_NOBITS)
		return false;
	return !strncmp(name, ".debug", 6) || !strncmp(name, ".gnu", 4) ||
	       sh->sh_type == SHT_NOTE || sh->sh_flags & SHF_COMPRESSED ||
	       (sh->sh_type == SHT_PROGBITS && !(sh->sh_flags & SHF_ALLOC));
}

bool sym_debug_too_large(const struct dso *d, uint64_t max)
{
	Elf *elf = dso_elf(d);
	Elf_Scn *scn = NULL;
	uint64_t sum = 0;
	size_t names;

	if (elf_getshdrstrndx(elf, &names))
		return true;
	while ((scn = elf_nextscn(elf, scn))) {
		const char *name;
		GElf_Shdr sh;
		GElf_Chdr ch;

		if (!gelf_getshdr(scn, &sh))
			continue;
		name = elf_strptr(elf, names, sh.sh_name);
		/* an old way of compressing, in which no header has the size */
		if (name && !strncmp(name, ".zdebug", 7))
			return true;
		if (!is_read(&sh, name ? name : ""))
			continue;
		if (sh.sh_size > max || (sum += sh.sh_size) > max)
			return true;
		/* a compressed section states its size, and few bytes can become gigabytes */
		if (sh.sh_flags & SHF_COMPRESSED && gelf_getchdr(scn, &ch) &&
		    (ch.ch_size > max || (sum += ch.ch_size) > max))
			return true;
	}
	return false;
}

static int copy_file(int from)
{
	struct stat st;
	int to;

	if (fstat(from, &st) || !S_ISREG(st.st_mode) || st.st_size > SYM_DEBUG_MAX)
		return -1;
	to = memfd_create("pyleak-debug", MFD_CLOEXEC);
	for (off_t left = st.st_size; to >= 0 && left > 0;) {
		ssize_t n = sendfile(to, from, NULL, (size_t)left);

		if (n <= 0) {
			close(to);
			return -1;
		}
		left -= n;
	}
	return to;
}

static bool same_build(const struct dso *d, const char *id)
{
	return !strcmp(dso_build_id(d), id);
}

static bool same_sum(int fd, uint32_t want)
{
	uint8_t buf[16384];
	uint32_t sum = 0;
	ssize_t n;

	for (off_t at = 0; (n = pread(fd, buf, sizeof(buf), at)) > 0; at += n)
		sum = lzma_crc32(buf, (size_t)n, sum);
	return !n && sum == want;
}

/* Returns a descriptor of a copy of @path in memory, -1: none. Its build id must be @id and its
 * checksum @sum, where these are not NULL. */
static int take_copy(const struct sym_file *f, const char *path, const char *id,
		     const uint32_t *sum)
{
	int from, to, copy;
	struct dso *d;
	bool right;

	if (proc_open_named(f->proc, path, SYM_DEBUG_MAX, &from))
		return -1;
	to = copy_file(from);
	close(from);
	copy = to < 0 ? -1 : fcntl(to, F_DUPFD_CLOEXEC, 3);
	if (copy < 0 || dso_open_fd(copy, path, DSO_CODE, &d)) {
		close_fd(&to);
		return -1;
	}
	right = (!id || same_build(d, id)) && (!sum || same_sum(to, *sum)) &&
		!sym_debug_too_large(d, SYM_DEBUG_MAX);
	dso_close(d);
	if (right)
		return to;
	close(to);
	return -1;
}

static int by_build_id(const struct sym_file *f, const char *id)
{
	char path[512];

	snprintf(path, sizeof(path), "/usr/lib/debug/.build-id/%.2s/%s.debug", id, id + 2);
	return take_copy(f, path, id, NULL);
}

/* Looks where gdb does: beside the file, in .debug there, and below /usr/lib/debug. */
static int by_link(const struct sym_file *f, const char *link, uint32_t sum)
{
	static const char *const where[][2] = {
		{"", "/"}, {"", "/.debug/"}, {"/usr/lib/debug", "/"}};
	const char *slash = strrchr(f->path, '/');
	char path[4096];

	if (!slash || !*link || strchr(link, '/'))
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(where); i++) {
		int n = snprintf(path, sizeof(path), "%s%.*s%s%s", where[i][0],
				 (int)(slash - f->path), f->path, where[i][1], link);
		int fd = n < (int)sizeof(path) ? take_copy(f, path, NULL, &sum) : -1;

		if (fd >= 0)
			return fd;
	}
	return -1;
}

int sym_debug_find(const struct sym_file *f, const char *link, uint32_t sum)
{
	const char *id = dso_build_id(f->dso);
	int fd = strlen(id) < 4 ? -1 : by_build_id(f, id);

	return fd < 0 && link ? by_link(f, link, sum) : fd;
}

int sym_debug_shared(const struct sym_file *f, const char *name)
{
	return *name == '/' ? take_copy(f, name, NULL, NULL) : -1;
}
