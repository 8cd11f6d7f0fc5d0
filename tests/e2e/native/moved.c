/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Loaded before a program, it moves most of the program's code to memory that is no file's, as those do that want theirs on huge
 * pages: BOLT's -hugify, iodlr. With MOVED_TO_MEMFD to memory that has an inode, as huge pages have. */
#define _GNU_SOURCE
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096ul

static int move(struct dl_phdr_info *program, size_t size, void *ctx)
{
	(void)size, (void)ctx;
	for (int i = 0; i < program->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &program->dlpi_phdr[i];
		char *from = (char *)((program->dlpi_addr + p->p_vaddr) & -PAGE) + PAGE, *copy;
		size_t n = p->p_memsz & -PAGE;

		if (p->p_type != PT_LOAD || !(p->p_flags & PF_X) || n < 4 * PAGE)
			continue;
		n -= 2 * PAGE;
		if (getenv("MOVED_TO_MEMFD")) {
			int fd = memfd_create("code", 0);

			if (ftruncate(fd, n))
				abort();
			copy = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
			close(fd);
		} else {
			copy = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		}
		memcpy(copy, from, n);
		mprotect(copy, n, PROT_READ | PROT_EXEC);
		mremap(copy, n, n, MREMAP_MAYMOVE | MREMAP_FIXED, from);
	}
	return 1; /* the libraries stay */
}

__attribute__((constructor)) static void begin(void)
{
	dl_iterate_phdr(move, NULL);
}
