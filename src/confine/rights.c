/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Capabilities: which are kept. */
#include <linux/capability.h>
#include <linux/perf_event.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "confine/confine.h"
#include "probe/probe.h"
#include "sym/sym.h"

/* As many as a stripped build has: what is too slow for them is no choice. */
#define MANY_SITES 300

struct caps {
	uint64_t effective, permitted, inheritable;
};

static uint64_t bit(int cap)
{
	return 1ull << cap;
}

static int caps_get(struct caps *out)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct v[_LINUX_CAPABILITY_U32S_3] = {0};

	if (syscall(SYS_capget, &head, v))
		return fail(-errno, "capabilities cannot be read: %s", strerror(errno));
	*out = (struct caps){
		.effective = v[0].effective | (uint64_t)v[1].effective << 32,
		.permitted = v[0].permitted | (uint64_t)v[1].permitted << 32,
		.inheritable = v[0].inheritable | (uint64_t)v[1].inheritable << 32,
	};
	return 0;
}

static int caps_set(const struct caps *c)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct v[_LINUX_CAPABILITY_U32S_3];

	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		v[i] = (struct __user_cap_data_struct){
			.effective = (uint32_t)(c->effective >> 32 * i),
			.permitted = (uint32_t)(c->permitted >> 32 * i),
			.inheritable = (uint32_t)(c->inheritable >> 32 * i),
		};
	if (syscall(SYS_capset, &head, v))
		return fail(-errno, "capabilities cannot be given up: %s", strerror(errno));
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

	return may_open_events() && !probe_choose(MANY_SITES, PROBE_NONE, &m);
}

/* Does @works say so with @keep alone in effect? */
static bool is_enough(const struct caps *have, uint64_t keep, bool (*works)(void))
{
	const struct caps trial = {.effective = keep & have->permitted,
				   .permitted = have->permitted};
	bool enough = !caps_set(&trial) && works();

	return !caps_set(have) && enough;
}

/* What BPF takes besides reading. CAP_SYS_ADMIN only where a trial without it fails. */
static uint64_t for_bpf(const struct caps *have, uint64_t keep, bool (*works)(void),
			const char *what)
{
	const struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};

	keep |= bit(CAP_BPF) | bit(CAP_PERFMON);
	/* Kernels before 5.11 charge BPF maps to it; refused without CAP_SYS_RESOURCE, and then it
	 * is as it is. */
	setrlimit(RLIMIT_MEMLOCK, &all);
	if ((have->permitted & bit(CAP_SYS_ADMIN)) && !is_enough(have, keep, works)) {
		log_info("CAP_SYS_ADMIN is kept to %s: %s", what, fail_text());
		keep |= bit(CAP_SYS_ADMIN);
	}
	return keep;
}

static int keep_only(const struct caps *have, uint64_t keep)
{
	const struct caps left = {
		.effective = keep & have->permitted,
		.permitted = keep & have->permitted,
	};

	for (int c = 0; c < 64; c++) /* what this needs may be missing: then nothing is gained */
		if (!(keep & bit(c)))
			prctl(PR_CAPBSET_DROP, c, 0, 0, 0);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	return caps_set(&left);
}

int rights_drop(const struct confine_opts *o)
{
	/* map_files, the only way to a file that was deleted, wants CHECKPOINT_RESTORE. */
	uint64_t keep =
		bit(CAP_SYS_PTRACE) | bit(CAP_DAC_READ_SEARCH) | bit(CAP_CHECKPOINT_RESTORE);
	struct caps have = {0};
	int err = caps_get(&have);

	if (err)
		return err;
	if (o->only_files)
		return keep_only(&have, bit(CAP_DAC_READ_SEARCH));
	if (o->kind != FILTER_READS)
		keep = for_bpf(&have, keep, may_open_events, "open perf events");
	return keep_only(&have, keep);
}

/* Root writes everywhere, and replaces what is root's in /tmp. */
int rights_drop_for_files(void)
{
	struct caps have = {0};
	int err = caps_get(&have);

	return err ? err : keep_only(&have, bit(CAP_DAC_OVERRIDE) | bit(CAP_FOWNER));
}

static int no_new_privileges(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return fail(-errno, "no_new_privs was refused: %s", strerror(errno));
	return 0;
}

int confine_guardian(void)
{
	const uint64_t reads = bit(CAP_SYS_PTRACE) | bit(CAP_DAC_READ_SEARCH);
	struct caps have = {0};
	int err = no_new_privileges();

	if (!err)
		err = caps_get(&have);
	if (!err && probe_prepare())
		log_debug("%s", fail_text());
	if (!err)
		err = keep_only(&have, for_bpf(&have, reads, may_place_probes, "place probes"));
	return err ? err : filter_install(FILTER_PLACES);
}

int confine_keeper(void)
{
	int err = no_new_privileges();

	if (!err)
		err = rights_drop_for_files();
	return err ? err : filter_install(FILTER_KEEPS);
}

int confine_asker(void)
{
	struct caps have = {0};
	int err = no_new_privileges();

	if (!err)
		err = caps_get(&have);
	if (!err)
		err = keep_only(&have, 0);
	return err ? err : filter_install(FILTER_ASKS);
}

int confine(const struct confine_opts *o)
{
	int err;

	if (o->is_off)
		return 0;
	err = no_new_privileges();
	if (!err)
		err = rights_drop(o);
	if (!err && o->only_files)
		landlock_files_only();
	return err ? err : filter_install(o->kind);
}
