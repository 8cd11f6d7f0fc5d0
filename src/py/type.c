/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Recognises type objects, and reads their names and dicts. */
#include "py/py_priv.h"
#include "py/versions.h"

#include <stdio.h>

#define MAX_ENTRIES 8192 /* entries of a dict that are read */
#define CHUNK	    64
#define DK_GENERAL  0 /* DictKeysKind: entries {hash, key, value}; else {key, value} */

bool py_is_ready(const struct py_runtime *rt, uint64_t type, uint64_t flags)
{
	char name[32];
	uint64_t at;

	if (flags & PY_TPFLAGS_READY)
		return true;
	return py_links_are_unready(rt) && flags == PY_TPFLAGS_DEFAULT &&
	       !proc_read_u64(rt->proc, type + rt->layout.tp_name, &at) &&
	       !proc_read_cstr(rt->proc, at, name, sizeof(name)) &&
	       !strcmp(name, "functools._lru_list_elem");
}

bool py_is_type(const struct py_runtime *rt, uint64_t type)
{
	const struct py_layout *l = &rt->layout;
	uint64_t meta, flags;

	if (!type || type & 7 || proc_read_u64(rt->proc, type + l->ob_type, &meta) || meta & 7 ||
	    proc_read_u64(rt->proc, meta + l->tp_flags, &flags) ||
	    !(flags & PY_TPFLAGS_TYPE_SUBCLASS))
		return false;
	if (meta != rt->type_type) {
		uint64_t metameta, meta_flags;

		/* a metaclass is itself an instance of a metaclass */
		if (proc_read_u64(rt->proc, meta + l->ob_type, &metameta) ||
		    proc_read_u64(rt->proc, metameta + l->tp_flags, &meta_flags) ||
		    !(meta_flags & PY_TPFLAGS_TYPE_SUBCLASS))
			return false;
	}
	return !proc_read_u64(rt->proc, type + l->tp_flags, &flags) && py_is_ready(rt, type, flags);
}

uint64_t py_type_dealloc(const struct py_runtime *rt, uint64_t type)
{
	enum { DEALLOC, DEL = 41, FINALIZE = 43, WORDS }; /* struct _typeobject, 3.8 - 3.15 */
	uint64_t slot[WORDS];

	if (!py_is_type(rt, type) ||
	    proc_read(rt->proc, type + rt->layout.tp_dealloc, slot, sizeof(slot)) || slot[DEL] ||
	    slot[FINALIZE])
		return 0;
	return slot[DEALLOC];
}

struct entries {
	uint64_t at, n;
	size_t size, key; /* bytes of an entry; offset of its key, before the value */
};

/* Finds the entries of a dict's keys object, which are after the index table. */
static int find_entries(const struct py_runtime *rt, uint64_t keys, struct entries *e)
{
	const struct py_layout *l = &rt->layout;
	uint64_t index_bytes, used, slots;
	uint8_t raw[40];

	if (l->dk_nentries + 8u > sizeof(raw) || proc_read(rt->proc, keys, raw, sizeof(raw)))
		return -EFAULT;
	used = py_word(raw, l->dk_nentries);
	e->size = 24;
	e->key = 8;
	if (l->dk_size != PL_NONE) {
		/* Objects/dictobject.c, DK_IXSIZE (3.8 - 3.10) */
		slots = py_word(raw, l->dk_size);
		if (slots > 1u << 24)
			return -EILSEQ;
		index_bytes = slots * (slots <= 0xff ? 1 : slots <= 0xffff ? 2 : 4);
	} else {
		if (raw[l->dk_log2_index_bytes] > 26)
			return -EILSEQ;
		index_bytes = 1ull << raw[l->dk_log2_index_bytes];
		if (raw[l->dk_kind] != DK_GENERAL) {
			e->size = 16;
			e->key = 0;
		}
	}
	e->at = keys + l->dk_indices + index_bytes;
	e->n = used < MAX_ENTRIES ? used : MAX_ENTRIES;
	return 0;
}

static void each(const struct py_runtime *rt, uint64_t dict, bool is_named, py_entry f, void *ctx)
{
	uint8_t chunk[CHUNK * 24];
	struct entries e;
	uint64_t keys;

	if (!dict || proc_read_u64(rt->proc, dict + rt->layout.dict_keys, &keys) || !keys ||
	    find_entries(rt, keys, &e))
		return;
	for (uint64_t i = 0; i < e.n; i++) {
		uint64_t pair[2];
		char text[128] = "";

		if (i % CHUNK == 0) {
			size_t left = e.n - i < CHUNK ? (size_t)(e.n - i) : CHUNK;

			if (proc_read(rt->proc, e.at + i * e.size, chunk, left * e.size))
				return;
		}
		memcpy(pair, chunk + i % CHUNK * e.size + e.key, sizeof(pair));
		if (pair[0] && pair[1] &&
		    !(is_named && py_read_str(rt, pair[0], text, sizeof(text))) &&
		    !f(rt, text, pair[1], ctx))
			return;
	}
}

void py_dict_each(const struct py_runtime *rt, uint64_t dict, py_entry f, void *ctx)
{
	each(rt, dict, true, f, ctx);
}

void py_dict_values(const struct py_runtime *rt, uint64_t dict, py_entry f, void *ctx)
{
	each(rt, dict, false, f, ctx);
}

struct wanted {
	const char *key;
	uint64_t value;
};

static bool is_wanted(const struct py_runtime *rt, const char *key, uint64_t value, void *ctx)
{
	struct wanted *w = ctx;

	(void)rt;
	if (!strcmp(key, w->key))
		w->value = value;
	return !w->value;
}

uint64_t py_dict_value(const struct py_runtime *rt, uint64_t dict, const char *key)
{
	struct wanted w = {.key = key};

	py_dict_each(rt, dict, is_wanted, &w);
	return w.value;
}

int py_type_attr(const struct py_runtime *rt, uint64_t type, const char *name, uint64_t *out)
{
	uint64_t dict;

	if (proc_read_u64(rt->proc, type + rt->layout.tp_dict, &dict) || !dict)
		return -EFAULT;
	*out = py_dict_value(rt, dict, name);
	return *out ? 0 : -ENOENT;
}

static int heap_type_name(const struct py_runtime *rt, uint64_t type, char *buf, size_t size)
{
	char qualname[512], module[256];
	uint64_t at;
	int n;

	if (proc_read_u64(rt->proc, type + rt->layout.ht_qualname, &at) ||
	    py_read_str(rt, at, qualname, sizeof(qualname)) || !qualname[0])
		return -ENOENT;
	if (py_type_attr(rt, type, "__module__", &at) ||
	    py_read_str(rt, at, module, sizeof(module)) || !module[0] ||
	    !strcmp(module, "builtins"))
		n = snprintf(buf, size, "%s", qualname);
	else
		n = snprintf(buf, size, "%s.%s", module, qualname);
	return n < 0 ? -EINVAL : 0;
}

static int type_name(const struct py_runtime *rt, uint64_t type, char *buf, size_t size)
{
	const struct py_layout *l = &rt->layout;
	uint64_t flags, at;

	if (!py_is_type(rt, type))
		return -EILSEQ;
	if (proc_read_u64(rt->proc, type + l->tp_flags, &flags))
		return -EFAULT;
	if ((flags & PY_TPFLAGS_HEAPTYPE) && !heap_type_name(rt, type, buf, size))
		return 0;
	/* a static type's tp_name begins with its module, except for builtins */
	if (proc_read_u64(rt->proc, type + l->tp_name, &at) ||
	    proc_read_cstr(rt->proc, at, buf, size)) {
		buf[0] = '\0';
		return proc_is_live(rt->proc) || py_static_name(rt, type, buf, size) ? -EFAULT : 0;
	}
	if (!buf[0])
		return -EILSEQ;
	for (char *p = buf; *p; p++)
		if ((unsigned char)*p < ' ' || (unsigned char)*p >= 0x7f)
			*p = '?';
	return 0;
}

int py_type_name(const struct py_runtime *rt, uint64_t type, char *buf, size_t size)
{
	struct py_private *priv = rt->priv;
	int err;

	if (!size)
		return -EINVAL;
	buf[0] = '\0';
	if (priv && !spend_begin(&priv->naming)) {
		priv->unnamed++;
		return -EBUSY;
	}
	proc_need(rt->proc, true);
	err = type_name(rt, type, buf, size);
	proc_need(rt->proc, false);
	if (priv)
		spend_end(&priv->naming);
	return err;
}

uint64_t py_unnamed(const struct py_runtime *rt)
{
	return rt->priv->unnamed;
}

int py_tp_name(const struct py_runtime *rt, uint64_t type, char *buf, size_t size)
{
	uint64_t at;

	if (!proc_read_u64(rt->proc, type + rt->layout.tp_name, &at) &&
	    !proc_read_cstr(rt->proc, at, buf, size))
		return 0;
	return proc_is_live(rt->proc) ? -EFAULT : py_type_name(rt, type, buf, size);
}

bool py_name_fits(const char *name, const char *want)
{
	size_t n = strlen(name), k = strlen(want);

	return !strcmp(name, want) || (n > k && !strchr(want, '.') && name[n - k - 1] == '.' &&
				       !strcmp(name + n - k, want));
}
