/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The table of live native blocks. A block is in the table exactly from the
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

/* Take a block out; 1 when it was there. Of two threads that free one block
 * only one deletes it. */
static __always_inline int block_take(__u64 addr, struct pl_block *out)
{
	struct pl_block *b = bpf_map_lookup_elem(&native_blocks, &addr);

	if (!b)
		return 0;
	*out = *b;
	return !bpf_map_delete_elem(&native_blocks, &addr);
}

/* An address that is still in the table was given back in a way we do not see (unmapped under the
 * heap, freed while paused): the new block replaces it. */
static __always_inline void block_put(__u64 addr, const struct pl_block *b)
{
	long err = bpf_map_update_elem(&native_blocks, &addr, b, BPF_NOEXIST);

	if (err == -PL_EEXIST) {
		struct pl_block old;

		block_take(addr, &old);
		err = bpf_map_update_elem(&native_blocks, &addr, b, BPF_NOEXIST);
	}
	if (err)
		lose(PL_LOST_BLOCKS_FULL);
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
static __always_inline void map_cut(__u64 start, __u64 addr, __u64 len)
{
	struct pl_block b;
	__u64 size;

	if (!block_take(start, &b))
		return;
	size = b.size;
	if (addr - start >= size) { /* the table of recent ones was out of date */
		block_put(start, &b);
		return;
	}
	b.size = addr - start;
	block_put(start, &b);
	if (addr + len < start + size) {
		b.size = start + size - addr - len;
		block_put(addr + len, &b);
	}
}

/*
 * Whole mapping, head, or the tail or middle of one of the last few. Other cuts (a range over
 * several mappings, the middle of an old one) are found by the user half, which compares the table
 * with /proc/PID/maps.
 */
static __always_inline void map_end(__u64 addr, __u64 len)
{
	__u32 zero = 0, k;
	struct pl_recent *r;
	struct pl_block b;
	__u64 start = 0;

	len = (len + PL_PAGE - 1) & -PL_PAGE;
	if (block_take(addr, &b)) {
		if (len < b.size) {
			b.size -= len;
			block_put(addr + len, &b);
			recent_add(addr + len, b.size);
		}
		return;
	}
	r = bpf_map_lookup_elem(&native_recent, &zero);
	if (!r)
		return;
	/* The latest first: earlier ones may be out of date. */
	for (int i = 1; i <= PL_RECENT_MAPS; i++) {
		k = r->next - i;
		asm volatile("%0 &= 15" : "+r"(k));
		k &= PL_RECENT_MAPS - 1;
		if (addr > r->start[k] && addr < r->end[k]) {
			start = r->start[k];
			r->end[k] = addr;
			break;
		}
	}
	if (start)
		map_cut(start, addr, len);
}

#endif
