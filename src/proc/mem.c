/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reading the memory of the process: it is not stopped, and may lie. Through /proc/PID/mem and not
 * process_vm_readv: the latter pins the pages it reads, and a pinned page that a fork still shares
 * is first copied (gup_must_unshare, Linux 5.19+). A look at a pre-forked worker would undo all
 * that its fork saved: measured 64 MiB of copies for 64 MiB read, against none.
 */
#include "base/reading.h"
#include "proc/source_priv.h"

#include <sys/uio.h>
#include <unistd.h>

#define PART (256u << 20) /* far below MAX_RW_COUNT, above which the kernel cuts short */

static int read_error(int err)
{
	return err == ESRCH || err == EPERM ? -err : -EFAULT;
}

/* Where /proc/PID/mem cannot be opened. */
static ssize_t read_part(const struct proc *p, uint64_t addr, void *buf, size_t len)
{
	struct iovec local = {buf, len}, remote = {(void *)(uintptr_t)addr, len};
	int slot = reading_begin();
	ssize_t got;

	if (slot < 0)
		return errno = -slot, -1;
	got = p->mem ? pread(p->mem - 1, buf, len, (off_t)addr)
		     : process_vm_readv(p->pid, &local, 1, &remote, 1, 0);
	reading_end(slot);
	return got;
}

int proc_read(const struct proc *p, uint64_t addr, void *buf, size_t len)
{
	char *to = buf;

	if (p->source)
		return source_read(p, addr, buf, len);
	while (len) {
		size_t part = len < PART ? len : PART;
		ssize_t got = read_part(p, addr, to, part);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return read_error(errno);
		/* Nothing, and no error: the memory is gone with an exec or the process. */
		if (got == 0)
			return p->mem ? -ESRCH : -EFAULT;
		to += got;
		addr += (uint64_t)got;
		len -= (size_t)got;
	}
	return 0;
}

bool proc_memory_gone(const struct proc *p)
{
	char byte;

	return proc_read(p, 0, &byte, 1) == -ESRCH;
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

size_t proc_read_many(const struct proc *p, struct proc_req *v, size_t n)
{
	size_t good = 0;
	int err = 0;

	for (size_t i = 0; i < n; i++) {
		if (err != -ESRCH && err != -EPERM)
			err = proc_read(p, v[i].addr, v[i].buf, v[i].len);
		v[i].ok = !err;
		good += !err;
	}
	return good;
}
