/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Starts processes without end and counts how long each start takes, as a process that has nothing to do with who is
 * watched or watches.
 *
 * starts fork|exec FILE: FILE is a page of numbers (struct shared), which lib_starts.py reads. A fork is timed in its
 * parent. An exec is timed from the child's call to the first line of the program it starts, the dynamic linker included.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PHASES 3 /* not counted, without the tool, with it */
#define SUB_BITS 4 /* bins of one power of two: 6 % each */
#define BINS (41 << SUB_BITS) /* up to half an hour */
#define PAUSE_NS 2000000

struct series {
	uint64_t count, worst_ns, worst_at_ns;
	uint64_t bins[BINS];
};

struct shared {
	uint64_t is_ready;
	uint64_t phase; /* set by the reader */
	uint64_t begun_ns; /* the start that is under way; 0: none */
	uint64_t exec_ns; /* the child's call of exec */
	struct series of_phase[PHASES];
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

/* Linear up to 2^SUB_BITS, then 2^SUB_BITS bins for each power of two. */
static unsigned int bin_of(uint64_t ns)
{
	unsigned int shift, bin;

	if (ns < 1 << SUB_BITS)
		return ns;
	shift = 63 - __builtin_clzll(ns) - SUB_BITS;
	bin = ((shift + 1) << SUB_BITS) + ((ns >> shift) & ((1 << SUB_BITS) - 1));
	return bin < BINS ? bin : BINS - 1;
}

static void count(struct series *s, uint64_t begin, uint64_t took)
{
	s->count++;
	s->bins[bin_of(took)]++;
	if (took > s->worst_ns) {
		s->worst_ns = took;
		s->worst_at_ns = begin;
	}
}

/* The child of a fork; returns where exec fails. */
static void become(struct shared *shared, const char *self, int out)
{
	char fd[16];

	snprintf(fd, sizeof(fd), "%d", out);
	shared->exec_ns = now_ns();
	execl(self, self, "started", fd, (char *)NULL);
}

/* One start: its series and its duration. 0, or -1 where the child could not do its part. */
static int start_one(struct shared *shared, const char *exec_self, const int *pipe_fds)
{
	uint64_t begin = now_ns(), end, started;
	struct series *s = &shared->of_phase[shared->phase % PHASES];
	pid_t pid;

	shared->begun_ns = begin;
	pid = fork();
	if (pid < 0)
		return -1;
	if (!pid) {
		if (exec_self)
			become(shared, exec_self, pipe_fds[1]);
		_exit(0);
	}
	end = now_ns();
	if (exec_self) {
		/* The pipe is read when the child has ended: one that could not exec has written nothing. */
		waitpid(pid, NULL, 0);
		if (read(pipe_fds[0], &started, sizeof(started)) != sizeof(started))
			return -1;
		begin = shared->exec_ns;
		end = started;
	}
	shared->begun_ns = 0;
	count(s, begin, end - begin);
	if (!exec_self)
		waitpid(pid, NULL, 0);
	return 0;
}

static int tell_time(const char *fd)
{
	uint64_t now = now_ns();
	int out = -1;

	if (sscanf(fd, "%d", &out) != 1)
		return 1;
	return write(out, &now, sizeof(now)) != sizeof(now);
}

int main(int argc, char **argv)
{
	struct timespec pause = { .tv_nsec = PAUSE_NS };
	struct shared *shared;
	char self[4096] = "";
	int fd, pipe_fds[2], is_exec;

	if (argc != 3)
		return 2;
	if (!strcmp(argv[1], "started"))
		return tell_time(argv[2]);
	is_exec = !strcmp(argv[1], "exec");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fd = open(argv[2], O_RDWR | O_CLOEXEC);
	if (fd < 0 || ftruncate(fd, sizeof(*shared)) || pipe2(pipe_fds, O_NONBLOCK) ||
	    readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return 1;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (shared == MAP_FAILED)
		return 1;
	close(fd);
	while (!start_one(shared, is_exec ? self : NULL, pipe_fds)) {
		shared->is_ready = 1;
		nanosleep(&pause, NULL);
	}
	return 1;
}
