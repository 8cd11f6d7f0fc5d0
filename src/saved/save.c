/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Saves a process to a file (docs/SNAPSHOT.md): the existing pages of its writable memory, the
 * read-only parts of its ELF files, and the file of CPython, so that none of them is needed where
 * the snapshot is read. The process is not stopped: a page is as it was when it was read.
 */
#include "proc/inside.h"
#include "saved/saved.h"
#include "saved/snapshot_priv.h"

#include <elf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#define LEVEL	 1
#define PAGEMAP	 (64u << 10) /* entries of the pagemap read at once */
#define MAX_TIDS SOURCE_MAX_TIDS

struct saver {
	struct proc *p;
	FILE *f;
	ZSTD_CCtx *zstd;
	struct snap_run run[SNAP_RUNS];
	uint32_t runs;
	VEC(struct snap_run) missing;
	uint8_t *block, *packed;
	size_t used, packed_size;
	struct saved_sums *out;
};

static int broken(void)
{
	return fail(-errno, "the snapshot cannot be written: %s", strerror(errno));
}

static int put(struct saver *s, const void *p, size_t size)
{
	if (size && fwrite(p, size, 1, s->f) != 1)
		return broken();
	s->out->file_bytes += size;
	return 0;
}

static int put_record(struct saver *s, enum snap_type type, const void *data, size_t size)
{
	struct snap_record r = {.type = type, .runs = s->runs, .size = size};
	size_t bound = ZSTD_compressBound(size), stored;
	int err;

	if (bound > s->packed_size) {
		free(s->packed);
		s->packed = malloc(bound);
		s->packed_size = s->packed ? bound : 0;
	}
	if (!s->packed)
		return fail(-ENOMEM, "out of memory");
	stored = ZSTD_compressCCtx(s->zstd, s->packed, s->packed_size, data, size, LEVEL);
	if (ZSTD_isError(stored))
		return fail(-ENOMEM, "zstd: %s", ZSTD_getErrorName(stored));
	r.stored = stored;
	r.hash = snap_hash(s->packed, stored);
	r.head_hash = snap_record_hash(&r, s->run);
	err = put(s, &r, sizeof(r));
	if (!err)
		err = put(s, s->run, s->runs * sizeof(*s->run));
	if (!err)
		err = put(s, s->packed, stored);
	s->runs = 0;
	return err;
}

static int put_head(struct saver *s)
{
	struct snap_head h = {.magic = SNAP_MAGIC, .version = SNAP_VERSION, .page = SNAP_PAGE};

	h.hash = snap_hash(&h, offsetof(struct snap_head, hash));
	return put(s, &h, sizeof(h));
}

/* Writes a name, in which a newline would end the line. */
static void put_name(FILE *f, const char *s)
{
	for (; *s; s++)
		if (*s == '\n')
			fputs("\\012", f);
		else
			fputc(*s, f);
}

static int put_text(struct saver *s, enum snap_type type, FILE *text, char **buf,
		    const size_t *size)
{
	int err = ferror(text) ? -ENOMEM : 0;

	if (fclose(text) || err)
		err = fail(-ENOMEM, "out of memory");
	if (!err && *size > SNAP_TEXT)
		err = fail(-E2BIG,
			   "the names of the files that are mapped take more than %u MiB: no "
			   "snapshot has room for them",
			   SNAP_TEXT >> 20);
	if (!err)
		err = put_record(s, type, *buf, *size);
	free(*buf);
	*buf = NULL;
	return err;
}

static int put_process(struct saver *s)
{
	auto_free int *tids = calloc(MAX_TIDS, sizeof(*tids));
	size_t n = tids ? proc_tids(s->p, tids, MAX_TIDS) : 0, size = 0;
	const struct proc *p = s->p;
	struct proc_memory mem;
	char *buf = NULL;
	FILE *f = open_memstream(&buf, &size);

	if (!f)
		return fail(-ENOMEM, "out of memory");
	fprintf(f, "pid %d\nns_pid %d\nppid %d\ncomm ", p->pid, p->ns_pid, p->ppid);
	put_name(f, p->comm);
	fprintf(f, "\nstart_ticks %" PRIu64 "\n", p->start_ticks);
	for (size_t i = 0; i < p->n_maps; i++) {
		if (!proc_is_program(p, &p->maps[i]))
			continue;
		fprintf(f, "program %u %" PRIu64 "\n", p->maps[i].dev, p->maps[i].inode);
		break;
	}
	if (!proc_memory(p, &mem))
		fprintf(f,
			"memory %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %u\n",
			mem.rss_bytes, mem.anon_bytes, mem.file_bytes, mem.shmem_bytes,
			mem.swap_bytes, mem.threads);
	for (size_t i = 0; i < n; i++)
		fprintf(f, "tid %d\n", tids[i]);
	return put_text(s, SNAP_PROCESS, f, &buf, &size);
}

static int put_cmdline(struct saver *s)
{
	size_t size = 0;
	char *buf = NULL;
	FILE *f = open_memstream(&buf, &size);

	if (!f)
		return fail(-ENOMEM, "out of memory");
	for (size_t i = 0; s->p->cmdline && s->p->cmdline[i]; i++)
		fwrite(s->p->cmdline[i], strlen(s->p->cmdline[i]) + 1, 1, f);
	return put_text(s, SNAP_CMDLINE, f, &buf, &size);
}

static int put_maps(struct saver *s)
{
	size_t size = 0;
	char *buf = NULL;
	FILE *f = open_memstream(&buf, &size);

	if (!f)
		return fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < s->p->n_maps && ftello(f) <= SNAP_TEXT; i++) {
		const struct proc_map *m = &s->p->maps[i];

		fprintf(f, "%" PRIx64 "-%" PRIx64 " %c%c%cp %" PRIx64 " %x:%x %" PRIu64 " ",
			m->start, m->end, m->readable ? 'r' : '-', m->writable ? 'w' : '-',
			m->executable ? 'x' : '-', m->offset, m->dev >> 20, m->dev & 0xfffff,
			m->inode);
		put_name(f, m->path);
		fputs(m->deleted ? " (deleted)\n" : "\n", f);
	}
	return put_text(s, SNAP_MAPS, f, &buf, &size);
}

static int put_resident(struct saver *s)
{
	auto_free struct proc_resident *v = NULL;
	size_t n;

	/* a core file does not have it, and the record is left out */
	if (proc_resident_rows(s->p, &v, &n))
		return 0;
	return put_record(s, SNAP_RESIDENT, v, n * sizeof(*v));
}

/* Zeroes the sections for debuggers, which are of no use here and often most of the file. */
static void drop_debug(uint8_t *elf, size_t size)
{
	Elf64_Ehdr eh;
	Elf64_Shdr names, sh;

	if (size < sizeof(eh))
		return;
	memcpy(&eh, elf, sizeof(eh));
	if (eh.e_shentsize != sizeof(sh) || eh.e_shoff > size || eh.e_shstrndx >= eh.e_shnum ||
	    eh.e_shnum * sizeof(sh) > size - eh.e_shoff)
		return;
	memcpy(&names, elf + eh.e_shoff + eh.e_shstrndx * sizeof(sh), sizeof(names));
	if (names.sh_offset > size || names.sh_size > size - names.sh_offset)
		return;
	for (size_t i = 0; i < eh.e_shnum; i++) {
		memcpy(&sh, elf + eh.e_shoff + i * sizeof(sh), sizeof(sh));
		if (sh.sh_type != SHT_PROGBITS || sh.sh_flags & SHF_ALLOC ||
		    sh.sh_name + 7ull > names.sh_size ||
		    memcmp(elf + names.sh_offset + sh.sh_name, ".debug_", 7) != 0 ||
		    sh.sh_offset > size || sh.sh_size > size - sh.sh_offset)
			continue;
		memset(elf + sh.sh_offset, 0, sh.sh_size);
	}
}

static int put_elf(struct saver *s, const struct proc_map *m)
{
	size_t name = strlen(m->path) + 1, size = 0;
	auto_free uint8_t *elf = NULL, *both = NULL;
	auto_close int fd = -1;
	int err;

	if (proc_is_live(s->p)) {
		err = proc_map_open(s->p, m, &fd);
		if (!err)
			err = proc_slurp_fd(fd, SNAP_FILE, &elf, &size);
	} else {
		err = proc_map_image(s->p, m, &elf, &size);
	}
	if (err)
		return fail(err, "%s cannot be read: the snapshot could not be used elsewhere",
			    m->path);
	drop_debug(elf, size);
	both = malloc(name + size);
	if (!both)
		return fail(-ENOMEM, "out of memory");
	memcpy(both, m->path, name);
	memcpy(both + name, elf, size);
	return put_record(s, SNAP_ELF, both, name + size);
}

static int flush(struct saver *s)
{
	size_t used = s->used;

	s->used = 0;
	return used ? put_record(s, SNAP_MEMORY, s->block, used) : 0;
}

static int tell(const struct saver *s)
{
	return s->out->watch ? s->out->watch(s->out->watch_ctx, s->out->memory_bytes) : 0;
}

/* Adds one page, whose bytes are in s->block at s->used. */
static int add_page(struct saver *s, uint64_t addr)
{
	struct snap_run *last = s->runs ? &s->run[s->runs - 1] : NULL;
	int err = 0;

	if (last && last->addr + last->bytes == addr)
		last->bytes += SNAP_PAGE;
	else
		s->run[s->runs++] = (struct snap_run){addr, SNAP_PAGE};
	s->used += SNAP_PAGE;
	s->out->memory_bytes += SNAP_PAGE;
	if (s->used == SNAP_BLOCK)
		err = tell(s);
	return err || s->used < SNAP_BLOCK ? err : flush(s);
}

static int is_missing(struct saver *s, uint64_t addr, uint64_t bytes)
{
	struct snap_run *r = s->missing.n ? &s->missing.v[s->missing.n - 1] : NULL;

	s->out->unreadable_bytes += bytes;
	if (!r || r->addr + r->bytes != addr) {
		r = vec_push(&s->missing);
		if (!r)
			return fail(-ENOMEM, "out of memory");
		*r = (struct snap_run){addr, 0};
	}
	r->bytes += bytes;
	return tell(s);
}

/* Writes the last block, and the runs that could not be read. */
static int put_rest(struct saver *s)
{
	int err = flush(s);

	for (size_t i = 0; i < s->missing.n && !err; i += SNAP_RUNS) {
		s->runs = s->missing.n - i < SNAP_RUNS ? (uint32_t)(s->missing.n - i) : SNAP_RUNS;
		memcpy(s->run, s->missing.v + i, s->runs * sizeof(*s->run));
		err = put_record(s, SNAP_MISSING, "", 0);
	}
	return err;
}

/* Saves the pages [addr, end), all of which exist: from the process, or from file @fd at @offset if
 * @fd is not -1. */
static int save_pages(struct saver *s, uint64_t addr, uint64_t end, int fd, uint64_t offset)
{
	while (addr < end) {
		uint64_t n = SNAP_BLOCK - s->used, page;
		uint8_t *to = s->block + s->used;
		int err = 0;

		if (n > end - addr)
			n = end - addr;
		if (fd >= 0) {
			memset(to, 0, n);
			if (pread(fd, to, n, (off_t)offset) < 0)
				err = -EFAULT;
		} else {
			err = proc_read(s->p, addr, to, n);
		}
		if (err == -ESRCH)
			return fail(err, "process %d ended before all of it was saved", s->p->pid);
		/* some page is gone: take the pages one by one */
		if (err && n > SNAP_PAGE) {
			err = 0;
			for (page = 0; page < n && !err; page += SNAP_PAGE)
				err = save_pages(s, addr + page, addr + page + SNAP_PAGE, fd,
						 offset + page);
		} else if (err) {
			err = is_missing(s, addr, n);
		} else {
			/* add_page() empties the block when it is full: behind its last page */
			for (page = 0; page < n && !err; page += SNAP_PAGE)
				err = add_page(s, addr + page);
		}
		if (err)
			return err;
		addr += n;
		offset += n;
	}
	return 0;
}

/* As proc_page_entries(); pages of which nothing is known count as existing. */
static uint64_t entries_at(const struct saver *s, uint64_t at, uint64_t n, uint64_t *entry)
{
	auto_free uint8_t *there = proc_is_live(s->p) ? NULL : malloc(n);
	ssize_t got;

	if (there && !proc_resident_pages(s->p, at, at + n * SNAP_PAGE, there)) {
		for (uint64_t i = 0; i < n; i++)
			entry[i] = there[i] ? PM_PRESENT : 0;
		return n;
	}
	got = proc_page_entries(s->p, at / SNAP_PAGE, n, entry);
	if (got >= 0)
		return (uint64_t)got;
	memset(entry, 0xff, n * sizeof(*entry));
	return n;
}

/* Saves those pages of a row that exist: to read the others would make them. */
static int save_present(struct saver *s, const struct proc_map *m)
{
	auto_free uint64_t *entry = malloc(PAGEMAP * sizeof(*entry));
	uint64_t first = 0;
	int err = 0;

	if (!entry)
		return fail(-ENOMEM, "out of memory");
	for (uint64_t at = m->start; at < m->end && !err;) {
		uint64_t n = (m->end - at) / SNAP_PAGE;

		n = entries_at(s, at, n < PAGEMAP ? n : PAGEMAP, entry);
		if (!n)
			break;
		for (uint64_t i = 0; i < n && !err; i++) {
			bool there = (entry[i] & (PM_PRESENT | PM_SWAPPED)) != 0;
			uint64_t page = at + i * SNAP_PAGE;

			if (there && !first)
				first = page;
			if (!there && first) {
				err = save_pages(s, first, page, -1, 0);
				first = 0;
			}
		}
		at += n * SNAP_PAGE;
		if (first && !err) {
			err = save_pages(s, first, at, -1, 0);
			first = 0;
		}
	}
	return err;
}

/* Is it anonymous memory, under whatever name huge pages and shared memory have? */
static bool is_anonymous(const struct proc_map *m)
{
	return !m->inode || !strncmp(m->path, "/anon_hugepage", 14) ||
	       !strncmp(m->path, "/dev/zero", 9);
}

static bool is_elf(int fd)
{
	char magic[4];

	return pread(fd, magic, sizeof(magic), 0) == sizeof(magic) &&
	       !memcmp(magic, ELFMAG, SELFMAG);
}

/* Saves a row of a file. Code is left out, because only CPython's is ever looked at, and its file
 * is saved whole; but a file whose first row is executable has its constants there too. */
static int save_file_row(struct saver *s, const struct proc_map *m)
{
	auto_close int fd = -1;

	if (m->executable && m->offset)
		return 0;
	if (!proc_is_live(s->p))
		return save_present(s, m);
	/* mapped data is left out and not even opened: its storage may never answer */
	if (m->shared || !proc_map_has_code(s->p, m))
		return 0;
	if (proc_map_open(s->p, m, &fd))
		return save_present(s, m);
	if (!is_elf(fd))
		return 0;
	/* pages that are as in the file count as absent, but belong to it all the same */
	return m->writable ? save_pages(s, m->start, m->end, -1, 0)
			   : save_pages(s, m->start, m->end, fd, m->offset);
}

static int save_row(struct saver *s, const struct proc_map *m)
{
	static const char *const special[] = {"[vvar", "[vdso", "[vsyscall", "[uprobes"};

	if (!m->readable)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(special); i++)
		if (!strncmp(m->path, special[i], strlen(special[i])))
			return 0;
	return is_anonymous(m) ? save_present(s, m) : save_file_row(s, m);
}

static int save_all(struct saver *s, const struct proc_map *const *image, size_t n)
{
	int k, err = put_head(s);
	char text[128];

	if (!err)
		err = put_process(s);
	if (!err)
		err = put_cmdline(s);
	if (!err)
		err = put_maps(s);
	if (!err)
		err = put_resident(s);
	for (size_t i = 0; i < n && !err; i++)
		err = put_elf(s, image[i]);
	for (size_t i = 0; i < s->p->n_maps && !err; i++)
		err = save_row(s, &s->p->maps[i]);
	if (!err)
		err = put_rest(s);
	if (err)
		return err;
	k = snprintf(text, sizeof(text), "memory_bytes %" PRIu64 "\nunreadable_bytes %" PRIu64 "\n",
		     s->out->memory_bytes, s->out->unreadable_bytes);
	return put_record(s, SNAP_END, text, (size_t)k);
}

static int open_all(struct saver *s)
{
	s->zstd = ZSTD_createCCtx();
	s->block = malloc(SNAP_BLOCK);
	return s->zstd && s->block ? 0 : fail(-ENOMEM, "out of memory");
}

static int close_all(struct saver *s, int err)
{
	if (!err && fflush(s->f))
		err = broken();
	ZSTD_freeCCtx(s->zstd);
	free(s->block);
	free(s->packed);
	vec_free(&s->missing);
	return err;
}

int saved_write(struct proc *p, FILE *f, const struct proc_map *const *image, size_t n,
		struct saved_sums *out)
{
	struct saver s = {.p = p, .f = f, .out = out};
	int err;

	out->memory_bytes = out->file_bytes = out->unreadable_bytes = 0;
	err = open_all(&s);
	if (!err)
		err = save_all(&s, image, n);
	err = close_all(&s, err);
	/* memory that was read of a dying process is not its heap */
	if (!err && proc_is_live(p) && !proc_alive(p))
		err = fail(-ESRCH, "process %d ended before all of it was saved", p->pid);
	return err;
}
