/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Compares sites: which two are the same, and which one a person should look at first. */
#include "base/map64.h"
#include "base/thresholds.h"
#include "report/place.h"
#include "report/report.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

/* Hashes a field, with the hash of what came before as the seed. A field's length is part of its
 * hash, so that ("ab", "c") and ("a", "bc") differ. */
static uint64_t add_string(uint64_t h, const char *s)
{
	return XXH64(s ? s : "", s ? strlen(s) : 0, h);
}

static uint64_t add_u64(uint64_t h, uint64_t v)
{
	uint8_t b[8];

	/* the id is the same on hosts of either byte order */
	for (size_t i = 0; i < sizeof(b); i++)
		b[i] = (uint8_t)(v >> (8 * i));
	return XXH64(b, sizeof(b), h);
}

static uint64_t add_native(uint64_t h, const struct report_frame *f)
{
	h = add_string(h, f->module);
	h = add_string(h, f->function);
	/* an offset in a file, not an address: equal wherever the same build runs */
	return add_u64(h, f->function ? 0 : f->offset);
}

/* Hashes a Python frame. A place is shifted, so that it differs from a line. */
static uint64_t add_python(uint64_t h, const struct report_frame *f, bool by_line)
{
	h = add_string(h, f->function);
	h = add_string(h, f->file);
	if (f->place && !by_line)
		return add_u64(h, (uint64_t)f->place << 32);
	return add_u64(h, (uint64_t)(int64_t)f->line);
}

/* Is it a notebook cell's own code? ipykernel names a file for each cell, in a directory with its
 * pid. A cell's functions stay, its own code does not. */
static bool is_cell(const struct report_frame *f)
{
	static const char dir[] = "/ipykernel_";
	const char *at =
		f->function && !strcmp(f->function, "<module>") ? strstr(f->file, dir) : NULL;

	return at && isdigit((unsigned char)at[sizeof(dir) - 1]) && strchr(at + 1, '/');
}

bool report_frame_is_passing(const struct report_frame *f)
{
	if (f->native)
		return false;
	if (!f->file || !strcmp(f->file, "?") || is_cell(f))
		return true;
	return *f->file == '<' && strncmp(f->file, "<frozen ", strlen("<frozen ")) != 0;
}

/* Hashes a caller. One that lives for one call counts only as such: the same line called from a
 * hundred cells of a notebook is one site. */
static uint64_t add_caller(uint64_t h, const struct report_frame *f, bool by_line)
{
	return report_frame_is_passing(f) ? add_string(h, "<passing>") : add_python(h, f, by_line);
}

static void hash_stack(const struct report_frame *stack, size_t n, enum report_kind kind,
		       bool by_line, char out[17])
{
	size_t python = 0;
	uint64_t h = kind == KIND_OBJECT ? 0 : add_u64(0, kind);

	for (size_t i = 0; i < n; i++) {
		if (stack[i].native)
			continue;
		h = python++ ? add_caller(h, &stack[i], by_line)
			     : add_python(h, &stack[i], by_line);
	}
	/* a thread without Python frames: its native ones tell it from others */
	for (size_t i = 0; i < n && python == 0; i++)
		h = add_native(h, &stack[i]);
	snprintf(out, 17, "%016" PRIx64, h);
}

void report_site_id(const struct report_frame *stack, size_t n, enum report_kind kind, char out[17])
{
	hash_stack(stack, n, kind, false, out);
}

void report_line_id(const struct report_site *s, char out[17])
{
	hash_stack(s->stack, s->n_frames, s->kind, true, out);
}

uint64_t report_line_key(struct report_frame *stack, size_t n, enum report_kind kind)
{
	const struct report_site s = {.stack = stack, .n_frames = n};
	const struct report_frame *own = report_program_frame(&s);
	uint64_t h = own ? add_python(kind, &stack[0], false) : 0;

	return own ? add_python(h, own, false) | 1 : 0;
}

const char *report_id_by(const struct report_frame *stack, size_t n)
{
	static const char *const word[] = {[PLACE_BY_LINE] = "line",
					   [PLACE_BY_OFFSET] = "offset",
					   [PLACE_BY_SOURCE] = "source"};
	const char *by = NULL;
	enum place_by least = PLACE_BY_SOURCE;

	for (size_t i = 0; i < n; i++) {
		if (stack[i].native || (by && report_frame_is_passing(&stack[i])))
			continue;
		if (place_by(stack[i].place) < least)
			least = place_by(stack[i].place);
		by = word[least];
	}
	return by;
}

/* A key for a map, of an id and a kind. */
static uint64_t key_of(const char *id, uint64_t kind)
{
	uint64_t key = strtoull(id, NULL, 16) ^ (kind << 60);

	return key ? key : 1;
}

uint64_t report_site_key(const struct report_site *s, bool by_line)
{
	char id[17];

	if (by_line)
		report_line_id(s, id);
	return key_of(by_line ? id : s->id, s->kind);
}

bool report_ids_differ_in_kind(const struct report_site *a, const struct report_site *b)
{
	return strcmp(a->id_by ? a->id_by : "line", b->id_by ? b->id_by : "line") != 0;
}

/* Orders larger numbers first, unknown ones last. */
static int descending(double a, double b)
{
	if (isnan(a) || isnan(b))
		return isnan(a) - isnan(b);
	return (a < b) - (a > b);
}

/* Growth, weighed by how sure a site like @s is to go on. */
static double weighed(const struct report_site *s, double bytes_per_s, double count_per_s)
{
	double sure = isnan(s->confidence) ? 1 : s->confidence;

	if (s->verdict > CLASS_GROWING)
		return 0;
	if (s->verdict == CLASS_GROWING)
		sure *= s->is_bounded ? ORDER_BOUNDED : ORDER_GROWING;
	if (s->kind == KIND_FD)
		return count_per_s * ORDER_FD_BYTES * sure;
	if (s->kind == KIND_THREAD)
		return count_per_s * ORDER_THREAD_BYTES * sure;
	return bytes_per_s * sure;
}

double report_expected_loss(const struct report_site *s)
{
	return weighed(s, s->growth_bytes_per_s, s->growth_count_per_s);
}

/* Orders sites that grow before others. */
static int class_group(const struct report_site *s)
{
	return s->verdict <= CLASS_GROWING ? 0 : (int)s->verdict;
}

static int compare_sites(const void *pa, const void *pb)
{
	const struct report_site *a = pa, *b = pb;
	int c = class_group(a) - class_group(b);

	if (c == 0)
		c = descending(a->loss, b->loss);
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

/* Indexes the sites that parts name: in a merged report of many hosts they are few. */
static void find_named(const struct report_process *p, struct map64 *index)
{
	uint64_t *at;

	for (size_t i = 0; i < p->n_sites; i++)
		if (p->sites[i].part_of)
			map64_put(index, key_of(p->sites[i].part_of, 0));
	for (size_t i = 0; index->n && i < p->n_sites; i++) {
		at = map64_get(index, key_of(p->sites[i].id, 0));
		if (at)
			*at = i + 1;
	}
}

size_t *report_wholes(const struct report_process *p)
{
	size_t *whole = calloc(p->n_sites + 1, sizeof(*whole));
	struct map64 index = {0};

	find_named(p, &index);
	for (size_t i = 0; whole && i < p->n_sites; i++) {
		const char *id = p->sites[i].part_of;
		const uint64_t *at = id ? map64_get(&index, key_of(id, 0)) : NULL;

		whole[i] = at && *at ? *at - 1 : i;
	}
	map64_free(&index);
	return whole;
}

static double known(double loss)
{
	return isfinite(loss) ? loss : 0;
}

/* Ends parts whose first site is missing or is a part itself: merged processes may tell different
 * sites as the first of a cause. */
static void settle_parts(struct report_process *p, size_t *whole)
{
	for (size_t i = 0; i < p->n_sites; i++)
		if (p->sites[i].part_of && (whole[i] == i || whole[whole[i]] != whole[i]))
			p->sites[i].part_of = NULL;
	for (size_t i = 0; i < p->n_sites; i++)
		if (!p->sites[i].part_of)
			whole[i] = i;
}

/* Adds the loss of parts to their cause's first site, which comes before them, listed or not. */
static void find_losses(struct report_process *p, const size_t *whole)
{
	for (size_t i = 0; i < p->n_sites; i++) {
		struct report_site *s = &p->sites[i];

		s->loss = (float)report_expected_loss(s) + s->behind +
			  (float)weighed(s, (double)s->unlisted_bytes_per_s,
					 (double)s->unlisted_count_per_s);
	}
	for (size_t i = 0; whole && i < p->n_sites; i++)
		if (whole[i] != i && class_group(&p->sites[i]) == 0)
			p->sites[whole[i]].loss += (float)known(report_expected_loss(&p->sites[i]));
}

void report_sort(struct report_process *p)
{
	auto_free size_t *whole = report_wholes(p);

	if (whole)
		settle_parts(p, whole);
	find_losses(p, whole);
	if (p->n_sites > 1)
		qsort(p->sites, p->n_sites, sizeof(*p->sites), compare_sites);
}
