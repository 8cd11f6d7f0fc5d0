/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reading the memory of the process with process_vm_readv: it is not stopped, and may lie. */
#include "proc/proc.h"

#include <limits.h>
#include <sys/uio.h>

#define BATCH	    1024	 /* UIO_MAXIOV */
#define BATCH_BYTES (256u << 20) /* far below MAX_RW_COUNT, above which the kernel cuts short */

static int read_error(int err)
{
	return err == ESRCH || err == EPERM ? -err : -EFAULT;
}

int proc_read(const struct proc *p, uint64_t addr, void *buf, size_t len)
{
	char *to = buf;

	while (len) {
		size_t part = len < BATCH_BYTES ? len : BATCH_BYTES;
		struct iovec local = {to, part}, remote = {(void *)(uintptr_t)addr, part};
		ssize_t got = process_vm_readv(p->pid, &local, 1, &remote, 1, 0);

		if (got < 0)
			return read_error(errno);
		if (got == 0)
			return -EFAULT;
		to += got;
		addr += (uint64_t)got;
		len -= (size_t)got;
	}
	return 0;
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

/* One system call for v[0 .. n). Returns how many requests are dealt with: the good ones and, when
 * it stopped early, the one that failed. -ESRCH, -EPERM: no use going on. */
static ssize_t read_batch(const struct proc *p, struct proc_req *v, size_t n, size_t *good)
{
	struct iovec local[BATCH], remote[BATCH];
	size_t total = 0, k = 0, done = 0;
	ssize_t got;

	do {
		local[k] = (struct iovec){v[k].buf, v[k].len};
		remote[k] = (struct iovec){(void *)(uintptr_t)v[k].addr, v[k].len};
		total += v[k].len;
		k++;
	} while (k < n && k < BATCH && total + v[k].len <= BATCH_BYTES);
	got = process_vm_readv(p->pid, local, k, remote, k, 0);
	if (got < 0) {
		if (errno == ESRCH || errno == EPERM)
			return -errno;
		got = 0;
	}
	while (done < k && (size_t)got >= v[done].len) {
		got -= (ssize_t)v[done].len;
		v[done].ok = true;
		done++;
	}
	*good += done;
	/* What follows is the request at which the kernel stopped: skipped. */
	return (ssize_t)(done < k ? done + 1 : done);
}

size_t proc_read_many(const struct proc *p, struct proc_req *v, size_t n)
{
	size_t good = 0, at = 0;

	for (size_t i = 0; i < n; i++)
		v[i].ok = false;
	while (at < n) {
		ssize_t step;

		if (v[at].len > BATCH_BYTES) {
			v[at].ok = !proc_read(p, v[at].addr, v[at].buf, v[at].len);
			good += v[at].ok;
			at++;
			continue;
		}
		step = read_batch(p, v + at, n - at, &good);
		if (step < 0)
			break;
		at += (size_t)step;
	}
	return good;
}
