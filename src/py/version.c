/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds the version of a CPython, whether it is a debug or free-threaded build, and its layout. */
#include "py/py_priv.h"

#include <ctype.h>
#include <stdio.h>

/* Exported functions that are new in a version, newest first. They tell the minor where no version
 * number is stored (before 3.11) or saved (core files). */
static const struct {
	const char *symbol;
	int minor;
} first_in[] = {
	{"PyUnstable_InterpreterFrame_GetCode", 12},
	{"PyFrame_GetLasti", 11},
	{"PyGC_Enable", 10},
	{"PyObject_CallNoArgs", 9},
	{"PyCode_NewWithPosOnlyArgs", 8},
};

void py_format_version(uint32_t hexversion, char *buf, size_t size)
{
	/* PY_VERSION_HEX: major, minor, micro, then level and serial in a nibble each. */
	unsigned int level = hexversion >> 4 & 15, serial = hexversion & 15;
	int n = snprintf(buf, size, "%u.%u.%u", hexversion >> 24, hexversion >> 16 & 255,
			 hexversion >> 8 & 255);

	if (level != 0xf && n > 0 && (size_t)n < size)
		snprintf(buf + n, size - (size_t)n, "%s%u",
			 level == 0xa	? "a"
			 : level == 0xb ? "b"
					: "rc",
			 serial);
}

/* Finds the micro number, as in "3.8.18", in the read-only data; -1 = none. */
static int find_micro(const struct dso *d, int major, int minor)
{
	struct dso_range r;
	char prefix[16];
	const uint8_t *p, *end;
	size_t k;

	if (dso_section(d, ".rodata", &r) || !r.data)
		return -1;
	k = (size_t)snprintf(prefix, sizeof(prefix), "%d.%d.", major, minor);
	end = r.data + r.size;
	for (p = r.data; (p = memmem(p, (size_t)(end - p), prefix, k)); p++) {
		const uint8_t *q = p + k;
		int micro = 0;

		if (p > r.data && (isalnum(p[-1]) || p[-1] == '.'))
			continue;
		while (q < end && isdigit(*q) && micro < 100)
			micro = micro * 10 + (*q++ - '0');
		if (q < end && *q == '+')
			q++;
		if (q > p + k && q < end && !*q)
			return micro;
	}
	return -1;
}

static bool has(const struct dso *d, const char *symbol)
{
	struct dso_sym s;

	return !dso_symbol(d, symbol, &s);
}

bool py_old_version(const struct dso *d, const char *path, char *buf, size_t size)
{
	const char *p = path;
	int micro;

	if (!has(d, "Py_Main") || !has(d, "PyThreadState_Get"))
		return false;
	if (has(d, "PyString_FromString")) {
		micro = find_micro(d, 2, 7);
		if (micro < 0)
			snprintf(buf, size, "2");
		else
			snprintf(buf, size, "2.7.%d", micro);
		return true;
	}
	/* the minor is in the file's name: python3.6, libpython3.6m.so.1.0 */
	while ((p = strstr(p, "python3."))) {
		int minor = atoi(p + 8);

		micro = minor >= 0 && minor <= 6 ? find_micro(d, 3, minor) : -1;
		if (micro >= 0) {
			snprintf(buf, size, "3.%d.%d", minor, micro);
			return true;
		}
		p += 8;
	}
	snprintf(buf, size, "3.6 or older");
	return true;
}

static int version_by_symbols(struct py_runtime *rt)
{
	int micro;

	/* a static program that was stripped has no names, as no library needs them */
	if (!has(rt->dso, "PyThreadState_Get"))
		return fail(-ENOTSUP,
			    "process %d (%s): its CPython is stripped of all names, and only 3.13 "
			    "and newer can do without: build it without strip, or with -rdynamic",
			    rt->proc->pid, rt->proc->comm);
	rt->minor = 7;
	for (size_t i = ARRAY_SIZE(first_in); i-- > 0;)
		if (has(rt->dso, first_in[i].symbol))
			rt->minor = first_in[i].minor;
	micro = find_micro(rt->dso, 3, rt->minor);
	rt->hexversion = 0x030000f0u | (uint32_t)rt->minor << 16;
	if (micro >= 0)
		rt->hexversion |= (uint32_t)(micro & 255) << 8;
	py_format_version(rt->hexversion, rt->version, sizeof(rt->version));
	if (micro < 0)
		snprintf(rt->version, sizeof(rt->version), "3.%d", rt->minor);
	return 0;
}

/* Reads Py_Version (3.11+) or the head of _Py_DebugOffsets (3.13+) of the process. */
static int read_version(struct py_runtime *rt)
{
	struct {
		char cookie[8];
		uint64_t version, free_threaded;
	} head;
	uint64_t at;

	if (proc_read(rt->proc, rt->runtime, &head, sizeof(head)))
		return fail(-EFAULT, "process %d: _PyRuntime of %s cannot be read", rt->proc->pid,
			    rt->name);
	if (!memcmp(head.cookie, "xdebugpy", 8)) {
		rt->hexversion = (uint32_t)head.version;
		rt->free_threaded = head.free_threaded == 1;
	} else {
		at = py_symbol(rt, "Py_Version");
		/* a core file has no constants, and the program may not be on this machine */
		if (!at ||
		    (!proc_is_live(rt->proc) && proc_read_u32(rt->proc, at, &rt->hexversion)))
			return version_by_symbols(rt);
		if (proc_read_u32(rt->proc, at, &rt->hexversion))
			return fail(-EFAULT, "process %d: Py_Version of %s cannot be read",
				    rt->proc->pid, rt->name);
	}
	rt->minor = (int)(rt->hexversion >> 16 & 255);
	py_format_version(rt->hexversion, rt->version, sizeof(rt->version));
	return 0;
}

static int refuse_unsupported(const struct py_runtime *rt)
{
	const struct proc *p = rt->proc;

	if (rt->hexversion >> 24 != 3)
		return fail(-ENOTSUP, "process %d (%s) runs CPython %s: 3.8 to 3.%d are supported",
			    p->pid, p->comm, rt->version, py_last_minor());
	if (rt->minor < PY_FIRST_MINOR)
		return fail(-ENOTSUP,
			    "process %d (%s) runs CPython %s, which is too old: 3.8 to 3.%d are "
			    "supported",
			    p->pid, p->comm, rt->version, py_last_minor());
	if (rt->minor > py_last_minor())
		return fail(-ENOTSUP,
			    "process %d (%s) runs CPython %s, which is newer than this program "
			    "knows: 3.8 to 3.%d are supported",
			    p->pid, p->comm, rt->version, py_last_minor());
	if (rt->free_threaded && rt->minor > PY_LAST_FREE_THREADED)
		return fail(-ENOTSUP,
			    "process %d (%s) runs a free-threaded CPython %s: of free-threaded "
			    "builds 3.13 and 3.14 are supported",
			    p->pid, p->comm, rt->version);
	return 0;
}

int py_find_version(struct py_runtime *rt)
{
	int err = read_version(rt);

	err = err ? err : refuse_unsupported(rt);
	if (err)
		return err;
	/* only builds that check reference counts (Py_REF_DEBUG, part of Py_DEBUG) export it */
	rt->debug = has(rt->dso, "_Py_NegativeRefcount");
	rt->priv->build = py_table(rt->minor);
	if (rt->free_threaded)
		py_free_threaded_build(&rt->priv->build);
	if (rt->minor >= PY_FIRST_DEBUG_MINOR)
		err = py_read_debug_offsets(rt, &rt->priv->build);
	rt->layout = rt->priv->build.layout;
	rt->walk = rt->priv->build.walk;
	return err;
}
