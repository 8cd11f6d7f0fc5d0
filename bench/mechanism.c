/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The cost of one on/off cycle to the *target*, by mechanism: an allocation-bound Python counts its
 * rounds in shared memory; windows with and without cycles follow each other in turn.
 *
 *   make build/bench/mechanism
 *   mechanism [--cold] [--idle] [--sites N] [--hold MS] [--rate PER_S] [--window MS]
 *             [--rounds N] [PYTHON]
 *
 * Sites: the birth sites of the interpreter; with --cold as many entries of exported functions that
 * the loop never executes, so that only the planting is measured and no hit.
 */
#include "places/places.h"
#include "probe/probe.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <gelf.h>
#include <getopt.h>
#include <linux/bpf.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SITES_MAX  4096
#define ROUNDS_MAX 200

static const char loop[] = "import mmap,sys\n"
			   "c=memoryview(mmap.mmap(int(sys.argv[1]),4096)).cast('Q')\n"
			   "n=0\n"
			   "while 1:\n"
			   "  for i in range(20):\n"
			   "    d={'a':n+0.5,'b':i}; l=[n,i]; t=(d,l); s=str(n)\n"
			   "  n+=1; c[0]=n\n";
static const char idle_loop[] = "import time\ntime.sleep(10000)\n";

enum state { OFF, TRACEFS, TRACEFS_WARM, MULTI, STATES };
static const char *const state_names[STATES] = {"off", "tracefs", "tracefs+warm", "multi"};

struct options {
	const char *python;
	bool cold, idle;
	double hold_ms, rate, window_ms;
	int rounds;
	size_t sites; /* cold ones; 0: as many as there are birth sites */
};

struct result {
	double rounds_per_s[ROUNDS_MAX], cpu[ROUNDS_MAX], on_ms, off_ms, warm_ms, open_ms, close_ms;
	unsigned int cycles;
};

static int die(const char *what)
{
	fprintf(stderr, "mechanism: %s: %s\n", what, fail_text());
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

static size_t birth_sites(const char *python, uint64_t *out)
{
	struct places_births_report report;
	struct places points = {0};
	struct dso *d = NULL;
	size_t n = 0;

	if (!dso_open(python, &d) && !places_find_births(d, 11, &points, &report))
		for (; n < points.n && n < SITES_MAX; n++)
			out[n] = points.v[n].offset;
	places_free(&points);
	dso_close(d);
	return n;
}

static bool is_cold(const char *name)
{
	static const char *const prefixes[] = {
		"PyErr_",  "PyImport_", "PyCodec_",  "PyMarshal_",   "PySys_",
		"PyRun_",  "PyFile_",	"PyModule_", "PyCapsule_",   "PyStructSequence",
		"PyInit_", "PyConfig",	"PyThread_", "PyUnicode_De", "PyUnicode_En",
	};

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (!strncmp(name, prefixes[i], strlen(prefixes[i])))
			return true;
	return false;
}

static size_t cold_sites(const char *python, uint64_t *out, size_t max)
{
	auto_close int fd = open(python, O_RDONLY | O_CLOEXEC);
	struct dso *d = NULL;
	Elf_Scn *scn = NULL;
	GElf_Shdr shdr;
	size_t n = 0;
	Elf *elf;

	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (!elf || dso_open(python, &d))
		return 0;
	while ((scn = elf_nextscn(elf, scn))) {
		Elf_Data *data;
		GElf_Sym sym;

		if (!gelf_getshdr(scn, &shdr) || shdr.sh_type != SHT_DYNSYM)
			continue;
		data = elf_getdata(scn, NULL);
		for (int i = 0; n < max && data && gelf_getsym(data, i, &sym); i++) {
			const char *name = elf_strptr(elf, shdr.sh_link, sym.st_name);

			if (GELF_ST_TYPE(sym.st_info) == STT_FUNC && sym.st_value && name &&
			    is_cold(name) && !dso_addr_to_offset(d, sym.st_value, &out[n]))
				n++;
		}
	}
	elf_end(elf);
	dso_close(d);
	return n;
}

static pid_t start_target(const struct options *o, volatile uint64_t **count)
{
	int fd = memfd_create("count", 0);
	char number[16];
	pid_t pid;

	if (fd < 0 || ftruncate(fd, 4096))
		return -1;
	*count = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	snprintf(number, sizeof(number), "%d", fd);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl(o->python, o->python, "-S", "-c", o->idle ? idle_loop : loop, number, NULL);
		_exit(127);
	}
	return pid;
}

static double cpu_seconds(pid_t pid)
{
	struct timespec t = {0};
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &t))
		return 0;
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void sleep_until(uint64_t end)
{
	uint64_t now = clock_ns();
	struct timespec t;

	if (now >= end)
		return;
	t.tv_sec = (time_t)((end - now) / 1000000000u);
	t.tv_nsec = (long)((end - now) % 1000000000u);
	nanosleep(&t, NULL);
}

static int cycle(struct probe_set *s, enum state state, const struct options *o, struct result *r)
{
	uint64_t start = clock_ns(), t0, t1, t2, t3;

	if (state != TRACEFS && probe_set_warm(s))
		return -1;
	t0 = clock_ns();
	if (probe_set_on(s))
		return -1;
	t1 = clock_ns();
	sleep_until(t1 + (uint64_t)(o->hold_ms * 1e6));
	t2 = clock_ns();
	probe_set_off(s);
	t3 = clock_ns();
	r->warm_ms += (double)(t0 - start) / 1e6;
	r->on_ms += (double)(t1 - t0) / 1e6;
	r->off_ms += (double)(t3 - t2) / 1e6;
	r->cycles++;
	return 0;
}

static int window(pid_t pid, volatile uint64_t *count, struct probe_set *s, enum state state,
		  const struct options *o, struct result *r, int round)
{
	uint64_t start = clock_ns(), end = start + (uint64_t)(o->window_ms * 1e6), c0 = *count;
	double cpu = cpu_seconds(pid), gap = 1e9 / o->rate;
	unsigned int i = 0;

	for (uint64_t next = start; clock_ns() < end && next < end;
	     next = start + (uint64_t)(gap * ++i)) {
		sleep_until(next);
		if (state != OFF && cycle(s, state, o, r))
			return -1;
	}
	sleep_until(end);
	double work = (double)(*count - c0);
	r->rounds_per_s[round] = work / ((double)(clock_ns() - start) / 1e9);
	r->cpu[round] = work / (cpu_seconds(pid) - cpu);
	return 0;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Slow-down against the "off" window of the same round: mean, its standard error, median. */
static void slowdown(const double *off, const double *on, int n, double out[3])
{
	double v[ROUNDS_MAX], sum = 0, square = 0;

	for (int i = 0; i < n; i++) {
		v[i] = 100 * (1 - on[i] / off[i]);
		sum += v[i];
		square += v[i] * v[i];
	}
	out[0] = sum / n;
	out[1] = sqrt(fmax(0, square / n - out[0] * out[0]) / (n > 1 ? n - 1 : 1));
	qsort(v, (size_t)n, sizeof(v[0]), compare);
	out[2] = n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

static void print_table(const struct options *o, size_t sites, const struct result *r)
{
	double seconds = o->rounds * o->window_ms / 1000;

	printf("%zu %s sites, held %.1f ms, %d rounds of %.0f ms per state\n", sites,
	       o->cold ? "cold" : "birth", o->hold_ms, o->rounds, o->window_ms);
	printf("%-14s %8s %7s %7s %7s %7s %7s | %24s | %24s | %s\n", "state", "cycles/s", "open ms",
	       "warm ms", "on ms", "off ms", "close", "wall % mean+-se (median)",
	       "CPU % mean+-se (median)", "wall ms/cycle");
	for (int k = 1; k < STATES; k++) {
		double wall[3], cpu[3], per_s = r[k].cycles / seconds;

		slowdown(r[OFF].rounds_per_s, r[k].rounds_per_s, o->rounds, wall);
		slowdown(r[OFF].cpu, r[k].cpu, o->rounds, cpu);
		printf("%-14s %8.1f %7.1f %7.2f %7.2f %7.2f %7.1f | %7.2f +- %4.2f (%6.2f) | %7.2f "
		       "+- %4.2f (%6.2f) "
		       "| "
		       "%.2f\n",
		       state_names[k], per_s, r[k].open_ms, r[k].warm_ms / r[k].cycles,
		       r[k].on_ms / r[k].cycles, r[k].off_ms / r[k].cycles, r[k].close_ms, wall[0],
		       wall[1], wall[2], cpu[0], cpu[1], cpu[2], wall[2] * 10 / per_s);
	}
}

static int run(const struct options *o)
{
	static struct result r[STATES];
	static uint64_t offsets[SITES_MAX];
	struct probe_set *sets[STATES] = {0};
	volatile uint64_t *count = NULL;
	size_t n = birth_sites(o->python, offsets);
	pid_t pid;
	int err = 0;

	if (o->cold)
		n = cold_sites(o->python, offsets, o->sites ? o->sites : n ? n : 272);
	if (!n)
		return die("no sites");
	pid = start_target(o, &count);
	for (int k = TRACEFS; k < STATES && !err; k++) {
		enum probe_mechanism m = k == MULTI ? PROBE_MULTI : PROBE_TRACEFS;
		auto_close int prog = load_empty(m);
		auto_close int file = open(o->python, O_RDONLY | O_CLOEXEC);
		struct probe_set_spec spec = {
			.file_fd = file,
			.offsets = offsets,
			.n = n,
			.pid = pid,
			.prog_fd = prog,
			.label = "bench",
		};

		uint64_t before = clock_ns();

		err = probe_set_open(m, &spec, &sets[k]);
		r[k].open_ms = (double)(clock_ns() - before) / 1e6;
	}
	usleep(300000);
	for (int i = 0; i < o->rounds && !err; i++)
		for (int k = 0; k < STATES && !err; k++) {
			/* Another order every round. */
			enum state state = (enum state)((k * (i % 2 ? 3 : 1) + i) % STATES);

			err = window(pid, count, sets[state], state, o, &r[state], i);
		}
	for (int k = 0; k < STATES; k++) {
		uint64_t before = clock_ns();

		probe_set_close(sets[k]);
		r[k].close_ms = (double)(clock_ns() - before) / 1e6;
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	if (err)
		return die("measuring");
	print_table(o, n, r);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option table[] = {
		{"cold", no_argument, NULL, 'c'},	  {"idle", no_argument, NULL, 'i'},
		{"hold", required_argument, NULL, 'h'},	  {"rate", required_argument, NULL, 'r'},
		{"window", required_argument, NULL, 'w'}, {"rounds", required_argument, NULL, 'n'},
		{"sites", required_argument, NULL, 's'},  {0},
	};
	struct options o = {"/usr/bin/python3.11", false, false, 0, 10, 1000, 8, 0};
	int c;

	while ((c = getopt_long(argc, argv, "", table, NULL)) != -1) {
		switch (c) {
		case 'c':
			o.cold = true;
			break;
		case 'i':
			o.idle = true;
			break;
		case 'h':
			o.hold_ms = atof(optarg);
			break;
		case 'r':
			o.rate = atof(optarg);
			break;
		case 'w':
			o.window_ms = atof(optarg);
			break;
		case 'n':
			o.rounds = atoi(optarg);
			break;
		case 's':
			o.sites = strtoul(optarg, NULL, 10);
			break;
		default:
			return 2;
		}
	}
	if (optind < argc)
		o.python = argv[optind];
	if (o.rounds < 2 || o.rounds > ROUNDS_MAX || o.rate <= 0 || o.window_ms <= 0 ||
	    o.sites > SITES_MAX)
		return 2;
	return run(&o);
}
