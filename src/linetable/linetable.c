/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reads the three formats of co_lnotab and co_linetable, which are described in CPython's
 * Objects/lnotab_notes.txt and Objects/locations.md.
 */
#include "linetable/linetable.h"

#include <limits.h>

/* Adds without overflow: a hostile table may have any numbers. */
static int add_line(int line, int64_t delta)
{
	int64_t sum = line + delta;

	return sum > INT_MAX ? INT_MAX : sum < INT_MIN ? INT_MIN : (int)sum;
}

/* 3.8, 3.9: pairs (address delta, signed line delta), where the line begins at the new address. */
int linetable_lnotab(const uint8_t *tab, size_t len, int first, int offset)
{
	int64_t addr = 0;
	int line = first;

	for (size_t i = 0; i + 1 < len; i += 2) {
		addr += tab[i];
		if (addr > offset)
			break;
		line = add_line(line, (int8_t)tab[i + 1]);
	}
	return line;
}

/* 3.10: pairs (bytes covered, signed line delta), where -128 means that the range has no line. */
int linetable_310(const uint8_t *tab, size_t len, int first, int offset)
{
	int64_t addr = 0;
	int line = first;

	for (size_t i = 0; i + 1 < len; i += 2) {
		int8_t delta = (int8_t)tab[i + 1];

		if (delta != -128)
			line = add_line(line, delta);
		addr += tab[i];
		if (offset < addr)
			return delta == -128 ? first : line;
	}
	return first;
}

struct cursor {
	const uint8_t *p, *end;
};

/* Reads groups of 6 bits, the least significant first; bit 6 = more follow. */
static uint64_t read_varint(struct cursor *c)
{
	uint64_t v = 0;

	for (unsigned int shift = 0; c->p < c->end; shift += 6) {
		uint8_t byte = *c->p;

		if (byte & 0x80)
			break; /* begins the next entry: this one is cut */
		c->p++;
		if (shift < 36)
			v |= (uint64_t)(byte & 63) << shift;
		if (!(byte & 64))
			break;
	}
	return v;
}

static int64_t read_signed(struct cursor *c)
{
	uint64_t v = read_varint(c);

	return v & 1 ? -(int64_t)(v >> 1) : (int64_t)(v >> 1);
}

static void mix(uint64_t *hash, uint64_t v)
{
	*hash = (*hash ^ v) * 0x9e3779b97f4a7c15ull;
	*hash ^= *hash >> 32;
}

/* 3.11+: an entry has one byte (bit 7, 4 bits code, 3 bits length - 1 in code units) and, by its
 * code, some bytes more. @hash gets a hash of where each line begins, or 0 if the end of the table
 * is not @offset. */
static int walk(const uint8_t *tab, size_t len, int first, int64_t offset, uint64_t *hash)
{
	struct cursor c = {tab, tab + len};
	int64_t addr = 0;
	int line = first, told = first;

	while (c.p < c.end) {
		uint8_t head = *c.p++, code = head >> 3 & 15;

		if (!(head & 0x80))
			continue; /* lost: the next byte with bit 7 is an entry */
		if (code == 13 || code == 14)
			line = add_line(line, read_signed(&c));
		else if (code >= 10 && code <= 12)
			line = add_line(line, code - 10);
		if (told != (code == 15 ? first : line)) {
			told = code == 15 ? first : line;
			mix(hash, (uint64_t)addr << 32 | (uint32_t)told);
		}
		addr += 2 * ((head & 7) + 1);
		if (offset < addr) {
			*hash = 0;
			return told;
		}
		while (c.p < c.end && !(*c.p & 0x80))
			c.p++; /* columns and end lines */
	}
	*hash = addr == offset ? *hash | 1 : 0;
	return first;
}

int linetable_locations(const uint8_t *tab, size_t len, int first, int offset)
{
	return walk(tab, len, first, offset, &(uint64_t){0});
}

uint64_t linetable_hash(const uint8_t *tab, size_t len, int first, int64_t bytes)
{
	uint64_t hash = 0;

	walk(tab, len, first, bytes, &hash);
	return hash;
}

uint64_t linetable_hash_pairs(const uint8_t *tab, size_t len, int64_t bytes, bool covers)
{
	uint64_t hash = 0;
	int64_t addr = 0;

	for (size_t i = 0; i + 1 < len; i += 2) {
		addr += tab[i];
		mix(&hash, (uint64_t)addr << 8 | tab[i + 1]);
	}
	return !(len & 1) && (covers ? addr == bytes : addr <= bytes) ? hash | 1 : 0;
}
