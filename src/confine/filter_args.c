/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Checks that a filter can make on arguments: numbers, not what pointers lead to. */
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "confine/filter_priv.h"

/* Newer than the headers of Debian 11. */
#define SET_VMA	      0x53564d41u
#define IO_TCGETS2    0x802c542au
#define IO_PAGEMAP    0xc0606610u /* PAGEMAP_SCAN */
#define IO_TCSETS2    0x402c542bu
#define IO_TCSETSW2   0x402c542cu
#define IO_TCSETSF2   0x402c542du
#define BPF_NEW_TOKEN 36 /* libbpf asks for one where a file system of them is mounted */

#define LOW32		   0xffffffffu
#define WITH(call, ...)	   seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(call), __VA_ARGS__)
#define HAS(arg, mask, is) SCMP_A##arg(SCMP_CMP_MASKED_EQ, mask, is)

struct one_of {
	int call;
	unsigned arg;
	uint32_t value[24]; /* ends with 0, which may be the first */
};

/* The kernel looks at the lower half of these arguments only. */
static const struct one_of for_all[] = {
	/* No owner of a descriptor, who would get signals in our name. */
	{SCMP_SYS(fcntl),
	 1,
	 {F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC, F_OFD_GETLK}},
	/* Nothing is typed into our terminal, behind which is root's shell (TIOCSTI, TIOCLINUX). */
	{SCMP_SYS(ioctl),
	 1,
	 {TCGETS, IO_TCGETS2, TIOCGWINSZ, TIOCGPGRP, FIONREAD, FIONBIO, FIOCLEX, IO_PAGEMAP}},
	{SCMP_SYS(prctl), 0, {PR_SET_NAME, PR_GET_NAME, SET_VMA}},
};

/* How the terminal is set, not what is typed into it. */
static const struct one_of for_painting[] = {
	{SCMP_SYS(ioctl), 1, {TCSETS, TCSETSW, TCSETSF, IO_TCSETS2, IO_TCSETSW2, IO_TCSETSF2}},
};

static const struct one_of for_bpf[] = {
	{SCMP_SYS(ioctl),
	 1,
	 {PERF_EVENT_IOC_ENABLE, PERF_EVENT_IOC_DISABLE, PERF_EVENT_IOC_SET_BPF}},
	/* Nothing of others: no pins, no numbers of what they have loaded. */
	{SCMP_SYS(bpf),
	 0,
	 {BPF_MAP_CREATE,	   BPF_MAP_LOOKUP_ELEM,	 BPF_MAP_UPDATE_ELEM,
	  BPF_MAP_DELETE_ELEM,	   BPF_MAP_GET_NEXT_KEY, BPF_PROG_LOAD,
	  BPF_OBJ_GET_INFO_BY_FD,  BPF_BTF_LOAD,	 BPF_MAP_LOOKUP_AND_DELETE_ELEM,
	  BPF_MAP_FREEZE,	   BPF_MAP_LOOKUP_BATCH, BPF_MAP_LOOKUP_AND_DELETE_BATCH,
	  BPF_MAP_UPDATE_BATCH,	   BPF_MAP_DELETE_BATCH, BPF_LINK_CREATE,
	  BPF_RAW_TRACEPOINT_OPEN, BPF_PROG_TEST_RUN,	 BPF_ENABLE_STATS,
	  BPF_PROG_BIND_MAP,	   BPF_NEW_TOKEN}},
};

static int add_one_of(scmp_filter_ctx f, const struct one_of *v, size_t n)
{
	int err = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; !err && k < ARRAY_SIZE(v->value) && (!k || v[i].value[k]); k++)
			err = seccomp_rule_add(
				f, SCMP_ACT_ALLOW, v[i].call, 1,
				SCMP_CMP(v[i].arg, SCMP_CMP_MASKED_EQ, LOW32, v[i].value[k]));
	return err;
}

/* Files are opened to be read; those that the user wants written another process opens. */
static int add_reading(scmp_filter_ctx f)
{
	const uint32_t writes = O_ACCMODE | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY);
	int err = WITH(openat, 1, HAS(2, writes, O_RDONLY));

	err = err ? err : WITH(open, 1, HAS(1, writes, O_RDONLY));
	/* Only ourselves. */
	err = err ? err : WITH(setpriority, 2, HAS(0, LOW32, PRIO_PROCESS), HAS(1, LOW32, 0));
	err = err ? err
		  : WITH(sched_setscheduler, 2, HAS(0, LOW32, 0), HAS(1, LOW32, SCHED_NORMAL));
	err = err ? err : WITH(prlimit64, 1, HAS(0, LOW32, 0));
	/* Signals to ourselves; none to others, but whether they are there. */
	err = err ? err : WITH(kill, 1, HAS(1, LOW32, 0));
	err = err ? err : WITH(kill, 1, HAS(0, LOW32, (uint32_t)getpid()));
	/* To somebody who is connected already. */
	return err ? err : WITH(sendto, 1, SCMP_A4(SCMP_CMP_EQ, 0));
}

static int add_watching(scmp_filter_ctx f)
{
	/* Tracepoints; nothing of one process. */
	int err = WITH(perf_event_open, 1, HAS(1, LOW32, LOW32));

	/* Channels to the guardian. Packets of this kind go to the other end, whatever address
	 * they have. */
	return err ? err
		   : WITH(socketpair, 2, HAS(0, LOW32, AF_UNIX),
			  HAS(1, LOW32, SOCK_SEQPACKET | SOCK_CLOEXEC));
}

static int add_placing(scmp_filter_ctx f)
{
	int err = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(perf_event_open), 0);

	/* Tried where tracefs is nowhere, before it is said so. */
	return err ? err : seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(mount), 0);
}

static bool has_bpf(enum filter_kind kind)
{
	return kind == FILTER_WATCHES || kind == FILTER_SERVES || kind == FILTER_PLACES;
}

/* Libraries that know names are loaded when they are asked. */
static int add_asking(scmp_filter_ctx f)
{
	static const uint32_t families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(families) && !err; i++)
		err = WITH(socket, 1, HAS(0, LOW32, families[i]));
	err = err ? err : WITH(mmap, 1, HAS(2, PROT_WRITE, 0));
	err = err ? err : WITH(mmap, 1, HAS(2, PROT_EXEC, 0));
	return err ? err : WITH(mprotect, 1, HAS(2, PROT_WRITE, 0));
}

int filter_args(void *f, enum filter_kind kind, bool paints)
{
	int err = add_one_of(f, for_all, ARRAY_SIZE(for_all));

	if (!err && paints)
		err = add_one_of(f, for_painting, ARRAY_SIZE(for_painting));
	/* No new code. */
	if (!err && kind != FILTER_ASKS)
		err = WITH(mmap, 1, HAS(2, PROT_EXEC, 0));
	err = err ? err : WITH(mprotect, 1, HAS(2, PROT_EXEC, 0));
	/* Threads, not processes. What clone3 is asked for a filter cannot see: libraries then
	 * take clone. */
	err = err ? err : WITH(clone, 1, HAS(0, CLONE_THREAD, CLONE_THREAD));
	err = err ? err : seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	err = err ? err : WITH(tgkill, 1, HAS(0, LOW32, (uint32_t)getpid()));
	if (!err && kind == FILTER_ASKS)
		err = add_asking(f);
	if (!err && kind != FILTER_KEEPS && kind != FILTER_ASKS && kind != FILTER_PAINTS)
		err = add_reading(f);
	if (!err && has_bpf(kind))
		err = add_one_of(f, for_bpf, ARRAY_SIZE(for_bpf));
	if (!err && (kind == FILTER_WATCHES || kind == FILTER_SERVES))
		err = add_watching(f);
	if (!err && kind == FILTER_PLACES)
		err = add_placing(f);
	return err;
}
