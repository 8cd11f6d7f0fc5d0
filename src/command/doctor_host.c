/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The half of `doctor` that needs no process: kernel, rights, and a trial of every mechanism. */
#include <linux/capability.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cli/cli.h"
#include "command/doctor_priv.h"
#include "probe/host.h"
#include "probe/probe.h"
#include "probe/release.h"
#include "probe/turn.h"

#define TELL_RESTS 500 /* a second and more */

/* Reads the first line of a small file; false when it cannot be read. */
static bool first_line(const char *path, char *buf, size_t size)
{
	FILE *f = fopen(path, "re");
	bool ok;

	if (!f)
		return false;
	ok = fgets(buf, (int)size, f) != NULL;
	fclose(f);
	if (ok)
		buf[strcspn(buf, "\n")] = 0;
	return ok;
}

static void kernel(struct doctor *d)
{
	struct utsname u;
	int major = 0, minor = 0;

	if (uname(&u) || sscanf(u.release, "%d.%d", &major, &minor) != 2) {
		doctor_add(d, DOCTOR_NOTE, "kernel", "its version cannot be told");
		return;
	}
	if (strcmp(u.machine, "x86_64") != 0) {
		doctor_add(d, DOCTOR_NO, "kernel", "%s on %s", u.release, u.machine);
		doctor_remedy(d, "only x86-64 is supported");
	} else if (cli_check_kernel()) {
		doctor_add(d, DOCTOR_NO, "kernel", "%s", u.release);
		doctor_remedy(d, "%s", fail_text());
	} else {
		doctor_add(d, DOCTOR_OK, "kernel", "%s", u.release);
	}
	if (!probe_profiler_hurts(u.release))
		return;
	doctor_add(d, DOCTOR_NOTE, "profilers",
		   "this kernel may crash where probes are in beside one that samples stacks");
	doctor_remedy(d, "no watch beside perf record -g, coroot, pyroscope and their like; mended "
			 "in 6.1.131, 6.6.83, 6.12.19 and 6.13");
}

static void btf(struct doctor *d)
{
	if (cli_check_btf()) {
		doctor_add(d, DOCTOR_NO, "BTF", "missing");
		doctor_remedy(d, "%s", fail_text());
	} else {
		doctor_add(d, DOCTOR_OK, "BTF", "the kernel describes its types");
	}
}

static void capabilities(struct doctor *d)
{
	if (cli_check_caps()) {
		doctor_add(d, DOCTOR_NO, "capabilities", "not enough");
		doctor_remedy(d, "%s", fail_text());
	} else {
		doctor_add(d, DOCTOR_OK, "capabilities", "%s",
			   geteuid() == 0 ? "root's" : "CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE");
	}
}

static void others(struct doctor *d)
{
	if (cli_may_read_others()) {
		doctor_add(d, DOCTOR_OK, "other users", "their processes and files can be read");
	} else {
		doctor_add(d, DOCTOR_NOTE, "other users", "CAP_DAC_READ_SEARCH is missing");
		doctor_remedy(d,
			      "start it with that, too: without it only processes of user %u "
			      "can be read",
			      geteuid());
	}
}

/* Looks at security modules and switches, which may refuse what capabilities allow. */
static void modules(struct doctor *d)
{
	char text[256];

	if (first_line("/sys/kernel/security/lsm", text, sizeof(text)))
		doctor_add(d, DOCTOR_OK, "security modules", "%s", text);
	else
		doctor_add(d, DOCTOR_NOTE, "security modules",
			   "securityfs is not mounted: not known");
	if (!first_line("/sys/kernel/security/lockdown", text, sizeof(text)))
		doctor_add(d, DOCTOR_OK, "lockdown", "none");
	else if (strstr(text, "[confidentiality]")) {
		doctor_add(d, DOCTOR_NO, "lockdown", "confidentiality");
		doctor_remedy(d, "the kernel forbids BPF programs to read memory: boot with "
				 "lockdown=integrity, or without Secure Boot");
	} else {
		doctor_add(d, DOCTOR_OK, "lockdown", "%s",
			   strstr(text, "[integrity]") ? "integrity" : "none");
	}
	if (!first_line("/proc/sys/kernel/yama/ptrace_scope", text, sizeof(text)))
		doctor_add(d, DOCTOR_OK, "Yama", "none");
	else if (text[0] == '3') {
		doctor_add(d, DOCTOR_NO, "Yama", "ptrace_scope 3: nobody may read a process");
		doctor_remedy(d, "kernel.yama.ptrace_scope=2 or less; a 3 lasts until the next "
				 "boot");
	} else {
		doctor_add(d, DOCTOR_OK, "Yama", "ptrace_scope %s", text);
	}
}

static void tracefs(struct doctor *d)
{
	static const char *const paths[] = {"/sys/kernel/tracing/uprobe_events",
					    "/sys/kernel/debug/tracing/uprobe_events"};
	/* mounts tracefs if it is not mounted, as each command that places probes does */
	int err = probe_prepare();

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		if (access(paths[i], W_OK) == 0) {
			doctor_add(d, DOCTOR_OK, "tracefs", "%s", paths[i]);
			return;
		}
	doctor_add(d, DOCTOR_NOTE, "tracefs", "%s", err ? fail_text() : "not writable");
	doctor_remedy(d, "run as root, with tracefs writable; it is not needed where probes by "
			 "multi are ok below");
}

/* W1 of docs/KERNEL-HAZARDS.md. */
static void warn_of_cleaners(struct doctor *d)
{
	doctor_add(d, DOCTOR_NOTE, "named events",
		   "`perf probe -d`, `trace-cmd reset`, or anything else that cleans tracefs, "
		   "crashes or hangs this kernel while a watch runs");
	doctor_remedy(d, "keep them away until it has ended");
}

bool doctor_dangers(const char *release, enum probe_mechanism m, char *text, size_t size)
{
	struct release r;
	bool is_known = release_parse(release, &r);
	const struct {
		bool holds, is_kept_clear;
		const char *name;
	} all[] = {
		{m == PROBE_TRACEFS, false, "W1"},
		{m != PROBE_MULTI, false, "W9"},
		{is_known && !release_before(&r, 6, 13, 0), true, "W15"},
		{probe_profiler_hurts(release), false, "W16"},
		{is_known && !release_before(&r, 6, 11, 0) &&
			 (release_before(&r, 6, 12, 14) ||
			  (!release_before(&r, 6, 13, 0) && release_before(&r, 6, 13, 3))),
		 true, "W18"},
	};
	bool is_exposed = false;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		if (!all[i].holds)
			continue;
		is_exposed |= !all[i].is_kept_clear;
		n += (size_t)snprintf(text + n, size - n, "%s%s%s", n ? ", " : "", all[i].name,
				      all[i].is_kept_clear ? " (kept clear)" : "");
	}
	if (!n)
		snprintf(text, size, "none but");
	else
		snprintf(text + n, size - n, ", and");
	return is_exposed;
}

static void tell_dangers(struct doctor *d, enum probe_mechanism m)
{
	struct utsname u;
	char text[DOCTOR_DANGERS];
	bool is_exposed;

	if (uname(&u))
		return;
	is_exposed = doctor_dangers(u.release, m, text, sizeof(text));
	doctor_add(d, is_exposed ? DOCTOR_NOTE : DOCTOR_OK, "kernel dangers",
		   "%s those of every kernel: docs/KERNEL-HAZARDS.md", text);
}

static void try_mechanisms(struct doctor *d)
{
	static const struct {
		enum probe_mechanism m;
		const char *name;
	} all[] = {
		{PROBE_MULTI, "probes by multi"},
		{PROBE_TRACEFS, "probes by tracefs"},
		{PROBE_PERF, "probes by perf"},
	};
	enum probe_mechanism chosen;
	int multi = -ENOTSUP, err;

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		double ns;

		/* A trial is an event of two probes: removed at that moment, it takes the kernel
		 * with it (docs/KERNEL-HAZARDS.md, W1). */
		if (all[i].m == PROBE_TRACEFS && !multi) {
			doctor_add(d, DOCTOR_OK, all[i].name,
				   "not tried: uprobe_multi works, and nobody else can remove "
				   "its probes");
			continue;
		}
		if (all[i].m == PROBE_TRACEFS && probe_not_now(multi)) {
			doctor_add(d, DOCTOR_NOTE, all[i].name,
				   "not tried: uprobe_multi could not be tried just now");
			continue;
		}
		err = probe_try(all[i].m, &ns);
		if (all[i].m == PROBE_MULTI)
			multi = err;
		if (!err) {
			doctor_add(d, DOCTOR_OK, all[i].name,
				   "placed, counted, taken out; %.0f ns an event", ns);
			continue;
		}
		doctor_add(d, DOCTOR_NOTE, all[i].name, "%s", fail_text());
	}
	/* builds of Python that inline everything have some hundred places */
	err = probe_choose(300, PROBE_NONE, &chosen);
	if (!err || probe_not_now(err)) {
		doctor_add(d, err ? DOCTOR_NOTE : DOCTOR_OK, "probes, chosen", "%s",
			   err ? fail_text() : probe_mechanism_name(chosen));
		if (!err)
			tell_dangers(d, chosen);
		if (chosen == PROBE_TRACEFS)
			warn_of_cleaners(d);
		return;
	}
	doctor_add(d, DOCTOR_NO, "probes, chosen", "no way to place some hundred probes");
	doctor_remedy(d, "run as root, with tracefs mounted or on a kernel with a sound "
			 "uprobe_multi (6.6.54, 6.10.13, 6.11.2 and later)");
}

static void these_signals(int how)
{
	static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		sigaddset(&set, ends[i]);
	pthread_sigmask(how, &set, NULL);
}

/* A trial's probes are in, in our own code. To end takes them out beside the read, which a turn
 * would not do: a fork of its process waits for the read with the lock of all forks, for which
 * taking out waits, and every other fork behind that. So the reader is to end first; a signal may
 * end us for want of better. */
static void while_a_read_hangs(void)
{
	static unsigned rests;

	if (++rests == TELL_RESTS)
		log_line("pyleak-bpf: a trial of probes waits for a read of another process's "
			 "memory that does not come back: end the copy of the tool that reads "
			 "(pyleak-bpf why, census or sweep); Ctrl-C here ends doctor, and forks "
			 "may wait for that read then");
	these_signals(SIG_UNBLOCK);
	these_signals(SIG_BLOCK);
}

/* Trials change probes, if only in the tool's own code: they take turns with other copies of the
 * tool, and no signal may end them half-way. */
static void mechanisms(struct doctor *d)
{
	sigset_t before;

	pthread_sigmask(SIG_SETMASK, NULL, &before);
	these_signals(SIG_BLOCK);
	host_lock_open();
	turn_while_hung(while_a_read_hangs);
	try_mechanisms(d);
	turn_while_hung(NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void doctor_host(struct doctor *d)
{
	kernel(d);
	btf(d);
	capabilities(d);
	others(d);
	modules(d);
	tracefs(d);
	doctor_tell(d);
	mechanisms(d);
	doctor_tell(d);
}
