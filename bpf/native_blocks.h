/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The table of live native blocks and the sums per site. A block is in the table exactly from the
 * return of the call that made it to the entry of the call that ends it, so that an address reused
 * by another thread is never mistaken for the old block.
 */
#ifndef PYLEAK_NATIVE_BLOCKS_H
#define PYLEAK_NATIVE_BLOCKS_H

#include "pyleak/native.h"

#define PL_EEXIST 17
#define PL_PAGE	  4096UL

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PL_MAX_BLOCKS);
	__type(key, __u64);
	__type(value, struct pl_block);
} native_blocks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PL_MAX_NATIVE_SITES);
	__type(key, struct pl_native_key);
	__type(value, struct pl_native_site);
} native_sites SEC(".maps");

/* Start and end of the last mappings: aligned allocators map too much and cut the tail off at once.
 */
struct pl_recent {
	__u64 start[PL_RECENT_MAPS];
	__u64 end[PL_RECENT_MAPS];
	__u32 next;
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pl_recent);
} native_recent SEC(".maps");

static __always_inline void site_add(const struct pl_native_key *key, __u64 size, int is_new)
{
	struct pl_native_site *s = bpf_map_lookup_elem(&native_sites, key);

	if (!s) {
		struct pl_native_site zero = {};

		bpf_map_update_elem(&native_sites, key, &zero, BPF_NOEXIST);
		s = bpf_map_lookup_elem(&native_sites, key);
		if (!s) {
			lose(PL_LOST_SITES_FULL);
			return;
		}
	}
	__sync_fetch_and_add(&s->live_bytes, size);
	__sync_fetch_and_add(&s->live_count, 1);
	if (!is_new)
		return;
	__sync_fetch_and_add(&s->total_bytes, size);
	__sync_fetch_and_add(&s->total_count, 1);
}

static __always_inline void site_sub(const struct pl_native_key *key, __u64 size)
{
	struct pl_native_site *s = bpf_map_lookup_elem(&native_sites, key);

	if (!s) /* its insertion was counted as SITES_FULL */
		return;
	__sync_fetch_and_add(&s->live_bytes, -size);
	__sync_fetch_and_add(&s->live_count, -1);
}

/* Take a block out; 1 when it was there. Two threads that free one block: only the one whose
 * delete succeeds subtracts. */
static __always_inline int block_take(__u64 addr, struct pl_block *out)
{
	struct pl_block *b = bpf_map_lookup_elem(&native_blocks, &addr);

	if (!b)
		return 0;
	*out = *b;
	if (bpf_map_delete_elem(&native_blocks, &addr))
		return 0;
	site_sub(&out->site, out->size);
	return 1;
}

/* An address that is still in the table was given back in a way we do not see (unmapped under the
 * heap, freed while paused): the new block replaces it. */
static __always_inline void block_put(__u64 addr, const struct pl_block *b, int is_new)
{
	long err = bpf_map_update_elem(&native_blocks, &addr, b, BPF_NOEXIST);

	if (err == -PL_EEXIST) {
		struct pl_block old;

		block_take(addr, &old);
		err = bpf_map_update_elem(&native_blocks, &addr, b, BPF_NOEXIST);
	}
	if (err) {
		lose(PL_LOST_BLOCKS_FULL);
		return;
	}
	site_add(&b->site, b->size, is_new);
}

static __always_inline void recent_add(__u64 start, __u64 size)
{
	__u32 zero = 0;
	struct pl_recent *r = bpf_map_lookup_elem(&native_recent, &zero);
	__u32 i;

	if (!r)
		return;
	i = r->next++;
	/* keeps the index provably inside for the verifier of 5.10 */
	asm volatile("%0 &= 15" : "+r"(i));
	r->start[i & (PL_RECENT_MAPS - 1)] = start;
	r->end[i & (PL_RECENT_MAPS - 1)] = start + size;
}

/* [addr, addr + len) goes away inside the mapping that starts at @start < @addr. */
static __always_inline int map_cut(__u64 start, __u64 addr, __u64 len)
{
	struct pl_block b;
	__u64 size;

	if (!block_take(start, &b))
		return 0;
	size = b.size;
	if (addr - start >= size) { /* the table of recent ones was out of date */
		block_put(start, &b, 0);
		return 0;
	}
	b.size = addr - start;
	block_put(start, &b, 0);
	if (addr + len < start + size) {
		b.size = start + size - addr - len;
		block_put(addr + len, &b, 0);
	}
	return 1;
}

/*
 * Whole mapping, head, or the tail or middle of one of the last few. Other cuts (a range over
 * several mappings, the middle of an old one) are found by the user half, which compares the table
 * with /proc/PID/maps.
 */
static __always_inline void map_end(__u64 addr, __u64 len)
{
	__u32 zero = 0;
	struct pl_recent *r;
	struct pl_block b;

	len = (len + PL_PAGE - 1) & -PL_PAGE;
	if (block_take(addr, &b)) {
		if (len < b.size) {
			b.size -= len;
			block_put(addr + len, &b, 0);
			recent_add(addr + len, b.size);
		}
		return;
	}
	r = bpf_map_lookup_elem(&native_recent, &zero);
	if (!r)
		return;
	for (int i = 0; i < PL_RECENT_MAPS; i++) {
		if (addr > r->start[i] && addr < r->end[i]) {
			map_cut(r->start[i], addr, len);
			r->end[i] = addr;
			return;
		}
	}
}

#endif
