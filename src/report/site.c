/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What makes two sites the same, and which one a person should look at first. */
#include "base/thresholds.h"
#include "report/report.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <xxhash.h>

/* Each field is hashed with the hash of what came before as the seed, and the length of a field is
 * part of its hash, so that ("ab", "c") and ("a", "bc") differ. */
static uint64_t add_string(uint64_t h, const char *s)
{
	return XXH64(s ? s : "", s ? strlen(s) : 0, h);
}

static uint64_t add_u64(uint64_t h, uint64_t v)
{
	uint8_t b[8];

	/* The same id on hosts of either byte order. */
	for (size_t i = 0; i < sizeof(b); i++)
		b[i] = (uint8_t)(v >> (8 * i));
	return XXH64(b, sizeof(b), h);
}

static uint64_t add_native(uint64_t h, const struct report_frame *f)
{
	h = add_string(h, f->module);
	h = add_string(h, f->function);
	/* An offset in a file, not an address: equal wherever the same build runs. */
	return add_u64(h, f->function ? 0 : f->offset);
}

static uint64_t add_python(uint64_t h, const struct report_frame *f)
{
	h = add_string(h, f->function);
	h = add_string(h, f->file);
	return add_u64(h, (uint64_t)(int64_t)f->line);
}

void report_site_id(const struct report_frame *stack, size_t n, enum report_kind kind, char out[17])
{
	size_t python = 0;
	uint64_t h = kind == KIND_OBJECT ? 0 : add_u64(0, kind);

	for (size_t i = 0; i < n; i++) {
		if (stack[i].native)
			continue;
		h = add_python(h, &stack[i]);
		python++;
	}
	/* A thread without Python frames: all of them must not become one site. */
	for (size_t i = 0; i < n && python == 0; i++)
		h = add_native(h, &stack[i]);
	snprintf(out, 17, "%016" PRIx64, h);
}

/* Larger first; what is not known comes last. */
static int descending(double a, double b)
{
	if (isnan(a) || isnan(b))
		return isnan(a) - isnan(b);
	return (a < b) - (a > b);
}

static double bytes_per_s(const struct report_site *s)
{
	if (s->kind == KIND_FD)
		return s->growth_count_per_s * ORDER_FD_BYTES;
	if (s->kind == KIND_THREAD)
		return s->growth_count_per_s * ORDER_THREAD_BYTES;
	return s->growth_bytes_per_s;
}

double report_expected_loss(const struct report_site *s)
{
	double sure = isnan(s->confidence) ? 1 : s->confidence;

	if (s->verdict > CLASS_GROWING)
		return 0;
	if (s->verdict == CLASS_GROWING)
		sure *= s->is_bounded ? ORDER_BOUNDED : ORDER_GROWING;
	return bytes_per_s(s) * sure;
}

/* What grows before what does not. */
static int class_group(const struct report_site *s)
{
	return s->verdict <= CLASS_GROWING ? 0 : (int)s->verdict;
}

static int compare_sites(const void *pa, const void *pb)
{
	const struct report_site *a = pa, *b = pb;
	int c = class_group(a) - class_group(b);

	if (c == 0)
		c = descending(report_expected_loss(a), report_expected_loss(b));
	if (c == 0)
		c = descending(a->growth_bytes_per_s, b->growth_bytes_per_s);
	if (c == 0)
		c = descending(a->outstanding_bytes, b->outstanding_bytes);
	if (c == 0)
		c = strcmp(a->id, b->id);
	if (c == 0)
		c = (a->kind > b->kind) - (a->kind < b->kind);
	return c;
}

void report_sort(struct report_process *p)
{
	if (p->n_sites > 1)
		qsort(p->sites, p->n_sites, sizeof(*p->sites), compare_sites);
}
