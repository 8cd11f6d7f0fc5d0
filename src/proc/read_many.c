/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Many small reads. Objects that were made together lie together: what is close by in one page is
 * read by one call, which costs more than the bytes do. */
#include <stdlib.h>

#include "proc/proc.h"

#define PAGE  4096u
#define CLOSE 512u /* bytes between two that are read for nothing */
#define BATCH 128u

static int by_address(const void *a, const void *b)
{
	const struct proc_req *const *x = a, *const *y = b;

	return ((*x)->addr > (*y)->addr) - ((*x)->addr < (*y)->addr);
}

static bool is_in_one_page(const struct proc_req *r)
{
	return r->len <= PAGE && r->addr % PAGE + r->len <= PAGE;
}

/* How many of the requests, the first one included, one read of @len bytes has. */
static size_t find_run(struct proc_req *const *v, size_t n, size_t *len)
{
	uint64_t from = v[0]->addr, end = from + v[0]->len;
	size_t k = 1;

	while (k < n && is_in_one_page(v[0]) && is_in_one_page(v[k]) &&
	       v[k]->addr / PAGE == from / PAGE && v[k]->addr <= end + CLOSE) {
		uint64_t last = v[k]->addr + v[k]->len;

		end = last > end ? last : end;
		k++;
	}
	*len = (size_t)(end - from);
	return k;
}

static int read_one(const struct proc *p, struct proc_req *r, int err)
{
	if (err != -ESRCH && err != -EPERM)
		err = proc_read(p, r->addr, r->buf, r->len);
	r->ok = !err;
	r->swapped = err == -ENODATA;
	return err;
}

/* Together, or each by itself where that fails. @err: of what was read before. */
static int read_run(const struct proc *p, struct proc_req **v, size_t n, size_t len, int err)
{
	char text[PAGE];
	uint64_t from = v[0]->addr;

	if (n == 1 || err == -ESRCH || err == -EPERM || proc_read(p, from, text, len)) {
		for (size_t i = 0; i < n; i++)
			err = read_one(p, v[i], err);
		return err;
	}
	for (size_t i = 0; i < n; i++) {
		memcpy(v[i]->buf, text + (v[i]->addr - from), v[i]->len);
		v[i]->ok = true;
		v[i]->swapped = false;
	}
	return 0;
}

size_t proc_read_many(const struct proc *p, struct proc_req *v, size_t n)
{
	struct proc_req *order[BATCH] = {0};
	size_t good = 0;
	int err = 0;

	for (size_t at = 0, m; at < n; at += m) {
		m = n - at < BATCH ? n - at : BATCH;
		bool is_sorted = true;

		for (size_t i = 0; i < m; i++) {
			order[i] = &v[at + i];
			is_sorted = is_sorted && (!i || order[i - 1]->addr <= order[i]->addr);
		}
		if (!is_sorted)
			qsort(order, m, sizeof(void *), by_address);
		for (size_t i = 0, k, len; i < m; i += k) {
			k = find_run(order + i, m - i, &len);
			err = read_run(p, order + i, k, len, err);
		}
	}
	for (size_t i = 0; i < n; i++)
		good += v[i].ok;
	return good;
}
