/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Describes an object for people: reference count, length, and the value where it is simple. */
#include "py/py_priv.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* Py_TPFLAGS_* */
#define FLAG_LONG  (1ull << 24)
#define FLAG_LIST  (1ull << 25)
#define FLAG_TUPLE (1ull << 26)
#define FLAG_BYTES (1ull << 27)
#define FLAG_STR   (1ull << 28)
#define FLAG_DICT  (1ull << 29)
/* Digits of an int have 30 bits, and are as far from ob_size in every version. */
#define DIGITS_BEHIND_SIZE 8
#define DIGIT_BITS	   30
#define MAX_LENGTH	   (1ull << 44)
#define MAX_BASES	   40

static bool facts(const struct py_runtime *rt, uint64_t obj, uint64_t *flags, char *name,
		  size_t size)
{
	const struct py_layout *l = &rt->layout;
	uint64_t type, at;

	return !proc_read_u64(rt->proc, obj + l->ob_type, &type) && py_is_type(rt, type) &&
	       !proc_read_u64(rt->proc, type + l->tp_flags, flags) &&
	       !proc_read_u64(rt->proc, type + l->tp_name, &at) &&
	       !proc_read_cstr(rt->proc, at, name, size);
}

uint64_t py_refcount(const struct py_runtime *rt, uint64_t obj)
{
	uint64_t w;

	if (proc_read_u64(rt->proc, obj, &w) || rt->free_threaded)
		return UINT64_MAX;
	/* from 3.12 on the low half of the word is the count */
	return rt->minor >= 12 ? (uint32_t)w : w;
}

/* The offset of the length in containers without a flag of their own, and in classes derived from
 * them; 0 = none. Names without a dot are only trusted of static types: any class may have one. */
static uint64_t count_by_base(const struct py_runtime *rt, uint64_t type)
{
	const struct py_layout *l = &rt->layout;

	for (int i = 0; type && i < MAX_BASES; i++) {
		uint64_t flags;
		char name[32];

		if (proc_read_u64(rt->proc, type + l->tp_flags, &flags) ||
		    py_tp_name(rt, type, name, sizeof(name)))
			return 0;
		if (!strcmp(name, "collections.deque"))
			return l->ob_size;
		if (!(flags & PY_TPFLAGS_HEAPTYPE)) {
			if (!strcmp(name, "bytearray"))
				return l->ob_size;
			if (!strcmp(name, "set") || !strcmp(name, "frozenset"))
				return l->set_mask - 8u; /* used, before the mask */
		}
		if (proc_read_u64(rt->proc, type + l->tp_base, &type))
			return 0;
	}
	return 0;
}

uint64_t py_length(const struct py_runtime *rt, uint64_t obj)
{
	const struct py_layout *l = &rt->layout;
	uint64_t type, flags, n, at;

	if (proc_read_u64(rt->proc, obj + l->ob_type, &type) || !py_is_type(rt, type) ||
	    proc_read_u64(rt->proc, type + l->tp_flags, &flags))
		return UINT64_MAX;
	if (flags & FLAG_STR)
		at = l->str_length;
	else if (flags & FLAG_DICT)
		at = l->dict_used;
	else if (flags & (FLAG_LIST | FLAG_TUPLE | FLAG_BYTES))
		at = l->ob_size;
	else
		at = count_by_base(rt, type);
	return !at || proc_read_u64(rt->proc, obj + at, &n) || n > MAX_LENGTH ? UINT64_MAX : n;
}

/* @digits gets the number of its digits; -ERANGE: more than two, and the value is not read. */
static int read_int(const struct py_runtime *rt, uint64_t obj, int64_t *out, uint64_t *digits)
{
	uint64_t at = obj + rt->layout.ob_size, tag, n;
	uint32_t digit[2] = {0};
	bool negative;

	if (proc_read_u64(rt->proc, at, &tag))
		return -EFAULT;
	if (rt->minor >= 12) {
		n = tag >> 3;
		negative = (tag & 3) == 2; /* 0 positive, 1 zero, 2 negative */
		n = (tag & 3) == 1 ? 0 : n;
	} else {
		negative = (int64_t)tag < 0;
		n = negative ? -tag : tag;
	}
	*digits = n;
	if (n > 2)
		return -ERANGE;
	if (n && proc_read(rt->proc, at + DIGITS_BEHIND_SIZE, digit, 4 * n))
		return -EFAULT;
	*out = (int64_t)(digit[0] | (uint64_t)digit[1] << DIGIT_BITS);
	*out = negative ? -*out : *out;
	return 0;
}

int py_int(const struct py_runtime *rt, uint64_t obj, int64_t *out)
{
	uint64_t flags, digits;
	char name[32];

	if (!facts(rt, obj, &flags, name, sizeof(name)) || !(flags & FLAG_LONG) ||
	    !strcmp(name, "bool"))
		return -ENOENT;
	return read_int(rt, obj, out, &digits);
}

static int int_repr(const struct py_runtime *rt, uint64_t obj, bool is_bool, char *buf, size_t size)
{
	uint64_t n = 0;
	int64_t v = 0;
	int err = read_int(rt, obj, &v, &n);

	if (err == -ERANGE)
		snprintf(buf, size, "int of %" PRIu64 " bits", n > MAX_LENGTH ? 0 : n * DIGIT_BITS);
	else if (!err && is_bool)
		snprintf(buf, size, "%s", v ? "True" : "False");
	else if (!err)
		snprintf(buf, size, "%" PRId64, v);
	return err == -ERANGE ? 0 : err;
}

static int float_repr(const struct py_runtime *rt, uint64_t obj, char *buf, size_t size)
{
	double v;

	if (proc_read(rt->proc, obj + rt->layout.ob_size, &v, sizeof(v)))
		return -EFAULT;
	/* the shortest form that is read back as the same number */
	for (int digits = 6; digits <= 17; digits++) {
		snprintf(buf, size, "%.*g", digits, v);
		if (!isfinite(v) || strtod(buf, NULL) == v)
			break;
	}
	return 0;
}

static int bytes_repr(const struct py_runtime *rt, uint64_t obj, char *buf, size_t size)
{
	uint8_t raw[64];
	uint64_t n;
	size_t at = 2;

	if (size < 16 || proc_read_u64(rt->proc, obj + rt->layout.ob_size, &n) || n > MAX_LENGTH)
		return -EFAULT;
	if (n > sizeof(raw))
		n = sizeof(raw);
	if (n && proc_read(rt->proc, obj + rt->layout.bytes_data, raw, n))
		return -EFAULT;
	memcpy(buf, "b'", 3);
	for (size_t i = 0; i < n && at + 8 < size; i++)
		at += (size_t)snprintf(buf + at, size - at,
				       raw[i] >= ' ' && raw[i] < 0x7f && raw[i] != '\'' &&
						       raw[i] != '\\'
					       ? "%c"
					       : "\\x%02x",
				       raw[i]);
	snprintf(buf + at, size - at, "'");
	return 0;
}

int py_repr(const struct py_runtime *rt, uint64_t obj, char *buf, size_t size)
{
	uint64_t flags;
	char name[32];
	int err;

	if (rt->free_threaded || size < 8 || !facts(rt, obj, &flags, name, sizeof(name)))
		return -ENOENT;
	if (flags & FLAG_LONG)
		return int_repr(rt, obj, !strcmp(name, "bool"), buf, size);
	if (flags & FLAG_BYTES)
		return bytes_repr(rt, obj, buf, size);
	if (!strcmp(name, "float"))
		return float_repr(rt, obj, buf, size);
	if (!(flags & FLAG_STR))
		return -ENOENT;
	err = py_read_str(rt, obj, buf + 1, size - 2);
	if (err)
		return err;
	buf[0] = '\'';
	strcat(buf, "'");
	return 0;
}
