/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads a str object of the target as UTF-8. */
#include "base/utf8.h"
#include "py/py_priv.h"

#define MAX_CHARS 65536 /* more than any caller has room for */
#define HEADER	  88	/* covers every member of the widest layout (3.8: 80) */

/* PyASCIIObject.state (Include/cpython/unicodeobject.h), from its kind on. */
#define KIND(state)    ((state)&7)
#define COMPACT(state) ((state) >> 3 & 1)
#define ASCII(state)   ((state) >> 4 & 1)

static uint32_t char_at(const uint8_t *data, size_t i, unsigned int kind)
{
	uint32_t c4;
	uint16_t c2;

	switch (kind) {
	case 1:
		return data[i]; /* Latin-1, not UTF-8 */
	case 2:
		memcpy(&c2, data + 2 * i, sizeof(c2));
		return c2;
	default:
		memcpy(&c4, data + 4 * i, sizeof(c4));
		return c4;
	}
}

int py_decode_chars(const uint8_t *data, size_t n, unsigned int kind, char *buf, size_t size)
{
	size_t at = 0;

	if (!size)
		return -EINVAL;
	buf[0] = '\0';
	if (kind != 1 && kind != 2 && kind != 4)
		return -EILSEQ;
	for (size_t i = 0; i < n; i++) {
		char utf8[4];
		size_t k = utf8_put(char_at(data, i, kind), utf8);

		if (!k) {
			buf[0] = '\0';
			return -EILSEQ;
		}
		if (at + k >= size)
			break;
		memcpy(buf + at, utf8, k);
		at += k;
	}
	buf[at] = '\0';
	return 0;
}

static bool is_str_type(const struct py_runtime *rt, uint64_t type)
{
	uint64_t flags;

	return type == rt->unicode_type ||
	       (!proc_read_u64(rt->proc, type + rt->layout.tp_flags, &flags) &&
		(flags & PY_TPFLAGS_UNICODE_SUBCLASS) && py_is_type(rt, type));
}

int py_read_str(const struct py_runtime *rt, uint64_t obj, char *buf, size_t size)
{
	const struct py_layout *l = &rt->layout;
	uint8_t raw[HEADER] = {0};
	uint64_t length, data;
	uint32_t state;
	unsigned int kind;
	int err;

	if (!size)
		return -EINVAL;
	buf[0] = '\0';
	if (l->str_noncompact_data + 8u > HEADER || l->str_state + 8u > HEADER)
		return -EILSEQ;
	/* no more than the shortest str has, as memory after it may be unmapped */
	if (proc_read(rt->proc, obj, raw, l->str_ascii_data))
		return -EFAULT;
	if (!is_str_type(rt, py_word(raw, l->ob_type)))
		return -EILSEQ;
	length = py_word(raw, l->str_length);
	state = (uint32_t)py_word(raw, l->str_state) >> (l->str_kind_shift & 31);
	kind = KIND(state);
	if (length >> 40 || (kind != 1 && kind != 2 && kind != 4) || (ASCII(state) && kind != 1))
		return -EILSEQ;
	data = obj + (ASCII(state) ? l->str_ascii_data : l->str_compact_data);
	if (!COMPACT(state) && proc_read_u64(rt->proc, obj + l->str_noncompact_data, &data))
		return -EFAULT;
	/* no more characters than fit */
	size_t most = size < MAX_CHARS ? size : MAX_CHARS;
	length = length < most ? length : most;
	auto_free uint8_t *chars = malloc(length * kind + 1);
	if (!chars)
		return -ENOMEM;
	err = proc_read(rt->proc, data, chars, length * kind);
	return err ? -EFAULT : py_decode_chars(chars, length, kind, buf, size);
}
