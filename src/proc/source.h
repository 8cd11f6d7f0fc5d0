/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The source that a process that does not run is read from. For this room and saved: the others see
 * proc_read. */
#ifndef PYLEAK_PROC_SOURCE_H
#define PYLEAK_PROC_SOURCE_H

#include "proc/proc.h"

#define SOURCE_MAX_TIDS 65536

struct proc_source {
	/* Up to @len bytes at @addr that lie in one piece: how many were read, 0 = none there,
	 * -EIO = there were some, which the file has not, or not as they were. */
	ssize_t (*read)(struct proc_source *s, uint64_t addr, void *buf, size_t len);
	int (*image)(struct proc_source *s, const struct proc *p, const struct proc_map *m,
		     uint8_t **bytes, size_t *size);
	/* As proc_resident_pages; NULL = not known. */
	int (*pages)(struct proc_source *s, uint64_t start, uint64_t end, uint8_t *out);
	void (*close)(struct proc_source *s);
	VEC(struct proc_resident) rows; /* empty = not known */
	VEC(int) tids;
	struct proc_memory memory;
	bool has_memory;
	uint64_t program_inode;
	uint32_t program_dev;
};

/* Could a process have memory there that it writes to? Who goes through it in steps would never
 * come to the end of what a file claims. */
#define SOURCE_USER_END (1ull << 47)
static inline bool source_row_fits(uint64_t end, bool writable)
{
	return !writable || end <= SOURCE_USER_END;
}

/* All of @len bytes at @at of a file of @size bytes; false when it has them not. */
bool source_piece(int fd, uint64_t size, uint64_t at, void *buf, size_t len);

int source_read(const struct proc *p, uint64_t addr, void *buf, size_t len);

/* The loaded parts of an ELF file put together again from memory; what is missing is zero.
 * -ENOENT without a sentence. */
int source_rebuild_image(const struct proc *p, const struct proc_map *m, uint8_t **bytes,
			 size_t *size);
/* The build id of an ELF image in lower-case hex; "" = none. */
void source_build_id(const uint8_t *elf, size_t size, char out[41]);

#endif
