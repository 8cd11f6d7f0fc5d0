/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Checks the stack, kernel, rights and BTF before a target is touched, so that a refusal comes
 * early. */
#include <cap-ng.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cli/cli.h"
#include "confine/confine.h"
#include "storage/storage.h"
#include "sym/sym.h"

#define BTF_PATH  "/sys/kernel/btf/vmlinux"
#define STACK_KIB 512 /* judging a recording takes some 190, a watch more */

/* Uses the stack, because the kernel makes it as deep as it is used. */
static void __attribute__((noinline)) use_stack(void)
{
	char deep[(STACK_KIB - 128) << 10];

	*(volatile char *)deep = 0;
}

/* A stack that cannot grow is told of by SIGSEGV alone. So it grows now, after a check that there
 * is memory for it (`ulimit -v`). The limit of the stack holds for each thread, too. */
int cli_check_stack(void)
{
	void *room = mmap(NULL, STACK_KIB << 10, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct rlimit l;

	if (room == MAP_FAILED)
		return fail(-ENOMEM, "out of memory");
	munmap(room, STACK_KIB << 10);
	if (getrlimit(RLIMIT_STACK, &l) || l.rlim_cur >= STACK_KIB << 10) {
		use_stack();
		return 0;
	}
	return fail(-ENOMEM, "a stack may have %llu KiB here, and %d are needed: ulimit -s 8192",
		    (unsigned long long)l.rlim_cur >> 10, STACK_KIB);
}

int cli_check_kernel(void)
{
	struct utsname u;
	int major, minor;

	/* what cannot be told is tried */
	if (uname(&u) || sscanf(u.release, "%d.%d", &major, &minor) != 2 || major > 5 ||
	    (major == 5 && minor >= 10))
		return 0;
	return fail(-ENOTSUP,
		    "this kernel, %s, is too old: Linux 5.10 or later is needed, as Debian 11, "
		    "Ubuntu 22.04 and RHEL 9 have",
		    u.release);
}

struct need {
	int cap;
	bool is_in_sys_admin; /* CAP_SYS_ADMIN includes it (capability.h since Linux 5.8) */
	const char *name, *why;
};

static bool is_in_effect(int cap)
{
	return capng_have_capability(CAPNG_EFFECTIVE, (unsigned)cap);
}

static bool has_cap(const struct need *need)
{
	return is_in_effect(need->cap) || (need->is_in_sys_admin && is_in_effect(CAP_SYS_ADMIN));
}

int cli_check_caps(void)
{
	static const struct need needs[] = {
		{CAP_BPF, true, "CAP_BPF", "to load its BPF programs"},
		{CAP_PERFMON, true, "CAP_PERFMON", "to probe a process"},
		{CAP_SYS_PTRACE, false, "CAP_SYS_PTRACE", "to read the memory of a process"},
	};
	char list[256] = "";
	size_t used = 0;

	/* without an answer, the first use will tell */
	if (capng_get_caps_process())
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(needs); i++)
		if (!has_cap(&needs[i]))
			used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s (%s)",
						 used ? ", " : "", needs[i].name, needs[i].why);
	if (used == 0)
		return 0;
	return fail(-EPERM, "missing %s: %s", list,
		    geteuid() == 0 ? "root's capabilities are restricted here, as in a container; "
				     "start it with these"
				   : "run it with sudo");
}

/* CAP_DAC_OVERRIDE would do as well, but is given up. */
bool cli_may_read_others(void)
{
	return capng_get_caps_process() || is_in_effect(CAP_DAC_READ_SEARCH);
}

int cli_check_btf(void)
{
	/* a test sets the path to see what is said where the kernel has no BTF */
	const char *test = getenv("PYLEAK_TEST_BTF");
	const char *path = test ? test : BTF_PATH;

	if (access(path, R_OK) == 0)
		return 0;
	return fail(
		-ENOTSUP,
		"this kernel has no BTF (%s is missing): it needs one built with "
		"CONFIG_DEBUG_INFO_BTF=y, as Debian 11, Ubuntu 22.04 and RHEL 9 have; Linux 5.10 "
		"or later is needed",
		path);
}

int cli_preflight(void)
{
	int err = cli_check_kernel();

	if (!err)
		err = cli_check_caps();
	return err ? err : cli_check_btf();
}

int cli_helpers_start(bool no_sandbox)
{
	int err = sym_servers_start(no_sandbox ? NULL : confine_asker);

	return err ? err : storage_asker_start(no_sandbox ? NULL : confine_storage_asker);
}

void cli_helpers_tell(void)
{
	static bool is_told;

	if (is_told || !storage_asker_check())
		return;
	is_told = true;
	log_line("pyleak-bpf: %s", fail_text());
}

void cli_helpers_stop(void)
{
	sym_servers_stop();
	storage_asker_stop();
}
