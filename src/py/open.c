/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Opens the CPython of a process: finds and checks it, then finds the parts that may be missing. */
#include "base/reading.h"
#include "py/py_priv.h"

static int fill(struct proc *p, struct py_runtime *rt)
{
	int err = py_find(p, rt);

	if (err)
		return err;
	snprintf(rt->layout_source, sizeof(rt->layout_source), "%s 3.%d",
		 rt->minor < PY_FIRST_DEBUG_MINOR ? "table" : "_Py_DebugOffsets", rt->minor);
	err = py_check(rt);
	/* how a running thread finds its own state: only probes need it, and a core file has no
	 * code to decode */
	if (!err && proc_is_live(p))
		err = py_find_tstate(rt);
	if (err)
		return err;
	if (proc_is_live(p))
		py_find_gilstate(rt);
	py_find_gc(rt);
	py_find_allocators(rt);
	py_find_obmalloc(rt);
	rt->allocator = py_allocator_now(rt);
	/* saves memory, as each thread that reads the process has a runtime */
	dso_forget_bytes(rt->dso);
	log_debug("process %d: CPython %s at %s, bias %#llx, %s", p->pid, rt->version, rt->name,
		  (unsigned long long)rt->bias, py_allocator_name(rt->allocator));
	return 0;
}

static uint64_t swapped_reads(const struct proc *p)
{
	struct proc_reads n;

	proc_reads(p, &n);
	return n.swapped;
}

static int explain(const struct proc *p, int err, uint64_t swapped)
{
	if (!swapped || err == -ENOMEM)
		return err;
	return fail(
		-ENODATA,
		"process %d is swapped out so far that it cannot be understood; census --swapped "
		"reads it, which brings it back into memory",
		p->pid);
}

int py_open(struct proc *p, struct py_runtime **out)
{
	struct py_runtime *rt = calloc(1, sizeof(*rt));
	uint64_t swapped = swapped_reads(p);
	int err;

	if (!rt)
		return fail(-ENOMEM, "out of memory");
	rt->priv = calloc(1, sizeof(*rt->priv));
	rt->proc = p;
	proc_need(p, true);
	err = rt->priv ? fill(p, rt) : fail(-ENOMEM, "out of memory");
	proc_need(p, false);
	err = err ? explain(p, err, swapped_reads(p) - swapped) : 0;
	/* if the process has ended, that is the reason for any error */
	if (err && err != -ENOMEM && !proc_alive(p))
		err = fail(-ESRCH, "process %d has ended", p->pid);
	if (err) {
		py_close(rt);
		return err;
	}
	p->code = reading_code_of(dso_fd(rt->dso));
	*out = rt;
	return 0;
}

void py_close(struct py_runtime *rt)
{
	if (!rt)
		return;
	dso_close(rt->dso);
	if (rt->priv)
		py_static_names_free(rt->priv->names);
	free(rt->priv);
	free(rt);
}
