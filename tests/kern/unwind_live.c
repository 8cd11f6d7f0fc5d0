/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Unwinds the threads of a stopped process as the tool does, from registers and a copy of the
 *stack, and prints them for a comparison with a debugger's: unwind_live PID TID END
 *pc:module:function pc:module:function ...
 */
#include "sym/sym.h"

#include <dirent.h>
#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

#define COPY_BYTES (1 << 20)
#define FRAMES	   1000

static int read_regs(int tid, uint64_t reg[SYM_REGS])
{
	struct user_regs_struct r;
	struct iovec v = {&r, sizeof(r)};
	int status, err;

	if (ptrace(PTRACE_SEIZE, tid, 0, 0) || ptrace(PTRACE_INTERRUPT, tid, 0, 0))
		return -errno;
	if (waitpid(tid, &status, __WALL) != tid || !WIFSTOPPED(status))
		return -ESRCH;
	err = ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &v) ? -errno : 0;
	ptrace(PTRACE_DETACH, tid, 0, 0);
	memcpy(reg,
	       (uint64_t[]){r.rax, r.rdx, r.rcx, r.rbx, r.rsi, r.rdi, r.rbp, r.rsp, r.r8, r.r9,
			    r.r10, r.r11, r.r12, r.r13, r.r14, r.r15, r.rip},
	       SYM_REGS * sizeof(uint64_t));
	return err;
}

static size_t read_stack(const struct proc *p, uint64_t start, uint8_t *to)
{
	size_t n = 0;

	while (n < COPY_BYTES && !proc_read(p, start + n, to + n, 4096))
		n += 4096;
	return n;
}

static void print_thread(struct sym *s, const struct proc *p, int tid, uint8_t *stack)
{
	static struct sym_pc pc[FRAMES];
	struct sym_copy c = {.known = (1u << SYM_REGS) - 1, .data = stack};
	enum sym_end end;
	size_t n;

	if (read_regs(tid, c.reg))
		return;
	c.start = c.reg[SYM_RSP] & -4096ull;
	c.len = read_stack(p, c.start, stack);
	n = sym_unwind(s, &c, pc, FRAMES, &end);
	printf("%d %d", tid, (int)end);
	for (size_t i = 0; i < n; i++) {
		const struct sym_frame *f;
		size_t k = sym_names(s, &pc[i], &f);
		const char *slash = strrchr(f[k - 1].module, '/');

		printf(" %" PRIx64 ":%s:%s", pc[i].pc, slash ? slash + 1 : f[k - 1].module,
		       f[k - 1].function && !strchr(f[k - 1].function, ' ') ? f[k - 1].function
									    : "");
	}
	printf("\n");
}

int main(int argc, char **argv)
{
	uint8_t *stack = malloc(COPY_BYTES);
	struct proc *p;
	struct sym *s;
	char path[64];
	struct dirent *e;
	DIR *d;

	if (argc != 2 || !stack || proc_open(atoi(argv[1]), &p) || sym_open(p, &s)) {
		fprintf(stderr, "unwind_live PID: %s\n", fail_text());
		return 1;
	}
	snprintf(path, sizeof(path), "/proc/%d/task", p->pid);
	d = opendir(path);
	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.')
			print_thread(s, p, atoi(e->d_name), stack);
	if (d)
		closedir(d);
	sym_close(s);
	proc_close(p);
	free(stack);
	return 0;
}
