/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The half of `doctor` that looks at one process. */
#include <stdio.h>

#include "cli/find.h"
#include "command/doctor_priv.h"
#include "heap/heap.h"
#include "inquiry/unseen.h"
#include "places/files.h"
#include "probe/probe.h"
#include "proc/limits.h"
#include "py/shape.h"

#define ROOM (2u << 20) /* probes may need 1 MiB, and a copy of each page that they are in */

static void build(struct doctor *d, const struct py_runtime *rt)
{
	doctor_add(d, DOCTOR_OK, "Python", "CPython %s%s%s, %s", rt->version,
		   rt->free_threaded ? " free-threaded" : "", rt->debug ? " debug" : "", rt->name);
	doctor_add(d, DOCTOR_OK, "layouts", "%s, checked against the process", rt->layout_source);
}

static void shape(struct doctor *d, const struct py_runtime *rt, size_t births)
{
	char words[PY_SHAPE_WORDS];
	struct py_shape s;
	const char *like;

	py_shape(rt, births, places_tail_calls(rt), &s);
	like = py_shape_tested(&s);
	py_shape_words(&s, words, sizeof(words));
	if (like) {
		doctor_add(d, DOCTOR_OK, "build", "%s: like %s, tested", words, like);
		return;
	}
	doctor_add(d, DOCTOR_NOTE, "build", "%s: no build like this one is tested", words);
	doctor_remedy(d, "what is found there is checked all the same, and left out when in doubt");
}

static const char *not_asked_of(const struct py_runtime *rt)
{
	struct heap *heap;
	const char *why;

	if (heap_open(rt, &heap))
		return "the heap is not asked";
	why = unseen_not_asked(rt, heap);
	heap_close(heap);
	return why;
}

static size_t births(struct doctor *d, const struct py_runtime *rt)
{
	auto_free struct places_files *files = calloc(1, sizeof(*files));
	const char *not_asked = not_asked_of(rt);
	size_t n;
	int err = files ? places_find_files(rt, files) : fail(-ENOMEM, "out of memory");

	if (!err && py_has_nuitka(rt))
		err = fail(-ENOTSUP, PY_NUITKA_WORDS);
	if (err) {
		doctor_add(d, DOCTOR_NOTE, "birth sites", "%s", fail_text());
		doctor_remedy(d, "lines of Python objects cannot be told here; memory of C code, "
				 "the census and `why` work");
	} else {
		doctor_add(d, DOCTOR_OK, "birth sites",
			   "%zu, complete by the code; %s whether all births are seen",
			   files->n_points, not_asked ? not_asked : "a watch asks the heap");
	}
	n = files ? files->n_points : 0;
	if (files)
		places_forget_files(files);
	return n;
}

static void pools(struct doctor *d, const struct py_runtime *rt)
{
	struct heap *heap = NULL;
	struct heap_census *census = calloc(1, sizeof(*census));
	char mapped[32];

	if (!census || heap_open(rt, &heap)) {
		doctor_add(d, DOCTOR_NO, "heap", "%s", census ? fail_text() : "out of memory");
	} else if (heap_census(heap, census)) {
		doctor_add(d, DOCTOR_NOTE, "heap", "allocator %s: %s",
			   py_allocator_name(rt->allocator), fail_text());
		doctor_remedy(d, "rates of Python objects rest on fewer figures");
	} else {
		fmt_bytes(mapped, sizeof(mapped), (double)census->arena_bytes);
		doctor_add(d, DOCTOR_OK, "heap", "allocator %s, %llu arenas of %s in all",
			   py_allocator_name(rt->allocator), (unsigned long long)census->arenas,
			   mapped);
	}
	heap_close(heap);
	free(census);
}

static void limits(struct doctor *d, const struct proc *p)
{
	struct proc_limit limit[PROC_LIMITS];
	struct proc_memory memory;
	struct proc_cgroup group;
	char rss[32], max[32], left[32];
	uint64_t room;
	size_t n;

	if (proc_memory(p, &memory))
		return;
	if (memory.stopped) {
		doctor_add(d, DOCTOR_NOTE, "state", "stopped, by a signal or a debugger");
		doctor_remedy(d, "nothing grows in it until it goes on: kill -CONT %d", p->pid);
	}
	proc_cgroup(p, &group);
	room = proc_room_in(&group);
	n = proc_limits(p, &memory, &group, limit);
	fmt_bytes(rss, sizeof(rss), (double)memory.rss_bytes);
	if (!n) {
		doctor_add(d, DOCTOR_NOTE, "memory", "RSS %s, limit not known", rss);
		return;
	}
	fmt_bytes(max, sizeof(max), (double)limit[0].limit);
	fmt_bytes(left, sizeof(left), (double)(room < ROOM ? room : limit[0].left_low));
	doctor_add(d, room < ROOM ? DOCTOR_NOTE : DOCTOR_OK, "memory",
		   "RSS %s, nearest limit %s (%s), %s left", rss, max, limit[0].name, left);
	if (room < ROOM)
		doctor_remedy(d,
			      "too little for probes, which copy pages of code at its cost: raise "
			      "the limit by 3 MiB. Growth, the census and `why` work as it is");
}

void doctor_target(struct doctor *d, int pid)
{
	struct py_runtime *rt = NULL;
	struct proc *p = NULL;

	int err = proc_open(pid, &p);

	if (err) {
		cli_find_meant(err, pid);
		doctor_add(d, DOCTOR_NO, "process", "%s", fail_text());
		return;
	}
	doctor_add(d, DOCTOR_OK, "process", "%d (%s)%s", pid, p->comm,
		   p->ns_pid != p->pid ? ", in a pid namespace of its own" : "");
	doctor_tell(d);
	err = py_open(p, &rt);
	if (err) {
		cli_find_meant(err, pid);
		doctor_add(d, DOCTOR_NO, "Python", "%s", fail_text());
	} else {
		build(d, rt);
		doctor_tell(d);
		shape(d, rt, births(d, rt));
		doctor_tell(d);
		pools(d, rt);
	}
	limits(d, p);
	py_close(rt);
	proc_close(p);
}
