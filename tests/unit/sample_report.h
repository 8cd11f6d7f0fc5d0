/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A report with fixed values that shows every case of the formats once, and the comparison with
 * the golden files. Run from the root of the tree; UPDATE_GOLDEN=1 writes them anew. */
#ifndef PYLEAK_TESTS_SAMPLE_REPORT_H
#define PYLEAK_TESTS_SAMPLE_REPORT_H

#include <math.h>

#include "report/report.h"
#include "golden.h"
#include "unit.h"

#define SAMPLE_RECURSION 30

static struct report_type sample_types[] = {
	{"dict", 0.8312}, {"str", 0.1}, {"app.Session", 0.05}, {"list", 0.0128}, {"int", 0.006},
};

static struct report_frame sample_leak[] = {
	{.function = "Registry.remember",
	 .file = "/srv/app/registry.py",
	 .line = 42,
	 .source = "        self.items.append({\"key\": key, \"value\": value})\n",
	 .around = "\n    def remember(self, key, value=None):\n"
		   "        self.items.append({\"key\": key, \"value\": value})\n"
		   "        return key\n"},
	{.function = "handle",
	 .file = "/srv/app/api.py",
	 .line = 17,
	 .source = "    r.remember(k)"},
	{.function = "<module>", .file = "/srv/app/main.py", .line = 3},
};

/* A C builtin that the guilty line calls, and a target that tries to write to our terminal. */
static struct report_frame sample_native[] = {
	{.native = true, .module = "/usr/lib/x86_64-linux-gnu/libparse.so.1", .offset = 0x1f40},
	{.native = true,
	 .function = "parse_one",
	 .module = "/usr/lib/x86_64-linux-gnu/libparse.so.1",
	 .build_id = "5f2d6548a1b0c3d4e5f60718293a4b5c6d7e8f90",
	 .offset = 0x2a00,
	 .file = "parse.c",
	 .line = 77},
	{.function = "p\x1b[2Jarse", .file = "caf\xe9/\xe2\x80\xaemod\xc3\xbcl.py", .line = 9},
	{.function = "<lambda>", .file = "x.py", .line = 0, .source = "\tf = \x07lambda: 0\n"},
};

static struct report_frame sample_deep[SAMPLE_RECURSION + 20];

static struct report_site sample_sites[] = {
	{.kind = KIND_HEAP,
	 .verdict = CLASS_GROWING,
	 .confidence = NAN,
	 .outstanding_bytes = 40960,
	 .outstanding_count = 10,
	 .waste_bytes = 6400,
	 .growth_bytes_per_s = 4096,
	 .growth_count_per_s = 1,
	 .samples = REPORT_UNKNOWN,
	 .independent = NAN,
	 .oldest_s = 9.5,
	 .stack = sample_native,
	 .n_frames = 4},
	{.kind = KIND_OBJECT,
	 .verdict = CLASS_LEAK,
	 .confidence = 0.97,
	 .reason = "grew by 1.2 MiB/s for 3 min without levelling off",
	 .outstanding_bytes = 12.9e6,
	 .outstanding_count = 34123.5,
	 .waste_bytes = NAN,
	 .growth_bytes_per_s = 1234567.891,
	 .growth_count_per_s = 3412.25,
	 .estimated = true,
	 .samples = 212,
	 .independent = 121.5,
	 .id_by = "source",
	 .oldest_s = 62,
	 .types = sample_types,
	 .n_types = 5,
	 .hint = {"unbounded-container", "Registry.items (list) only grows: bound it."},
	 .held_by = {"module app.cache :: REGISTRY (dict, 18,204 entries) → [key] → app.Session",
		     0.97},
	 .stays = {"app.Session", 12.04, 0.41, true},
	 .stack = sample_leak,
	 .n_frames = 3},
	{.kind = KIND_OBJECT,
	 .verdict = CLASS_GROWING,
	 .confidence = 0.5,
	 .outstanding_bytes = NAN,
	 .outstanding_count = NAN,
	 .waste_bytes = NAN,
	 .growth_bytes_per_s = NAN,
	 .growth_count_per_s = NAN,
	 .estimated = true,
	 .samples = 1,
	 .oldest_s = NAN,
	 .stack = sample_deep,
	 .n_frames = SAMPLE_RECURSION + 20,
	 .truncated = true},
	{.kind = KIND_OBJECT,
	 .verdict = CLASS_STEADY,
	 .confidence = 0.9,
	 .outstanding_bytes = 0,
	 .outstanding_count = 0,
	 .waste_bytes = NAN,
	 .growth_bytes_per_s = 0,
	 .growth_count_per_s = 0,
	 .samples = 5,
	 .oldest_s = 0.25,
	 .types = sample_types,
	 .n_types = 1},
};

static struct report_series sample_series[] = {
	{0, 200000000, 150000000, REPORT_UNKNOWN, 4, 190000000, 0, 280000000},
	{1.5, 201000000, REPORT_UNKNOWN, 12, 4, 191000000, 0, REPORT_UNKNOWN},
};

static struct report_lost sample_lost[] = {
	{"ring_full", "a new stack did not fit the ring buffer", 12},
	{"blocks_full", "the table of live native blocks was full", 0},
};

static struct report_lost sample_clean[] = {
	{"ring_full", "a new stack did not fit the ring buffer", 0},
};

static struct report_class_row sample_classes[] = {
	{"app.Session", 18204, 18200, 1747584, 12.5, 1200, NAN, NAN},
	{"p\x1b[2Jarse", 3, 0, 192, NAN, NAN, NAN, NAN},
	{"<buffer 64>", 7, 0, 448, 0, 0, NAN, NAN},
};

static struct report_class_row sample_garbage[] = {{"app.Node", 2, 0, 0, 0, 0, NAN, NAN}};

static struct report_gc sample_gc = {.enabled = true,
				     .threshold = {700, 10, 10},
				     .collections = {120, 11, 1},
				     .uncollectable = 2,
				     .tracked = 20000,
				     .generation = {300, 0, 19000},
				     .frozen = REPORT_UNKNOWN,
				     .garbage = 2,
				     .garbage_types = sample_garbage,
				     .n_garbage_types = 1};

static struct report_pools sample_pools = {120, 125829120, 100000000, 5829120, 20000000, 1048576};

static struct report_instance sample_instances[] = {
	{0x7f0000001000, "app.Session", 96, 1, REPORT_UNKNOWN, NULL},
	{0x7f0000002000, "app.Session", 57, REPORT_UNKNOWN, 8, "'\x1b[2Jcafé'"},
};

static struct report_departure sample_departures[] = {
	{"rss_bytes", 257003520, 120000000, 150000000},
	{"growth_bytes_per_s", 1258291.2, 0, 16384},
	{"threads", 40, 4, 8},
};

static const char *sample_cmdline[] = {"/usr/bin/python3", "-c", "print('\"\\\n')\xff"};
static const char *sample_notes[] = {"native blocks are judged in bursts: too many calls"};

static struct report_process sample_processes[] = {
	{.pid = 1234,
	 .ns_pid = 7,
	 .container = {"3f5c0e1d2b4a", "web", "cri-o", "web-7d9f", "shop"},
	 .ppid = 1,
	 .comm = "gunicorn",
	 .cmdline = sample_cmdline,
	 .n_cmdline = 3,
	 .python_version = "3.11.2",
	 .allocator = "pymalloc",
	 .build = "GCC 12.2.0, LTO, in the executable, stripped, glibc",
	 .tested_as = "Debian's",
	 .mode = "auto",
	 .rss_bytes = 257003520,
	 .rss_growth_bytes_per_s = 1258291.2,
	 .fds = {.means = "libc",
		 .open = 620,
		 .at_attach = 12,
		 .no_line = 3,
		 .limit = 1024,
		 .growth_per_s = 4.5,
		 .eta_s = 89.8,
		 .children = 2},
	 .memory = {.pss = 250003456,
		    .anon = 230000000,
		    .swap = 0,
		    .huge = REPORT_UNKNOWN,
		    .private_bytes = 240000000,
		    .shared = 17003520,
		    .minor_faults_per_s = 310.5,
		    .major_faults_per_s = 0,
		    .cgroup = {2, "/kubepods/pod1/app", 300000000, 40000000, 536870912,
			       REPORT_UNKNOWN, 0},
		    .limit_source = "cgroup",
		    .limit_name = "cgroup /kubepods/pod1",
		    .limit_bytes = 536870912,
		    .left_low = 236870912,
		    .left_high = 256870912,
		    .eta_s = 7800,
		    .eta_low_s = 6600,
		    .eta_high_s = 9600},
	 .explained = 0.934,
	 .series = sample_series,
	 .n_series = 2,
	 .baseline = {"web.py", 7, sample_departures, 3},
	 .mechanism = "tracefs",
	 .on_s = 2.125,
	 .coverage = 0.0412,
	 .slowdown_pct = 1.3,
	 .core_pct = 0.9,
	 .stall_ms = 6.25,
	 .stalls_per_s = 3.5,
	 .verdict = CLASS_LEAK,
	 .confidence = 0.97,
	 .reason = "one line keeps allocating dicts that are never freed",
	 .sites = sample_sites,
	 .n_sites = 4,
	 .classes = sample_classes,
	 .n_classes = 3,
	 .gc = &sample_gc,
	 .pools = &sample_pools,
	 .instances_of = "app.Session",
	 .instances = sample_instances,
	 .n_instances = 2,
	 .lost = sample_lost,
	 .n_lost = 2,
	 .notes = sample_notes,
	 .n_notes = 1},
	{.pid = 1240,
	 .ns_pid = 1240,
	 .ppid = 1,
	 .comm = "python3",
	 .python_version = "3.13.0",
	 .allocator = "pymalloc",
	 .mode = "auto",
	 .exited = true,
	 .rss_bytes = REPORT_UNKNOWN,
	 .rss_growth_bytes_per_s = NAN,
	 .memory = {.limit_bytes = REPORT_UNKNOWN,
		    .pss = REPORT_UNKNOWN,
		    .anon = REPORT_UNKNOWN,
		    .swap = REPORT_UNKNOWN,
		    .huge = REPORT_UNKNOWN,
		    .private_bytes = REPORT_UNKNOWN,
		    .shared = REPORT_UNKNOWN,
		    .left_low = NAN,
		    .minor_faults_per_s = NAN,
		    .major_faults_per_s = NAN,
		    .eta_s = NAN,
		    .eta_low_s = NAN,
		    .eta_high_s = NAN},
	 .explained = NAN,
	 .mechanism = "none",
	 .on_s = NAN,
	 .coverage = NAN,
	 .slowdown_pct = NAN,
	 .core_pct = NAN,
	 .stall_ms = NAN,
	 .stalls_per_s = NAN,
	 .verdict = CLASS_STEADY,
	 .confidence = NAN,
	 .reason = "nothing grows",
	 .hint = {"page-cache", "Nothing needs to be done."},
	 .lost = sample_clean,
	 .n_lost = 1},
};

/* The report itself; caller frees with report_free. */
static inline struct report *sample_report(void)
{
	struct report *r;

	for (size_t i = 0; i < SAMPLE_RECURSION + 20; i++)
		sample_deep[i] = (struct report_frame){.function = "walk",
						       .file = "/srv/app/tree.py",
						       .line = i < SAMPLE_RECURSION ? 8 : (int)i};
	for (size_t i = 0; i < ARRAY_SIZE(sample_sites); i++)
		report_site_id(sample_sites[i].stack, sample_sites[i].n_frames,
			       sample_sites[i].kind, sample_sites[i].id);
	assert_int_equal(report_new(&r), 0);
	r->version = "0.0.0";
	r->hostname = "web-1";
	r->kernel = "6.1.0-13-amd64";
	r->arch = "x86_64";
	r->started_at = 1700000000.25;
	r->ended_at = 1700000065.5;
	r->duration_s = 65.25;
	r->processes = sample_processes;
	r->n_processes = 2;
	r->final = true;
	report_sort(&sample_processes[0]);
	return r;
}

#endif
