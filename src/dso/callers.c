/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds the only function that calls or jumps to another one. Code is not decoded: any bytes that
 * may be the distance of a call or a jump to that function count, so no caller is overlooked. */
#include "dso/dso_priv.h"

#define MAX_TEXT 32
#define MAX_CODE (64u << 20)
#define CALL	 0xe8
#define JUMP	 0xe9
#define NEAR	 0xeb /* a short jump (by -128 to 127 bytes), as to a function close by */
#define NEAR_IF	 0x70 /* short jumps on a condition are 0x70 to 0x7f */

struct search {
	const struct dso *d;
	struct dso_range fn, caller;
	bool is_other; /* something but a call or jump refers to it, or a second function */
};

static void see(struct search *s, uint64_t at, bool is_direct)
{
	struct dso_range by;
	uint64_t depth;

	if (at - s->fn.addr < s->fn.size)
		return;
	if (!is_direct || dso_frame_at(s->d, at - 1, &by, &depth) ||
	    (s->caller.size && s->caller.addr != by.addr))
		s->is_other = true;
	else
		s->caller = by;
}

/* Is the function's address loaded as a constant (mov $function, %reg)? Then others may call it. */
static bool is_loaded(const struct search *s, uint32_t value)
{
	return dso_is_exec(s->d) && value == s->fn.addr;
}

/* Looks at one byte that may be the distance of a short jump. */
static void see_near(struct search *s, uint64_t at, const uint8_t *p)
{
	if ((p[-1] == NEAR || (p[-1] & 0xf0) == NEAR_IF) &&
	    at + 1 + (uint64_t)(int64_t)(int8_t)*p == s->fn.addr)
		see(s, at, p[-1] == NEAR);
}

static void scan_code(struct search *s, const struct dso_range *text)
{
	size_t n;
	const uint8_t *p = dso_bytes(s->d, text->addr, &n);

	if (!p || n < text->size || text->size > MAX_CODE) {
		s->is_other = true;
		return;
	}
	for (size_t i = 1; i < text->size && !s->is_other; i++) {
		int32_t by;

		see_near(s, text->addr + i, p + i);
		if (i + sizeof(by) > text->size)
			continue;
		memcpy(&by, p + i, sizeof(by));
		s->is_other |= is_loaded(s, (uint32_t)by);
		if (text->addr + i + sizeof(by) + (uint64_t)(int64_t)by == s->fn.addr)
			see(s, text->addr + i, p[i - 1] == CALL || p[i - 1] == JUMP);
	}
}

/* Is the address in a table of functions, or among those that the loader writes? */
static bool is_pointed_at(const struct dso *d, uint64_t addr)
{
	static const char *const sections[] = {".rela.dyn", ".data",	   ".data.rel.ro",
					       ".rodata",   ".init_array", ".got"};
	struct dso_range r;

	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		if (dso_section(d, sections[i], &r) || !r.data)
			continue;
		for (size_t k = 0; k + sizeof(addr) <= r.size; k += sizeof(addr))
			if (!memcmp((const uint8_t *)r.data + k, &addr, sizeof(addr)))
				return true;
	}
	return false;
}

int dso_only_caller(const struct dso *d, const struct dso_range *fn, struct dso_range *out)
{
	struct search s = {.d = d, .fn = *fn};
	struct dso_range text[MAX_TEXT];
	size_t n = dso_text(d, text, MAX_TEXT);

	for (size_t i = 0; i < n && !s.is_other; i++)
		scan_code(&s, &text[i]);
	if (n == MAX_TEXT || s.is_other || !s.caller.size || is_pointed_at(d, fn->addr))
		return -ENOENT;
	*out = s.caller;
	return 0;
}
