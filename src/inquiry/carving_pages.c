/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "inquiry/carving_pages.h"

#include "heap/inside.h"
#include "heap/mimalloc.h"

#define SEGMENTS  4    /* looked at in one look, the others in the next ones: 48 KiB each */
#define CUT_BYTES 4096 /* that are cut into blocks at once (page.c, MI_MAX_EXTEND_SIZE) */

/* With the GIL a page does not tell whether it is one of objects. */
static bool has_objects(const struct heap *h, const struct heap_mi_page *p)
{
	return p->size >= 16 && p->size <= 16 * HEAP_CLASSES &&
	       (!h->rt->free_threaded || p->tag != MI_TAG_MEM);
}

/* The number of the first free block; the capacity if there is none. */
static uint32_t first_free(const struct heap_mi_page *p)
{
	uint64_t at = (p->list[0] - p->start) / p->size;

	return p->list[0] >= p->start && at < p->capacity ? (uint32_t)at : p->capacity;
}

/* Are all blocks from number @from on free, and on the list in this order? */
static bool is_uncut(const struct heap *h, const struct heap_mi_page *p, uint32_t from)
{
	uint64_t at = p->start + from * p->size, bytes = (p->capacity - from) * p->size;
	uint8_t raw[CUT_BYTES];

	if (!bytes || bytes > sizeof(raw) || proc_read(h->rt->proc, at, raw, bytes))
		return false;
	for (uint64_t i = 0; i < bytes; i += p->size)
		if (heap_u64(raw + i) != (i + p->size < bytes ? at + i + p->size : 0))
			return false;
	return true;
}

int carving_pages_begin(struct heap *h, struct carving *out)
{
	auto_free struct heap_mi_page *v = calloc(MI_SLICES, sizeof(*v));
	uint64_t torn = 0;

	if (!v || h->rt->allocator != PY_ALLOC_MIMALLOC)
		return -ENODATA;
	for (size_t k = 0; k < SEGMENTS && k < h->arena.n; k++) {
		uint64_t segment = h->arena.v[out->turn++ % h->arena.n].start;
		int n = heap_mi_pages(h, segment, v, &torn);

		for (int i = 0; i < n && out->n < CARVING_PAGES; i++) {
			uint32_t from = first_free(&v[i]);

			if (has_objects(h, &v[i]) && is_uncut(h, &v[i], from))
				out->page[out->n++] = (struct carving_page){
					v[i].head, v[i].start, (uint32_t)v[i].size, from};
		}
	}
	return out->n ? 0 : -ENODATA;
}

size_t carving_pages_end(const struct heap *h, const struct carving *c, struct carved_range *out)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++) {
		const struct carving_page *was = &c->page[i];
		struct heap_mi_page p = {.head = was->head};
		uint32_t to;

		if (heap_mi_page_again(h, &p) || p.start != was->start || p.size != was->size)
			continue;
		to = first_free(&p);
		if (to < was->from) /* what is free now was handed out, and given back */
			to = p.capacity;
		if (to > was->from)
			out[n++] = (struct carved_range){p.start, (was->size - 1) / 16,
							 was->from * was->size, to * was->size};
	}
	return n;
}
