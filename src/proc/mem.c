/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reading the memory of the process: it is not stopped, and may lie. Through /proc/PID/mem and not
 * process_vm_readv: the latter pins the pages it reads, and a pinned page that a fork still shares
 * is first copied (gup_must_unshare, Linux 5.19+). A look at a pre-forked worker would undo all
 * that its fork saved: measured 64 MiB of copies for 64 MiB read, against none.
 */
#include "proc/reader_priv.h"
#include "proc/source.h"

/* A page that is not to be read. */
static int refuse(struct account *a, enum reader_page what)
{
	_Atomic uint64_t *n = what == READER_SWAPPED	 ? &a->swapped
			      : what == READER_HELD_BACK ? &a->held_back
							 : &a->absent;

	atomic_fetch_add_explicit(n, 1, memory_order_relaxed);
	return n == &a->absent ? -EFAULT : -ENODATA;
}

static int read_memory(const struct proc *p, uint64_t addr, char *to, size_t len)
{
	while (len) {
		ssize_t got = reader_read_memory(p, addr, to, len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EAGAIN)
			return refuse(p->reader->account, READER_HELD_BACK);
		if (got < 0)
			return errno == ESRCH || errno == EPERM ? -errno : -EFAULT;
		/* Nothing, and no error: the memory is gone with an exec or the process. */
		if (got == 0)
			return -ESRCH;
		to += got;
		addr += (uint64_t)got;
		len -= (size_t)got;
	}
	return 0;
}

/* @len bytes of pages that are all the same. */
static int read_run(const struct proc *p, enum reader_page what, uint64_t addr, char *to,
		    size_t len, bool sparse)
{
	if (what == READER_MEMORY)
		return read_memory(p, addr, to, len);
	if (what == READER_FILE)
		return reader_read_file(p, addr, to, len);
	if (what != READER_ZEROS && !(what == READER_ABSENT && sparse))
		return refuse(p->reader->account, what);
	memset(to, 0, len);
	return 0;
}

static int read_live(const struct proc *p, uint64_t addr, char *to, size_t len, bool sparse)
{
	uint8_t what[READER_PAGES];

	if (!p->reader)
		return -EPERM;
	while (len) {
		uint64_t page = addr / READER_PAGE;
		ssize_t n =
			reader_ask(p, page, (addr % READER_PAGE + len - 1) / READER_PAGE + 1, what);

		if (n < 0)
			return (int)n;
		for (ssize_t i = 0, k; i < n; i = k) {
			size_t part;
			int err;

			for (k = i + 1; k < n && what[k] == what[i];)
				k++;
			part = (size_t)((page + (uint64_t)k) * READER_PAGE - addr);
			part = part < len ? part : len;
			err = read_run(p, what[i], addr, to, part, sparse);
			if (err)
				return err;
			to += part;
			addr += part;
			len -= part;
		}
	}
	return 0;
}

/* The zeroed data of a program or library: the kernel maps it right behind the rest. */
static bool is_zeroed_data(const struct proc *p, uint64_t addr)
{
	const struct proc_map *m = proc_find_map(p, addr);

	return m && m > p->maps && !m->inode && !*m->path && m[-1].inode && m[-1].writable &&
	       m[-1].end == m->start;
}

/* Memory that was never touched is not in the file. */
static int read_saved(const struct proc *p, uint64_t addr, char *to, size_t len, bool sparse)
{
	if (!source_read(p, addr, to, len))
		return 0;
	for (size_t part; len; addr += part, to += part, len -= part) {
		int err;

		part = (size_t)(READER_PAGE - addr % READER_PAGE);
		part = part < len ? part : len;
		err = source_read(p, addr, to, part);
		if (err && (err != -EFAULT || (!sparse && !is_zeroed_data(p, addr))))
			return -EFAULT;
		if (err)
			memset(to, 0, part);
	}
	return 0;
}

static int read_any(const struct proc *p, uint64_t addr, void *buf, size_t len, bool sparse)
{
	if (len > UINT64_MAX - addr)
		return -EFAULT;
	return p->source ? read_saved(p, addr, buf, len, sparse)
			 : read_live(p, addr, buf, len, sparse);
}

int proc_read(const struct proc *p, uint64_t addr, void *buf, size_t len)
{
	return read_any(p, addr, buf, len, false);
}

int proc_read_sparse(const struct proc *p, uint64_t addr, void *buf, size_t len)
{
	return read_any(p, addr, buf, len, true);
}

bool proc_read_patchy(const struct proc *p, uint64_t addr, void *buf, size_t len)
{
	bool any = false;
	char *to = buf;

	if (!proc_read_sparse(p, addr, buf, len))
		return true;
	for (size_t part; len; addr += part, to += part, len -= part) {
		part = (size_t)(READER_PAGE - addr % READER_PAGE);
		part = part < len ? part : len;
		if (proc_read_sparse(p, addr, to, part))
			memset(to, 0, part);
		else
			any = true;
	}
	return any;
}

void proc_reads(const struct proc *p, struct proc_reads *out)
{
	const struct account *a = p->reader ? p->reader->account : NULL;

	memset(out, 0, sizeof(*out));
	if (a)
		*out = (struct proc_reads){
			.bytes = a->bytes,
			.bytes_per_s = a->last_second_bytes,
			.absent = a->absent,
			.swapped = a->swapped,
			.held_back = a->held_back,
			.faults = a->faults,
		};
}

bool proc_memory_gone(const struct proc *p)
{
	return p->reader && reader_is_gone(p);
}

/* An exec is the end of the memory that was opened; of a process that goes on living it is the only
 * one. */
bool proc_execed(const struct proc *p)
{
	return !p->source && proc_memory_gone(p) && proc_alive(p);
}

int proc_read_u64(const struct proc *p, uint64_t addr, uint64_t *out)
{
	return proc_read(p, addr, out, sizeof(*out));
}

int proc_read_u32(const struct proc *p, uint64_t addr, uint32_t *out)
{
	return proc_read(p, addr, out, sizeof(*out));
}

int proc_read_cstr(const struct proc *p, uint64_t addr, char *buf, size_t size)
{
	size_t n = 0;

	if (!size)
		return -EFAULT;
	buf[0] = '\0';
	while (n < size - 1) {
		/* Never across a page border: the next page may be missing. */
		size_t part = 4096 - (size_t)((addr + n) & 4095);
		int err;

		if (part > 64)
			part = 64;
		if (part > size - 1 - n)
			part = size - 1 - n;
		err = proc_read(p, addr + n, buf + n, part);
		if (err) {
			buf[n] = '\0';
			return err;
		}
		if (memchr(buf + n, 0, part))
			return 0;
		n += part;
	}
	buf[n] = '\0';
	return 0;
}
