/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds source lines and inlined functions in debug information. The tree of entries is walked
 * here, with bounded depth and length, because libdw's own walk follows a forged tree as deep as it
 * goes. */
#include "base/thread.h"
#include "sym/sym_priv.h"

#include <dwarf.h>

#define MAX_DEPTH   48
#define MAX_ENTRIES 400000	  /* that are looked at in one unit */
#define MAX_CPU_NS  1000000000ull /* for one address: a unit that is not forged takes some 50 ms */

struct search {
	uint64_t addr, until_ns;    /* until_ns: by thread_cpu_ns() */
	Dwarf_Die scope[MAX_DEPTH]; /* functions that hold the address, outermost first */
	size_t n;
	size_t left;
	bool is_late; /* it has taken too long: nothing more is looked at */
};

static bool may_hold_code(int tag)
{
	return tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine ||
	       tag == DW_TAG_lexical_block || tag == DW_TAG_try_block || tag == DW_TAG_catch_block;
}

static bool is_named_scope(int tag)
{
	return tag == DW_TAG_namespace || tag == DW_TAG_structure_type ||
	       tag == DW_TAG_class_type || tag == DW_TAG_module;
}

/* Does the code of an entry hold the address? Each may have a list of ranges as long as the file,
 * so time is limited. */
static bool holds(struct search *s, Dwarf_Die *die)
{
	s->is_late = s->is_late || thread_cpu_ns() > s->until_ns;
	return !s->is_late && dwarf_haspc(die, s->addr) > 0;
}

/* True: the address was found below @die. */
static bool descend(struct search *s, Dwarf_Die *die, unsigned depth)
{
	Dwarf_Die child;

	if (depth == MAX_DEPTH || dwarf_child(die, &child))
		return false;
	do {
		int tag = dwarf_tag(&child);

		if (s->is_late || !s->left--) {
			s->left = 0;
			return false;
		}
		if (is_named_scope(tag) && descend(s, &child, depth + 1))
			return true;
		if (!may_hold_code(tag) || !holds(s, &child))
			continue;
		if ((tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine) &&
		    s->n < ARRAY_SIZE(s->scope))
			s->scope[s->n++] = child;
		descend(s, &child, depth + 1);
		return true;
	} while (!dwarf_siblingof(&child, &child));
	return false;
}

static char *copy(const char *s)
{
	return s ? strdup(s) : NULL;
}

static char *function_of(Dwarf_Die *die)
{
	static const unsigned int linkage[] = {DW_AT_linkage_name, DW_AT_MIPS_linkage_name};
	Dwarf_Attribute attr;
	const char *name = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(linkage) && !name; i++)
		if (dwarf_attr_integrate(die, linkage[i], &attr))
			name = dwarf_formstring(&attr);
	if (name)
		return sym_demangle(name);
	return copy(dwarf_diename(die));
}

/* Returns a number; -1: the entry has none. */
static int number(Dwarf_Die *die, unsigned int at)
{
	Dwarf_Attribute attr;
	Dwarf_Word v;

	if (!dwarf_attr(die, at, &attr) || dwarf_formudata(&attr, &v) || v > INT32_MAX)
		return -1;
	return (int)v;
}

/* From version 5 on, file 0 is the unit's own; before, it is none. */
static int first_file(const Dwarf_Die *cu)
{
	Dwarf_Half version;

	if (dwarf_cu_info(cu->cu, &version, NULL, NULL, NULL, NULL, NULL, NULL))
		return 1;
	return version < 5 ? 1 : 0;
}

static const char *call_file(Dwarf_Die *cu, Dwarf_Die *die)
{
	Dwarf_Files *files;
	size_t n;
	int i = number(die, DW_AT_call_file);

	if (i < first_file(cu) || dwarf_getsrcfiles(cu, &files, &n) || (size_t)i >= n)
		return NULL;
	return dwarf_filesrc(files, (size_t)i, NULL, NULL);
}

static bool find_unit(Dwarf *d, struct search *s, Dwarf_Die *cu)
{
	Dwarf_CU *unit = NULL;

	if (dwarf_addrdie(d, s->addr, cu))
		return true;
	/* without a table of addresses, look at each unit */
	while (!s->is_late && !dwarf_get_units(d, unit, &unit, NULL, NULL, cu, NULL))
		if (holds(s, cu))
			return true;
	return false;
}

/* Are the unit's entries in another file (split DWARF)? libdw would open whatever path stands here,
 * so the entries are left out; the lines are in this file. */
static bool is_skeleton(const Dwarf_Die *cu)
{
	uint8_t type;

	return dwarf_cu_info(cu->cu, NULL, &type, NULL, NULL, NULL, NULL, NULL) ||
	       type == DW_UT_skeleton;
}

size_t sym_lines(struct sym_file *f, uint64_t addr, struct sym_frame *out, size_t max)
{
	Dwarf *d = f->slow_lines ? NULL : sym_file_dwarf(f);
	struct search s = {.addr = addr, .left = MAX_ENTRIES};
	const char *file = NULL;
	Dwarf_Line *line;
	Dwarf_Die cu;
	int number_of = 0;
	size_t n = 0;

	s.until_ns = thread_cpu_ns() + MAX_CPU_NS;
	if (!d || !find_unit(d, &s, &cu)) {
		f->slow_lines = f->slow_lines || s.is_late;
		return 0;
	}
	line = dwarf_getsrc_die(&cu, addr);
	if (line) {
		file = dwarf_linesrc(line, NULL, NULL);
		if (dwarf_lineno(line, &number_of))
			number_of = 0;
	}
	s.until_ns = thread_cpu_ns() + MAX_CPU_NS;
	if (!is_skeleton(&cu))
		descend(&s, &cu, 0);
	f->slow_lines = s.is_late;
	/* innermost first: the entry of an inlined function says where it is called */
	for (size_t i = s.n; i-- > 0 && n < max;) {
		bool inlined = dwarf_tag(&s.scope[i]) == DW_TAG_inlined_subroutine;

		out[n++] = (struct sym_frame){
			.function = function_of(&s.scope[i]),
			.file = copy(file),
			.line = number_of,
			.is_inlined = inlined,
		};
		if (!inlined)
			break;
		file = call_file(&cu, &s.scope[i]);
		number_of = number(&s.scope[i], DW_AT_call_line);
		number_of = number_of > 0 ? number_of : 0;
	}
	if (!n && file)
		out[n++] = (struct sym_frame){.file = copy(file), .line = number_of};
	return n;
}
