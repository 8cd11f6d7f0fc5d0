/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Does a mechanism work here? Tried on two nops of our own text rather than only asked of a version
 * number: vendors backport, containers hide, security modules refuse.
 */
#include "probe/mechanism_priv.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <link.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>

/* Two different bodies, or the compiler would fold them into one. */
__attribute__((noinline, used)) static void self_nop_0(void)
{
	__asm__ volatile("nop");
}

__attribute__((noinline, used)) static void self_nop_1(void)
{
	__asm__ volatile("nop\n\tnop");
}

static void (*const self_nops[PROBE_SELF_NOPS])(void) = {self_nop_0, self_nop_1};

struct lookup {
	uintptr_t addr[PROBE_SELF_NOPS];
	struct probe_self *out;
	bool found;
};

static int look_in_object(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct lookup *l = arg;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
		uintptr_t start = info->dlpi_addr + ph->p_vaddr;
		bool all = ph->p_type == PT_LOAD;

		for (int k = 0; k < PROBE_SELF_NOPS; k++)
			all = all && l->addr[k] >= start && l->addr[k] - start < ph->p_filesz;
		if (!all)
			continue;
		for (int k = 0; k < PROBE_SELF_NOPS; k++)
			l->out->offsets[k] = l->addr[k] - start + ph->p_offset;
		/* The name of the main program is empty. */
		snprintf(l->out->path, sizeof(l->out->path), "%s",
			 info->dlpi_name && info->dlpi_name[0] ? info->dlpi_name
							       : "/proc/self/exe");
		l->found = true;
		return 1;
	}
	return 0;
}

int probe_self_find(struct probe_self *out)
{
	struct lookup l = {.out = out};

	for (int k = 0; k < PROBE_SELF_NOPS; k++)
		l.addr[k] = (uintptr_t)self_nops[k];
	dl_iterate_phdr(look_in_object, &l);
	return l.found ? 0 : fail(-ENOENT, "internal error: our own text is in no ELF segment");
}

void probe_self_read(void)
{
	static _Atomic bool is_read;
	struct probe_self self;
	char byte;

	if (atomic_load(&is_read) || probe_self_find(&self))
		return;
	auto_close int fd = open(self.path, O_RDONLY | O_CLOEXEC);
	for (int k = 0; k < PROBE_SELF_NOPS; k++)
		if (pread(fd, &byte, 1, (off_t)self.offsets[k]) != 1)
			return;
	atomic_store(&is_read, true);
}

static void *call_nops(void *arg)
{
	(void)arg;
	for (int k = 0; k < PROBE_SELF_NOPS; k++)
		self_nops[k]();
	return NULL;
}

/* In a second thread: uprobe_multi of 6.6 to 6.9 sees only the thread whose pid was given. */
static int call_in_thread(void)
{
	pthread_t thread;
	int err = pthread_create(&thread, NULL, call_nops, NULL);

	if (err)
		return fail(-err, "no thread could be started: %s", strerror(err));
	pthread_join(thread, NULL);
	return 0;
}

#define INSN(c, d, s, o, i)                                                         \
	{                                                                           \
		.code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i) \
	}

/* counter[0]++, assembled by hand so that no compiler and no object file is needed. */
static int load_counter(enum probe_mechanism m, int map_fd)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts,
		    .expected_attach_type = (enum bpf_attach_type)probe_attach_type(m));
	const struct bpf_insn prog[] = {
		INSN(BPF_ST | BPF_MEM | BPF_W, BPF_REG_10, 0, -4, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_2, BPF_REG_10, 0, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_2, 0, 0, -4),
		INSN(BPF_LD | BPF_DW | BPF_IMM, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0, map_fd),
		INSN(0, 0, 0, 0, 0),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_map_lookup_elem),
		INSN(BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_0, 0, 2, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_1, 0, 0, 1),
		INSN(BPF_STX | BPF_ATOMIC | BPF_DW, BPF_REG_0, BPF_REG_1, 0, BPF_ADD),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_KPROBE, "pyleak_selftest", "Dual BSD/GPL", prog,
			       ARRAY_SIZE(prog), &opts);

	if (fd >= 0)
		return fd;
	if (fd == -EPERM || fd == -EACCES)
		return fail(-EPERM, "no permission to load BPF programs: run as root or with "
				    "CAP_BPF and CAP_PERFMON");
	return fail(fd == -EINVAL ? -ENOTSUP : fd, "the kernel refused a BPF program%s: %s",
		    m == PROBE_MULTI ? " for uprobe_multi (came with 6.6)" : "", strerror(-fd));
}

static bool text_differs(const uint8_t *before)
{
	bool differs = false;

	for (int k = 0; k < PROBE_SELF_NOPS; k++)
		differs |= *(const volatile uint8_t *)self_nops[k] != before[k];
	return differs;
}

#define COST_ROUNDS 5

static uint64_t call_many(unsigned calls)
{
	uint64_t start = clock_ns();

	for (unsigned i = 0; i < calls; i++)
		for (int k = 0; k < PROBE_SELF_NOPS; k++)
			self_nops[k]();
	return clock_ns() - start;
}

/* Best of some rounds: whatever disturbs makes it longer. */
static double event_ns(unsigned calls)
{
	uint64_t best = UINT64_MAX, with;

	for (int i = 0; i < COST_ROUNDS; i++) {
		with = call_many(calls);
		best = with < best ? with : best;
	}
	return (double)best / (calls * PROBE_SELF_NOPS);
}

static int read_counter(int map_fd, uint64_t *out)
{
	uint32_t zero = 0;

	if (bpf_map_lookup_elem(map_fd, &zero, out))
		return fail(-ENOTSUP, "a trial counter cannot be read: %s", strerror(errno));
	return 0;
}

/* While they are in: do they count calls of another thread, and what does one cost? */
static int try_on(int map_fd, unsigned calls, double *ns)
{
	uint64_t count;
	int err = call_in_thread();

	if (!err)
		err = read_counter(map_fd, &count);
	if (err)
		return err;
	if (count != PROBE_SELF_NOPS)
		return fail(-ENOTSUP, "trial probes counted %llu of %d calls of another thread",
			    (unsigned long long)count, PROBE_SELF_NOPS);
	*ns = event_ns(calls);
	return 0;
}

static int try_set(struct probe_set *s, int map_fd, unsigned calls, double *ns)
{
	uint8_t before[PROBE_SELF_NOPS];
	uint64_t counted, count;
	int err;

	for (int k = 0; k < PROBE_SELF_NOPS; k++)
		before[k] = *(const volatile uint8_t *)self_nops[k];
	err = probe_set_insist(s);
	if (!err)
		err = try_on(map_fd, calls, ns);
	if (err)
		return err;
	probe_set_off(s);
	if (text_differs(before))
		return fail(-ENOTSUP, "a trial probe was still in place after it was closed");
	err = read_counter(map_fd, &counted);
	if (!err)
		err = call_in_thread();
	if (!err)
		err = read_counter(map_fd, &count);
	if (err)
		return err;
	if (count != counted)
		return fail(-ENOTSUP, "a trial probe counted after it was taken out");
	return 0;
}

/* Not tried where it is known to harm the kernel. */
static int check_kernel(void)
{
	struct utsname name;

	if (uname(&name) || probe_multi_is_sound(name.release))
		return 0;
	return fail(-ENOTSUP,
		    "Linux %s has none, or none that is sound (6.6.54, 6.10.13, 6.11.2 and later)",
		    name.release);
}

static int try_mechanism(enum probe_mechanism m, unsigned calls, double *ns)
{
	struct probe_self self;
	struct probe_set *s;
	int err = m == PROBE_MULTI ? check_kernel() : 0;

	if (!err)
		err = probe_self_find(&self);
	if (err)
		return err;
	auto_close int map_fd =
		bpf_map_create(BPF_MAP_TYPE_ARRAY, "pyleak_selftest", 4, 8, 1, NULL);
	if (map_fd < 0)
		return fail(map_fd == -EINVAL ? -ENOTSUP : map_fd,
			    "the kernel refused a BPF map (%s): run as root or with CAP_BPF and "
			    "CAP_PERFMON",
			    strerror(-map_fd));
	auto_close int prog_fd = load_counter(m, map_fd);
	if (prog_fd < 0)
		return prog_fd;

	auto_close int file_fd = open(self.path, O_RDONLY | O_CLOEXEC);
	if (file_fd < 0)
		return fail(-errno, "%s cannot be opened: %s", self.path, strerror(errno));

	struct probe_set_spec spec = {
		.file_fd = file_fd,
		.offsets = self.offsets,
		.n = PROBE_SELF_NOPS,
		.pid = getpid(),
		.prog_fd = prog_fd,
		.label = "selftest",
	};
	err = probe_set_open(m, &spec, &s);
	if (err)
		return err;
	err = try_set(s, map_fd, calls, ns);
	probe_set_close(s);
	return err;
}

/* By whom it is asked: who wants to go on soon, or who wants to know what an event costs. */
#define SOON_CALLS  100
#define WHOLE_CALLS 2000

static _Atomic uint32_t event_price_ns[PROBE_MECHANISMS];

int probe_selftest(enum probe_mechanism m)
{
	double ns;
	int err = try_mechanism(m, SOON_CALLS, &ns);

	if (!err)
		atomic_store(&event_price_ns[m], (uint32_t)ns);
	return err;
}

double probe_event_ns(enum probe_mechanism m)
{
	return m < PROBE_MECHANISMS ? atomic_load(&event_price_ns[m]) : 0;
}

int probe_try(enum probe_mechanism m, double *ns)
{
	return try_mechanism(m, WHOLE_CALLS, ns);
}
