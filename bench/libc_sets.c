/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How long probes on libc take to go in and out, by how many processes of the host map it: the
 * kernel looks at each of them for each site, and nobody can fork meanwhile.
 *
 *   make build/bench/libc_sets
 *   libc_sets [--rounds N] [PROCESSES...]        0 100 300 1000 2000
 */
#include <bpf/bpf.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "places/places.h"
#include "probe/probe.h"

#define ROUNDS	      9
#define SETTLE_US     200000
#define PROCESSES_MAX 10000

static const char *const functions[] = {"malloc",	  "calloc",	 "realloc", "memalign",
					"valloc",	  "pvalloc",	 "free",    "aligned_alloc",
					"posix_memalign", "reallocarray"};

static int die(const char *what)
{
	fprintf(stderr, "libc_sets: %s: %s\n", what, fail_text());
	return 1;
}

static int load_empty(enum probe_mechanism m)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts,
		    .expected_attach_type = (enum bpf_attach_type)probe_attach_type(m));
	const struct bpf_insn prog[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K},
		{.code = BPF_JMP | BPF_EXIT},
	};

	return bpf_prog_load(BPF_PROG_TYPE_KPROBE, "empty", "Dual BSD/GPL", prog, 2, &opts);
}

static pid_t start_sleeper(void)
{
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl("/bin/sleep", "sleep", "1000", NULL);
		_exit(127);
	}
	return pid;
}

static int find_libc(char *path, size_t size)
{
	FILE *f = fopen("/proc/self/maps", "re");
	char line[4352], *at;
	int err = -ENOENT;

	while (f && err && fgets(line, sizeof(line), f))
		if (strstr(line, "libc.so.6") && (at = strchr(line, '/'))) {
			at[strcspn(at, "\n")] = '\0';
			snprintf(path, size, "%s", at);
			err = 0;
		}
	if (f)
		fclose(f);
	return err ? fail(err, "no libc among our own mappings") : 0;
}

static size_t find_sites(const char *path, uint64_t *out)
{
	struct dso *d = NULL;
	size_t n = 0;

	if (dso_open(path, &d))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
		struct places_point p;
		int second;

		if (!places_find_entry(d, functions[i], 1u << 7, false, &p, &second) &&
		    !dso_addr_to_offset(d, p.addr, &out[n]))
			n++;
	}
	dso_close(d);
	return n;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int measure(enum probe_mechanism m, const struct probe_set_spec *spec, int others)
{
	double on[ROUNDS], off[ROUNDS];
	struct probe_set *s;

	if (probe_set_open(m, spec, &s))
		return die(probe_mechanism_name(m));
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t t0, t1, t2;

		if (probe_set_warm(s))
			return die("warm");
		t0 = clock_ns();
		if (probe_set_on(s))
			return die("on");
		t1 = clock_ns();
		probe_set_off(s);
		t2 = clock_ns();
		on[i] = (double)(t1 - t0) / 1e6;
		off[i] = (double)(t2 - t1) / 1e6;
		usleep(SETTLE_US);
	}
	probe_set_close(s);
	qsort(on, ROUNDS, sizeof(*on), by_size);
	qsort(off, ROUNDS, sizeof(*off), by_size);
	printf("%-8s %5d others, %zu sites: on %6.2f ms (worst %6.2f), off %6.2f ms (worst "
	       "%6.2f)\n",
	       probe_mechanism_name(m), others, spec->n, on[ROUNDS / 2], on[ROUNDS - 1],
	       off[ROUNDS / 2], off[ROUNDS - 1]);
	fflush(stdout);
	return 0;
}

int main(int argc, char **argv)
{
	static const char *const usual[] = {"0", "100", "300", "1000", "2000"};
	static const enum probe_mechanism mechanisms[] = {PROBE_TRACEFS, PROBE_MULTI};
	static pid_t others[PROCESSES_MAX];
	uint64_t offsets[ARRAY_SIZE(functions)];
	pid_t target = start_sleeper();
	char path[4096];
	int n = 0, err = find_libc(path, sizeof(path));
	int steps = argc > 1 ? argc - 1 : (int)ARRAY_SIZE(usual);

	if (err)
		return die("libc");
	auto_close int file = open(path, O_RDONLY | O_CLOEXEC);
	struct probe_set_spec spec = {
		.file_fd = file,
		.offsets = offsets,
		.n = find_sites(path, offsets),
		.pid = target,
		.label = "libc",
		.is_library = true,
	};
	for (int i = 0; i < steps && !err; i++) {
		int want = atoi(argc > 1 ? argv[i + 1] : usual[i]);

		while (n < want && n < PROCESSES_MAX)
			others[n++] = start_sleeper();
		usleep(500000);
		for (size_t k = 0; k < ARRAY_SIZE(mechanisms) && !err; k++) {
			auto_close int prog = load_empty(mechanisms[k]);

			spec.prog_fd = prog;
			err = measure(mechanisms[k], &spec, n);
		}
	}
	while (n)
		kill(others[--n], SIGKILL);
	kill(target, SIGKILL);
	while (wait(NULL) > 0)
		;
	return err;
}
