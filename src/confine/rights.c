/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Capabilities: which are kept. */
#include <cap-ng.h>
#include <linux/perf_event.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "confine/confine.h"
#include "probe/host.h"
#include "probe/probe.h"
#include "sym/sym.h"

/* As many as a stripped build has: what is too slow for them is no choice. */
#define MANY_SITES 300

static uint64_t bit(unsigned cap)
{
	return 1ull << cap;
}

static bool is_permitted(unsigned cap)
{
	return capng_have_capability(CAPNG_PERMITTED, cap);
}

/* Puts into effect what of @keep is permitted. */
static int use(uint64_t keep)
{
	for (unsigned c = 0; c < 64; c++)
		capng_update((keep & bit(c)) && is_permitted(c) ? CAPNG_ADD : CAPNG_DROP,
			     CAPNG_EFFECTIVE, c);
	if (capng_apply(CAPNG_SELECT_CAPS))
		return fail(-EPERM, "capabilities cannot be given up: %s", strerror(errno));
	return 0;
}

/* Kernels of Debian and Ubuntu refuse every perf event, tracepoints too, where
 * kernel.perf_event_paranoid is 3 or more, whatever CAP_PERFMON says. */
static bool may_open_events(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_DUMMY,
	};
	auto_close int fd =
		(int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);

	if (fd < 0)
		fail(-errno, "this kernel refuses perf events without it");
	return fd >= 0;
}

static bool may_place_probes(void)
{
	enum probe_mechanism m;

	return may_open_events() && !probe_choose_for(0, MANY_SITES, &m);
}

/* Does @works say so with @keep alone in effect? */
static bool is_enough(uint64_t keep, bool (*works)(void))
{
	bool enough = !use(keep) && works();

	return !use(~0ull) && enough;
}

/* The rights that BPF takes besides reading. CAP_SYS_ADMIN only where a trial without it fails. */
static uint64_t for_bpf(uint64_t keep, bool (*works)(void), const char *what)
{
	const struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};

	keep |= bit(CAP_BPF) | bit(CAP_PERFMON);
	/* Kernels before 5.11 charge BPF maps to it; refused without CAP_SYS_RESOURCE, and then it
	 * is as it is. */
	setrlimit(RLIMIT_MEMLOCK, &all);
	if (is_permitted(CAP_SYS_ADMIN) && !is_enough(keep, works)) {
		log_info("CAP_SYS_ADMIN is kept to %s: %s", what, fail_text());
		keep |= bit(CAP_SYS_ADMIN);
	}
	return keep;
}

static int keep_only(uint64_t keep)
{
	for (unsigned c = 0; c < 64; c++) {
		capng_update(CAPNG_DROP, CAPNG_INHERITABLE, c); /* the ambient ones go with them */
		if (!(keep & bit(c)))
			capng_update(CAPNG_DROP, CAPNG_PERMITTED | CAPNG_BOUNDING_SET, c);
	}
	capng_apply(CAPNG_SELECT_BOUNDS); /* what this needs may be missing: nothing is gained */
	return use(keep);
}

static int rights_drop(const struct confine_opts *o)
{
	/* map_files, the only way to a file that was deleted, wants CHECKPOINT_RESTORE. */
	const uint64_t reads =
		bit(CAP_SYS_PTRACE) | bit(CAP_DAC_READ_SEARCH) | bit(CAP_CHECKPOINT_RESTORE);

	if (o->only_files)
		return keep_only(bit(CAP_DAC_READ_SEARCH));
	if (o->kind == FILTER_READS)
		return keep_only(reads);
	return keep_only(for_bpf(reads, may_open_events, "open perf events"));
}

/* libcap-ng keeps the sets of the calling thread: as they are now. */
static int begin(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return fail(-errno, "no_new_privs was refused: %s", strerror(errno));
	if (capng_get_caps_process())
		return fail(-EPERM, "capabilities cannot be read: %s", strerror(errno));
	return 0;
}

int confine_guardian(void)
{
	/* IPC_LOCK: a container has no right to raise the limit of what is held in memory. */
	const uint64_t keep = bit(CAP_SYS_PTRACE) | bit(CAP_DAC_READ_SEARCH) | bit(CAP_IPC_LOCK);
	int err = begin();

	if (!err && probe_prepare())
		log_debug("%s", fail_text());
	host_lock_open();
	if (!err)
		err = keep_only(for_bpf(keep, may_place_probes, "place probes"));
	return err ? err : filter_install(FILTER_PLACES);
}

int confine_keeper(void)
{
	int err = begin();

	/* Root writes everywhere, replaces what is root's in /tmp, and gives a report to whom it is
	 * for. */
	if (!err)
		err = keep_only(bit(CAP_DAC_OVERRIDE) | bit(CAP_FOWNER) | bit(CAP_CHOWN));
	return err ? err : filter_install(FILTER_KEEPS);
}

int confine_asker(void)
{
	int err = begin();

	if (!err)
		err = keep_only(0);
	return err ? err : filter_install(FILTER_ASKS);
}

int confine_storage_asker(void)
{
	int err = begin();

	if (!err)
		err = keep_only(bit(CAP_DAC_READ_SEARCH));
	return err ? err : filter_install(FILTER_TRIES);
}

int confine_painter(void)
{
	int err = begin();

	if (!err)
		err = keep_only(0);
	return err ? err : filter_install_painting(FILTER_PAINTS);
}

int confine(const struct confine_opts *o)
{
	int err;

	if (o->is_off)
		return 0;
	err = begin();
	if (!err)
		err = rights_drop(o);
	if (!err && o->only_files)
		landlock_files_only();
	if (err)
		return err;
	return o->paints ? filter_install_painting(o->kind) : filter_install(o->kind);
}
