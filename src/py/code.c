/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copies code objects of the target: names, first line, and the lines that were asked for. Line
 * tables are not kept, as a program's code may have tables of a megabyte each. */
#include "linetable/linetable.h"
#include "py/py_priv.h"
#include "py/versions.h"

#include <limits.h>

#define MAX_NAME   4096
#define MAX_TABLE  (1u << 20)
#define TABLE_UNIT 32	      /* most bytes of table for a unit of bytecode (3.11+: 25) */
#define MAX_UNITS  (1u << 26) /* units of bytecode */
#define MAX_COPIES 65536      /* copies of the bytecode: one per thread */
#define MAX_TRACES 256	      /* traces of a code object (Python/optimizer.c) */
#define RAW	   256	      /* covers the fixed part of every version (216) */

/* The line of the instruction at one offset. */
struct code_line {
	int at, line;
};

struct py_code {
	uint64_t addr;
	uint64_t name_ptr, file_ptr, table_ptr; /* identity */
	uint64_t bytecode; /* address of the first unit; <= 3.10: of a bytes object */
	uint64_t bytes;	   /* length of the bytecode (3.11+) */
	uint64_t lines;	   /* linetable_hash(); 0: not known */
	uint32_t version;  /* its number (3.12+), as no other's; 0: none */
	bool has_numbers;  /* code has numbers (3.12+), but that of the interpreter itself */
	int firstline, instr_kind;
	char *file, *function;
	VEC(struct code_line) line; /* by offset */
};

struct fixed {
	uint64_t name, file, table, bytecode;
	int64_t firstline; /* compared as bytes: no padding */
	uint32_t units, version;
};

/* Has it traces? It has the member in every build, but only the JIT makes an array. */
static bool has_traces(const struct py_runtime *rt, const uint8_t *raw)
{
	uint64_t array = py_word(raw, rt->layout.code_linetable + 16u);
	int32_t n[2]; /* in use, and room for */

	return array && !(array & 7) && !proc_read(rt->proc, array, n, sizeof(n)) && n[0] > 0 &&
	       n[0] <= n[1] && n[1] <= MAX_TRACES;
}

bool py_jit_runs(const struct py_runtime *rt)
{
	return rt->priv->has_traces;
}

/* Reads members of the object itself. */
static int read_fixed(const struct py_runtime *rt, uint64_t addr, struct fixed *f)
{
	const struct py_layout *l = &rt->layout;
	uint8_t raw[RAW] = {0};
	size_t size = rt->priv->build.code_basicsize;

	if (!addr || addr & 7 || size + 4 > sizeof(raw) || proc_read(rt->proc, addr, raw, size))
		return -EFAULT;
	if (py_word(raw, l->ob_type) != rt->code_type)
		return -EILSEQ;
	if (py_code_may_have_traces(rt) && has_traces(rt, raw))
		rt->priv->has_traces = true;
	memset(f, 0, sizeof(*f));
	f->name = py_word(raw, l->code_qualname != PL_NONE ? l->code_qualname : l->code_name);
	f->file = py_word(raw, l->code_filename);
	f->table = py_word(raw, l->code_linetable);
	f->firstline = (int)py_word(raw, l->code_firstlineno);
	if (l->code_version != PL_NONE)
		f->version = (uint32_t)py_word(raw, l->code_version);
	/* 3.11+: code is a variable-size object whose items are the units */
	if (rt->walk.instr_kind == PL_INSTR_POINTER)
		f->units = (uint32_t)py_word(raw, l->ob_size);
	else
		f->bytecode = py_word(raw, l->code_code);
	return 0;
}

static int read_name(const struct py_runtime *rt, uint64_t str, char **out)
{
	char buf[MAX_NAME];
	int err = py_read_str(rt, str, buf, sizeof(buf));

	if (err)
		return err;
	*out = strdup(buf);
	return *out ? 0 : -ENOMEM;
}

static int copy_out(const struct py_runtime *rt, struct py_code *c)
{
	struct fixed f, again;
	int err = read_fixed(rt, c->addr, &f);

	if (err)
		return err;
	if (f.firstline < 0 || f.units > MAX_UNITS)
		return -EILSEQ;
	c->name_ptr = f.name;
	c->file_ptr = f.file;
	c->table_ptr = f.table;
	c->firstline = (int)f.firstline;
	c->version = f.version;
	c->has_numbers = rt->layout.code_version != PL_NONE;
	c->instr_kind = rt->walk.instr_kind;
	c->bytecode = f.bytecode ? f.bytecode : c->addr + rt->layout.code_code;
	c->bytes = 2 * (uint64_t)f.units;
	err = read_name(rt, f.name, &c->function);
	err = err ? err : read_name(rt, f.file, &c->file);
	if (err)
		return err;
	/* the parts belong together only if the object is still the same */
	err = read_fixed(rt, c->addr, &again);
	if (!err && memcmp(&f, &again, sizeof(f)) != 0)
		err = -ESTALE;
	return err;
}

int py_code_read(const struct py_runtime *rt, uint64_t addr, struct py_code **out)
{
	struct py_code *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	c->addr = addr;
	proc_need(rt->proc, true);
	err = copy_out(rt, c);
	proc_need(rt->proc, false);
	if (err) {
		py_code_free(c);
		return err;
	}
	*out = c;
	return 0;
}

void py_code_free(struct py_code *c)
{
	if (!c)
		return;
	free(c->file);
	free(c->function);
	vec_free(&c->line);
	free(c);
}

static bool has_its_members(const struct py_runtime *rt, const struct py_code *c)
{
	struct fixed f;
	int err;

	proc_need(rt->proc, true);
	err = read_fixed(rt, c->addr, &f);
	proc_need(rt->proc, false);
	return !err && f.firstline == c->firstline && f.name == c->name_ptr &&
	       f.table == c->table_ptr && f.file == c->file_ptr && f.version == c->version &&
	       2 * (uint64_t)f.units == c->bytes;
}

/* Can lines of its table be compared? From 3.11 on not if the length of its bytecode is 0. */
static bool may_tell_lines(const struct py_code *c)
{
	return c->bytes || c->instr_kind != PL_INSTR_POINTER;
}

/* May it be code that comes and goes? Code of files stays; names of a frozen application's files
 * are relative. */
bool py_code_may_go(const struct py_code *c)
{
	size_t n = strlen(c->file);

	return *c->file != '/' && strncmp(c->file, "<frozen ", 8) != 0 &&
	       (n < 3 || strcmp(c->file + n - 3, ".py") != 0);
}

/* May other code look the same? Code of exec() and all its parts get the addresses of the last one:
 * without numbers only its lines tell it from others. */
static bool may_have_twins(const struct py_code *c)
{
	return may_tell_lines(c) && !c->has_numbers && py_code_may_go(c);
}

bool py_code_is_like(const struct py_code *c, const struct py_code *now)
{
	return c->name_ptr == now->name_ptr && c->table_ptr == now->table_ptr &&
	       c->file_ptr == now->file_ptr && c->firstline == now->firstline;
}

bool py_code_tells_same(const struct py_code *c, const struct py_code *now)
{
	return (!c->lines || !now->lines || c->lines == now->lines) &&
	       c->firstline == now->firstline &&
	       (py_code_is_like(c, now) ||
		(!strcmp(c->function, now->function) && !strcmp(c->file, now->file)));
}

bool py_code_is_again(const struct py_code *c, const struct py_code *now)
{
	return py_code_is_like(c, now) && c->lines == now->lines;
}

bool py_code_has_number(const struct py_code *c)
{
	return c->version;
}

bool py_code_renumber(struct py_code *c, const struct py_code *now)
{
	bool is_another = c->version != now->version;

	c->version = now->version;
	c->bytes = now->bytes;
	return is_another;
}

uint64_t py_code_addr(const struct py_code *c)
{
	return c->addr;
}

/* The shim is _Py_InitCleanup (Python/specialize.c). */
bool py_code_is_shim(const struct py_code *c)
{
	return !c->firstline && c->file_ptr == c->name_ptr;
}

const char *py_code_file(const struct py_code *c)
{
	return c->file;
}

const char *py_code_function(const struct py_code *c)
{
	return c->function;
}

int py_code_firstline(const struct py_code *c)
{
	return c->firstline;
}

/* The byte offset of the instruction; -1 = the frame has not begun; -ESTALE = it is not of this
 * code. */
static int64_t offset_of(const struct py_code *c, uint64_t instr)
{
	int32_t lasti = (int32_t)instr;

	switch (c->instr_kind) {
	case PL_INSTR_LASTI_BYTES:
		return lasti;
	case PL_INSTR_LASTI_UNITS:
		return lasti < 0 ? -1 : 2 * (int64_t)lasti;
	default:
		/* a frame that is being pushed may be before the first unit */
		if (instr + 2 == c->bytecode)
			return -1;
		return instr - c->bytecode < c->bytes ? (int64_t)(instr - c->bytecode) : -ESTALE;
	}
}

/* Searches struct _PyCodeArray (3.14, Include/cpython/code.h): a size, then pointers to copies of
 * the bytecode, the first of them to the one at the end of the code object. */
uint64_t py_code_instr(const struct py_runtime *rt, const struct py_code *c, uint64_t instr)
{
	uint64_t array, size, copy[64];

	if (!rt->layout.code_tlbc || instr - c->bytecode < c->bytes ||
	    proc_read_u64(rt->proc, c->addr + rt->layout.code_tlbc, &array) || !array ||
	    proc_read_u64(rt->proc, array, &size) || size > MAX_COPIES)
		return instr;
	for (uint64_t i = 0; i < size; i += ARRAY_SIZE(copy)) {
		size_t n = size - i < ARRAY_SIZE(copy) ? (size_t)(size - i) : ARRAY_SIZE(copy);

		if (proc_read(rt->proc, array + 8 + 8 * i, copy, 8 * n))
			return instr;
		for (size_t k = 0; k < n; k++)
			if (copy[k] && instr - copy[k] < c->bytes)
				return c->bytecode + (instr - copy[k]);
	}
	return instr;
}

/* Hashes lines; 0: not known. Up to 3.10 bytecode and table are objects of one type, unless one of
 * them is gone. */
static uint64_t lines_of(const struct py_runtime *rt, const struct py_code *c, const uint8_t *table,
			 size_t len)
{
	const struct py_layout *l = &rt->layout;
	uint64_t type, size, of_table;

	if (c->instr_kind == PL_INSTR_POINTER)
		return c->bytes ? linetable_hash(table, len, c->firstline, (int64_t)c->bytes) : 0;
	if (proc_read_u64(rt->proc, c->table_ptr + l->ob_type, &of_table) ||
	    proc_read_u64(rt->proc, c->bytecode + l->ob_type, &type) || type != of_table ||
	    proc_read_u64(rt->proc, c->bytecode + l->ob_size, &size))
		return 0;
	return linetable_hash_pairs(table, len, (int64_t)size,
				    c->instr_kind == PL_INSTR_LASTI_UNITS);
}

/* Reads the line table, as far as bytecode of this length can need it. */
static int read_table(const struct py_runtime *rt, struct py_code *c, uint8_t **out, size_t *size)
{
	const struct py_layout *l = &rt->layout;
	auto_free uint8_t *table = NULL;
	uint64_t len, lines;

	if (proc_read_u64(rt->proc, c->table_ptr + l->ob_size, &len))
		return -EFAULT;
	if (len > MAX_TABLE)
		return -EILSEQ;
	if (c->instr_kind == PL_INSTR_POINTER && len > TABLE_UNIT * (c->bytes / 2 + 1))
		len = TABLE_UNIT * (c->bytes / 2 + 1);
	table = malloc(len + 1);
	if (!table)
		return -ENOMEM;
	if (proc_read(rt->proc, c->table_ptr + l->bytes_data, table, len))
		return -EFAULT;
	/* the table belongs to the known names only if the object is still the same */
	lines = lines_of(rt, c, table, len);
	if (!has_its_members(rt, c))
		return -ESTALE;
	if (c->lines && lines != c->lines && (c->version || may_have_twins(c)))
		return lines ? -ESTALE : -EILSEQ;
	c->lines = lines;
	*out = take(table);
	*size = len;
	return 0;
}

static int look_up(const struct py_code *c, const uint8_t *table, size_t len, int at)
{
	int line;

	if (c->instr_kind == PL_INSTR_LASTI_BYTES)
		line = linetable_lnotab(table, len, c->firstline, at);
	else if (c->instr_kind == PL_INSTR_LASTI_UNITS)
		line = linetable_310(table, len, c->firstline, at);
	else
		line = linetable_locations(table, len, c->firstline, at);
	return line > 0 ? line : c->firstline;
}

/* The index of @at among the known lines, or where it is to be inserted. */
static size_t place_of(const struct py_code *c, int at)
{
	size_t lo = 0, hi = c->line.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (c->line.v[mid].at < at)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void keep(struct py_code *c, size_t place, struct code_line line)
{
	struct code_line *v;

	if (!vec_push(&c->line))
		return;
	v = c->line.v + place;
	memmove(v + 1, v, (c->line.n - 1 - place) * sizeof(*v));
	*v = line;
}

int py_code_line(const struct py_runtime *rt, struct py_code *c, uint64_t instr)
{
	int64_t at = offset_of(c, instr);
	auto_free uint8_t *table = NULL;
	size_t place, len = 0;
	int err, line;

	/* where threads have copies of their own, one may have gone with its thread */
	if (at == -ESTALE)
		return rt->layout.code_tlbc && has_its_members(rt, c) ? 0 : -ESTALE;
	if (at < 0 || at > INT_MAX)
		return c->firstline;
	place = place_of(c, (int)at);
	if (place < c->line.n && c->line.v[place].at == at)
		return c->line.v[place].line;
	proc_need(rt->proc, true);
	err = read_table(rt, c, &table, &len);
	proc_need(rt->proc, false);
	if (err)
		return err;
	/* A table whose first byte begins no entry has another format: Nuitka's, on 3.11. Up to
	 * 3.10 a program may have made a table of its own, but not for code that comes and goes. */
	if (!c->lines && c->bytes)
		return len && table[0] & 0x80 ? 0 : c->firstline;
	if (!c->lines && may_have_twins(c))
		return 0;
	line = look_up(c, table, len, (int)at);
	keep(c, place, (struct code_line){(int)at, line});
	return line;
}

int py_code_read_lines(const struct py_runtime *rt, struct py_code *c)
{
	auto_free uint8_t *table = NULL;
	size_t len;
	int err;

	if (!may_tell_lines(c))
		return 0;
	proc_need(rt->proc, true);
	err = read_table(rt, c, &table, &len);
	proc_need(rt->proc, false);
	return err || c->lines ? err : -EILSEQ;
}

bool py_code_same(const struct py_runtime *rt, struct py_code *c)
{
	return has_its_members(rt, c) &&
	       (!may_have_twins(c) || (c->lines && py_code_read_lines(rt, c) != -ESTALE));
}

size_t py_code_bytes(const struct py_code *c)
{
	return sizeof(*c) + strlen(c->file) + strlen(c->function) +
	       c->line.cap * sizeof(*c->line.v);
}
