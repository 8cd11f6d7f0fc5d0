/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Is it still the process, and still the program, that was opened? */
#include "proc/proc_priv.h"

#include <elf.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>

#define MAX_AUXV   64
#define PF_EXITING 0x4u /* include/linux/sched.h, shown in field 9 of stat */

static uint64_t mix(uint64_t h, uint64_t v)
{
	/* splitmix64's finaliser */
	h = (h ^ v) * 0xbf58476d1ce4e5b9u;
	h = (h ^ (h >> 27)) * 0x94d049bb133111ebu;
	return h ^ (h >> 31);
}

/* The kernel puts 16 fresh random bytes on the stack at every exec (AT_RANDOM). They tell an exec
 * of the same binary with the same arguments, also without address randomisation; the argument
 * area does not: programs rewrite and move it to change their title. */
static int random_bytes(int pid, uint64_t out[2])
{
	struct proc p = {.pid = pid};
	auto_free char *text = NULL;
	Elf64_auxv_t av;
	size_t len;
	int err = proc_slurp(pid, "auxv", &text, &len);

	if (err)
		return err;
	for (size_t i = 0; i < MAX_AUXV && (i + 1) * sizeof(av) <= len; i++) {
		memcpy(&av, text + i * sizeof(av), sizeof(av));
		if (av.a_type == AT_RANDOM)
			return proc_read(&p, av.a_un.a_val, out, 16);
	}
	return -ENODATA;
}

int proc_image(int pid, uint64_t *out)
{
	auto_free char *text = NULL;
	uint64_t seed[2] = {0}, h;
	struct proc_stat st;
	struct stat exe;
	char path[32];
	size_t len;
	int err = proc_slurp(pid, "stat", &text, &len);

	if (err)
		return err;
	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	if (proc_parse_stat(text, &st) || stat(path, &exe))
		return -ENODATA;
	err = random_bytes(pid, seed);
	/* 32-bit programs have another auxv; they are refused later, with their own sentence. */
	if (err == -ESRCH || err == -EPERM)
		return err;
	h = mix(0x9e3779b97f4a7c15u, (uint64_t)exe.st_dev);
	h = mix(h, (uint64_t)exe.st_ino);
	h = mix(h, st.start_stack);
	h = mix(h, seed[0]);
	*out = mix(h, seed[1]);
	return 0;
}

bool proc_alive(const struct proc *p)
{
	auto_free char *text = NULL;
	struct proc_stat st;
	size_t len;
	int err;

	if (p->source)
		return true;
	if (p->pidfd >= 0) {
		struct pollfd f = {.fd = p->pidfd, .events = POLLIN};

		if (poll(&f, 1, 0) > 0)
			return false;
	}
	err = proc_slurp(p->pid, "stat", &text, &len);
	/* Too many open files are our trouble, not its end. */
	if (err && err != -ENOENT && err != -ESRCH)
		return p->pidfd >= 0;
	if (err || proc_parse_stat(text, &st))
		return false;
	/* Exiting: its descriptors and its memory go first. */
	return st.start_ticks == p->start_ticks && st.state != 'Z' && st.state != 'X' &&
	       !(st.flags & PF_EXITING);
}

bool proc_execed(const struct proc *p)
{
	uint64_t now, again;

	/* Twice: the parts of the number are not read at one instant. */
	if (p->source || proc_image(p->pid, &now) || now == p->image)
		return false;
	return !proc_image(p->pid, &again) && again != p->image && proc_alive(p);
}
