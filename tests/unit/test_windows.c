/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Windows on malloc: how many blocks their samples stand for; and where their probes are refused,
 * what is said of it, and what it is taken to cost. */
#include "probe/mechanism_priv.h"
#include "track/native_priv.h"

#include "unit/self.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define SECOND 1000000000ull
#define MS     1000000ull
#define LEAK   7 /* stack and caller */

static struct {
	int err; /* of the probes on entries */
	unsigned asked;
	bool is_full; /* the ring: calls are lost */
	/* Calls that are recorded and not, until the probes of a window are out. */
	struct pl_native_ctl *late;
	uint64_t recorded, unrecorded;
} host;

static int put_in(struct probe_set *s)
{
	if (s->on_return)
		return 0;
	host.asked++;
	return host.err ? fail(host.err, "a change of probes took long") : 0;
}

static int take_out(struct probe_set *s)
{
	if (host.late && !s->on_return) {
		host.late->entries += host.recorded;
		host.late->unrecorded += host.unrecorded;
	}
	return 0;
}

static const struct probe_ops ops = {.on = put_in, .off = take_out};

struct scene {
	struct pl_native_ctl ctl;
	struct account account;
	struct probe_set entry, back;
	struct native n;
};

static void set_up(struct scene *k)
{
	/* Not served by this process, so that no turn is taken. */
	struct probe_channel *elsewhere = (struct probe_channel *)k;

	*k = (struct scene){0};
	k->entry = (struct probe_set){.ops = &ops, .channel = elsewhere};
	k->back = (struct probe_set){.ops = &ops, .channel = elsewhere, .on_return = true};
	account_open(&k->account, LEDGER_NATIVE, 0.02, SECOND);
	k->n = (struct native){.spec = {.account = &k->account}, .ctl = &k->ctl};
	k->n.set[SET_HEAP_ENTRY] = &k->entry;
	k->n.set[SET_HEAP_RETURN] = &k->back;
	k->n.set_sites[SET_HEAP_ENTRY] = 10;
	k->n.set_sites[SET_HEAP_RETURN] = 6;
	host.asked = 0;
	host.is_full = false;
	host.late = NULL;
}

static void after_the_last_change_none_is_asked_for(void **state)
{
	struct scene k;

	(void)state;
	set_up(&k);
	host.err = -ENOTSUP;
	for (uint64_t i = 1; i <= 20; i++)
		assert_int_equal(native_burst_poll(&k.n, (100 + 10 * i) * SECOND), 0);
	assert_int_equal(host.asked, 1);
	assert_string_equal(k.n.note, "native blocks are not watched any more: a change of probes "
				      "took long");
	assert_false(k.entry.on || k.back.on);
}

static void in_a_pause_it_is_asked_again(void **state)
{
	struct scene k;

	(void)state;
	set_up(&k);
	host.err = -EBUSY;
	for (uint64_t i = 1; i <= 20; i++)
		assert_int_equal(native_burst_poll(&k.n, (100 + 10 * i) * SECOND), -EBUSY);
	assert_int_equal(host.asked, 20);
	assert_string_equal(k.n.note, "native blocks could not be watched at times: a change of "
				      "probes took long");
}

static void what_had_gone_in_is_paid_for(void **state)
{
	double spent = 0;
	struct scene k;

	(void)state;
	set_up(&k);
	host.err = -EBUSY;
	k.back.n = 6;
	for (uint64_t i = 1; i <= 3; i++) {
		assert_int_equal(native_burst_poll(&k.n, (100 + 10 * i) * SECOND), -EBUSY);
		assert_true(k.account.spent_ns ==
			    spent + account_planting_ns(&k.account, k.back.n));
		spent = k.account.spent_ns;
		assert_false(k.back.on);
	}
}

static void allocate(struct native *n, uint64_t line, size_t blocks, size_t points)
{
	struct site_row *r;

	for (size_t i = 0; i < blocks; i++)
		native_table_add(n, 4096 * (i + 1),
				 &(struct pl_block){.size = 1000,
						    .born_ns = 1,
						    .site = {line, line, PL_KIND_HEAP, 0}},
				 n->state == NATIVE_BURST ? 10 : 1, clock_ns());
	r = &n->table.rows.v[n->table.rows.n - 1];
	for (r->n_points = 0; r->n_points < points; r->n_points++)
		r->points[r->n_points] = (struct native_point){(double)r->n_points, 1, 1};
}

/* Their numbers; 0 when the line is not told of, and it is told of once. */
static double told(struct native *n, uint64_t line, bool *estimated)
{
	struct native_sites s;
	double count = 0;

	n->table.last_ns = clock_ns(); /* it has just been looked at */
	assert_int_equal(native_sites(n, &s), 0);
	for (size_t i = 0; i < s.n; i++)
		if (s.v[i].key.stack == line) {
			assert_true(count == 0);
			count = s.v[i].live_count;
			*estimated = s.v[i].estimated;
			assert_true(s.v[i].depth_share == 1);
		}
	native_sites_free(&s);
	return count;
}

/* A line is not lost, nor told of twice, when its blocks are traced in another way. */
static void lines_outlive_a_change_of_ways(void **state)
{
	bool estimated = false;
	struct scene k;

	(void)state;
	set_up(&k);
	k.n.state = NATIVE_BURST;
	allocate(&k.n, 1, 100, 20);
	allocate(&k.n, 2, 50, 20);
	assert_true(told(&k.n, 1, &estimated) > 900 && estimated);
	native_table_reset(&k.n);
	k.n.state = NATIVE_EXACT;
	assert_true(told(&k.n, 1, &estimated) > 900 && estimated);
	/* It begins anew, and has not yet been seen for long. */
	allocate(&k.n, 1, 5, 3);
	assert_true(told(&k.n, 1, &estimated) > 900 && estimated);
	/* It has been. */
	allocate(&k.n, 1, 5, 12);
	assert_true(told(&k.n, 1, &estimated) == 10 && !estimated);
	assert_true(told(&k.n, 2, &estimated) > 400 && estimated);
	/* The other way again, at once: what was known is known still, but not for longer. */
	native_table_reset(&k.n);
	assert_true(told(&k.n, 1, &estimated) > 900);
	assert_true(k.n.table.kept_until_ns <= clock_ns() + 30 * SECOND);
	k.n.table.kept_until_ns = clock_ns();
	assert_true(told(&k.n, 1, &estimated) == 0);
	assert_true(told(&k.n, 2, &estimated) == 0);
	/* Nor is it kept in memory: here there is no table of blocks, and the scan ends early. */
	k.n.table.last_ns = 0;
	k.n.table.maps_ns = clock_ns();
	native_table_scan(&k.n, clock_ns());
	assert_int_equal(k.n.table.kept.n, 0);
	native_table_free(&k.n.table);
}

static void a_site_is_as_old_as_its_blocks_at_the_first_look(void **state)
{
	const uint64_t now_ns = 1000 * SECOND;
	struct native_sites s;
	struct scene k;

	(void)state;
	set_up(&k);
	k.n.state = NATIVE_BURST;
	for (uint64_t i = 1; i <= 2; i++)
		native_table_add(&k.n, 4096 * i,
				 &(struct pl_block){.size = 1000 * i,
						    .born_ns = now_ns - i * SECOND,
						    .site = {LEAK, LEAK, PL_KIND_HEAP, 0}},
				 1, now_ns);
	k.n.paused = true;
	k.n.paused_ns = k.n.table.last_ns = now_ns;
	assert_int_equal(native_sites(&k.n, &s), 0);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.v[0].oldest_ns, 2 * SECOND);
	assert_int_equal(s.v[0].min_size, 1000);
	native_sites_free(&s);
	native_table_free(&k.n.table);
}

/* In place of libbpf's: once it has begun, a block each millisecond, of which windows are told. */
struct ring_buffer {
	ring_buffer_sample_fn tell;
	struct native *n;
	uint64_t told_ns; /* 0 = it has not begun */
	size_t made, told;
	char block[1 << 13][8 * BURST_WORDS];
};

static struct ring_buffer ring;

struct ring_buffer *ring_buffer__new(int fd, ring_buffer_sample_fn tell, void *ctx,
				     const struct ring_buffer_opts *opts)
{
	(void)fd;
	(void)opts;
	ring = (struct ring_buffer){.tell = tell, .n = ctx};
	return &ring;
}

void ring_buffer__free(struct ring_buffer *r)
{
	(void)r;
}

int ring_buffer__consume(struct ring_buffer *r)
{
	uint64_t now_ns = clock_ns();

	r->n->ctl->lost += host.is_full;
	for (; r->told_ns && r->told_ns + MS <= now_ns; r->told_ns += MS) {
		struct pl_native_event e = {.size = sizeof(r->block[0]),
					    .stack = LEAK,
					    .caller = LEAK,
					    .born_ns = r->told_ns,
					    .op = PL_NATIVE_ALLOC};

		r->made++;
		if (r->n->ctl->mode != PL_NATIVE_BURST)
			continue;
		assert_true(r->told < ARRAY_SIZE(r->block));
		e.addr = (uintptr_t)r->block[r->told++];
		r->tell(r->n, &e, sizeof(e));
	}
	return 0;
}

static void begin_windows(struct scene *k, struct proc *self, uint64_t start_ns)
{
	set_up(k);
	host.err = 0;
	k->n.spec.proc = self;
	k->n.libc.is_foreign = true;
	k->n.state = NATIVE_BURST;
	native_burst_start(&k->n, start_ns);
}

static void open_window(struct scene *k)
{
	k->account.expected_ns = k->account.saved_ns = 0;
	k->n.burst.next_ns = 0;
	assert_int_equal(native_burst_poll(&k->n, clock_ns()), 0);
}

/* One in a minute of calm, then many while something leaks. */
static void a_window_tells_of_the_time_since_the_last(void **state)
{
	struct proc *self = self_open();
	bool estimated = false;
	struct scene k;

	(void)state;
	begin_windows(&k, self, clock_ns() - 60 * SECOND);
	open_window(&k);
	ring.told_ns = clock_ns();
	for (unsigned i = 0; i < 20; i++) {
		usleep(20000);
		open_window(&k);
	}
	for (size_t i = 0; i < k.n.burst.samples.n; i++) {
		const struct burst_sample *s = &k.n.burst.samples.v[i];

		native_table_add(&k.n, s->addr,
				 &(struct pl_block){.size = s->size,
						    .born_ns = s->born_ns,
						    .site = {LEAK, LEAK, PL_KIND_HEAP, 0}},
				 s->weight, clock_ns());
	}
	assert_true(fabs(told(&k.n, LEAK, &estimated) / (double)ring.made - 1) < 0.25);
	assert_true(estimated);
	native_table_free(&k.n.table);
	native_burst_free(&k.n.burst);
	proc_close(self);
}

/* A block that it saw may be another's by now; the next window tells of its time too. */
static void a_window_that_lost_calls_tells_nothing(void **state)
{
	const uint64_t start_ns = clock_ns() - SECOND;
	struct proc *self = self_open();
	double stand_for = 0;
	struct scene k;

	(void)state;
	begin_windows(&k, self, start_ns);
	ring.told_ns = clock_ns();
	host.is_full = true;
	open_window(&k);
	assert_int_equal(k.n.burst.samples.n, 0);
	assert_int_equal(k.n.burst.closed_ns, start_ns);
	host.is_full = false;
	open_window(&k);
	assert_int_equal(k.n.burst.n_young, 1);
	for (size_t i = 0; i < k.n.burst.samples.n; i++)
		stand_for += k.n.burst.samples.v[i].weight;
	assert_true(fabs(stand_for / 1000 - 1) < 0.25); /* one a ms */
	native_burst_free(&k.n.burst);
	proc_close(self);
}

int bpf_map_lookup_batch(int fd, void *in, void *out, void *keys, void *values, __u32 *count,
			 const struct bpf_map_batch_opts *opts)
{
	(void)fd;
	(void)in;
	(void)out;
	(void)keys;
	(void)values;
	(void)opts;
	*count = 0;
	errno = ENOENT;
	return -1;
}

/* Each stands for a hundred, and lives on. */
static void meet(struct native *n, uint64_t closed_ns, size_t blocks)
{
	n->burst.telling++;
	for (size_t i = 0; i < blocks; i++)
		*vec_push(&n->burst.samples) = (struct burst_sample){
			.addr = 4096 * (n->burst.samples.n + 1),
			.size = 1000,
			.stack = LEAK,
			.caller = LEAK,
			.born_ns = closed_ns - MS,
			.weight = 100,
			.per_s = 10,
			.nth = n->burst.telling,
			.rung = BURST_SURVIVED,
		};
	n->burst.young[n->burst.n_young++] = closed_ns;
}

/* A window each five seconds meets seven of a constant leak: neither steps nor silence between, and
 * it may grow as fast at each moment. */
static void rare_windows_tell_of_a_straight_line(void **state)
{
	const uint64_t start_ns = 100 * SECOND;
	struct proc *self = self_open();
	struct site_row *r;
	struct scene k;

	(void)state;
	set_up(&k);
	k.n.spec.proc = self;
	k.n.start_ns = start_ns;
	k.n.spec.older_ns = 2 * SECOND;
	k.n.state = NATIVE_BURST;
	native_burst_start(&k.n, start_ns);
	for (uint64_t s = 1; s <= 30; s++) {
		assert_int_equal(native_table_scan(&k.n, start_ns + s * SECOND), 0);
		if (k.n.table.rows.n) {
			r = &k.n.table.rows.v[0];
			native_told(&k.n, r);
			assert_float_equal(r->most, r->count > 0 ? 7 * 10 * 1000 : 0, 1e-6);
		}
		if (s % 5 == 0)
			meet(&k.n, start_ns + s * SECOND, 7);
	}
	r = &k.n.table.rows.v[0];
	assert_int_equal(r->met, 5);
	assert_int_equal(r->n_points, 26);
	for (size_t i = 0; i < r->n_points; i++) {
		assert_float_equal(r->points[i].t_s, 2 + (double)i, 1e-9);
		assert_float_equal(r->points[i].count, 140 * (double)i, 1e-6);
	}
	/* No window any more: it is not known how it goes on. */
	for (uint64_t s = 31; s <= 60; s++)
		assert_int_equal(native_table_scan(&k.n, start_ns + s * SECOND), 0);
	r = &k.n.table.rows.v[0];
	assert_float_equal(r->points[r->n_points - 1].t_s, 32, 1e-9);
	native_table_free(&k.n.table);
	native_burst_free(&k.n.burst);
	proc_close(self);
}

/* Calls that windows of 10 ms meet of who makes one each 250 ns, in bursts, and what is told of
 * them: in each window it has the longer for a call the dearer that is. */
struct bursts {
	uint64_t period_ns, busy_ns;
	double told, most, truth; /* bytes a second */
};

#define OWN_NS	     250.0
#define CALLS_A_LIFE 20
#define LIFE	     100 /* bytes */

static size_t calls_in(const struct bursts *b, const struct native *n, uint64_t phase_ns)
{
	double pair = native_pair_ns(n), left = 10e6, left_of_burst;
	size_t calls = 0;

	while (left > 0) {
		if (phase_ns >= b->busy_ns) {
			left -= (double)(b->period_ns - phase_ns);
			phase_ns = 0;
			continue;
		}
		left_of_burst = (double)(b->busy_ns - phase_ns) / OWN_NS;
		calls += (size_t)fmin(left_of_burst, left / (OWN_NS + pair));
		left -= left_of_burst * (OWN_NS + pair);
		phase_ns = b->busy_ns;
	}
	return calls;
}

static void meet_bursts(struct bursts *b, struct proc *self)
{
	const uint64_t start_ns = 100 * SECOND;
	uint64_t random = 1, at = start_ns;
	struct native_sites s;
	struct scene k;

	set_up(&k);
	k.n.spec.proc = self;
	k.n.start_ns = start_ns;
	k.n.entry_prog_ns = NATIVE_ENTRY_PROG_NS;
	k.n.return_prog_ns = NATIVE_RETURN_PROG_NS;
	k.n.state = NATIVE_BURST;
	native_burst_start(&k.n, start_ns);
	for (int i = 0; i < 1000; i++) {
		uint64_t gap = SECOND / 4 + (random_next(&random) >> 16) % SECOND;
		size_t calls = calls_in(b, &k.n, (at + gap) % b->period_ns);

		k.n.burst.telling++;
		for (size_t c = 0; c < calls / CALLS_A_LIFE; c++)
			*vec_push(&k.n.burst.samples) = (struct burst_sample){
				.addr = 4096 * (k.n.burst.samples.n + 1),
				.size = LIFE,
				.stack = LEAK,
				.caller = LEAK,
				.born_ns = at + gap,
				.weight = (double)gap / 10e6,
				.per_s = native_cost_most(&k.n, calls, 10 * MS),
				.nth = k.n.burst.telling,
				.rung = BURST_SURVIVED,
			};
		at += gap;
	}
	assert_int_equal(native_table_scan(&k.n, at + SECOND), 0);
	k.n.table.last_ns = clock_ns();
	assert_int_equal(native_sites(&k.n, &s), 0);
	assert_int_equal(s.n, 1);
	b->truth = LIFE * 1e9 / (OWN_NS * CALLS_A_LIFE) * (double)b->busy_ns / (double)b->period_ns;
	b->told = s.v[0].live_bytes / (double)(at - start_ns) * 1e9;
	b->most = s.v[0].most_bytes_per_s;
	native_sites_free(&s);
	native_table_free(&k.n.table);
	native_burst_free(&k.n.burst);
}

/* A target that is busy all through a window does a fraction of what it would have done; one that
 * has time left does all of it. */
static void how_many_windows_may_have_missed(void **state)
{
	struct bursts crawls = {.period_ns = 333 * MS, .busy_ns = 50 * MS};
	struct bursts rests = {.period_ns = 5 * MS + 1, .busy_ns = 100000};
	struct proc *self = self_open();

	(void)state;
	meet_bursts(&crawls, self);
	assert_true(crawls.told < crawls.truth / 10);
	assert_true(fabs(crawls.most / crawls.truth - 1) < 0.2);
	meet_bursts(&rests, self);
	assert_true(rests.told > rests.truth / 2 && rests.told < rests.truth);
	assert_true(fabs(rests.most / rests.truth - 1) < 0.2);
	proc_close(self);
}

static void what_is_met_until_a_window_is_closed_is_charged(void **state)
{
	struct proc *self = self_open();
	double spent[2];
	struct scene k;

	(void)state;
	for (int is_late = 0; is_late < 2; is_late++) {
		begin_windows(&k, self, clock_ns() - SECOND);
		k.n.stats_fd = -1;
		host.late = &k.ctl;
		host.recorded = is_late ? 10000 : 0;
		host.unrecorded = is_late ? 100000 : 0;
		open_window(&k);
		native_cost_update(&k.n, clock_ns());
		spent[is_late] = k.account.spent_ns;
		native_burst_free(&k.n.burst);
	}
	assert_float_equal(spent[1] - spent[0],
			   10000 * native_pair_ns(&k.n) + 100000 * NATIVE_HIT_NS, 1);
	proc_close(self);
}

/* A copy of the C library by another name, as the only file of @p. */
static void *map_library(struct proc *p, const char *path)
{
	auto_close int from = open(proc_find_map(p, (uintptr_t)fopen)->path, O_RDONLY | O_CLOEXEC);
	auto_close int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct stat st;
	void *map;

	assert_true(from >= 0 && fd >= 0 && !fstat(from, &st));
	for (off_t at = 0; at < st.st_size;)
		assert_true(copy_file_range(from, &at, fd, NULL, (size_t)(st.st_size - at), 0) > 0);
	map = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	assert_true(map != MAP_FAILED);
	assert_int_equal(proc_read_maps(p), 0);
	memmove(p->maps, proc_find_map(p, (uintptr_t)map), sizeof(*p->maps));
	p->n_maps = 1;
	return map;
}

/* musl's calls the very mmap that is probed, for blocks that windows on malloc tell of. */
static void what_musls_malloc_maps_is_no_line(void **state)
{
	struct pl_block b = {.size = 1 << 20, .born_ns = 1, .site = {LEAK, LEAK, PL_KIND_MMAP, 0}};
	char dir[] = "/tmp/pyleak-test-XXXXXX", path[64];
	struct proc *p = self_open();
	struct scene k;
	void *map;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/ld-musl-x86_64.so.1", dir);
	map = map_library(p, path);
	set_up(&k);
	k.n.state = NATIVE_BURST;
	assert_int_equal(native_libc_find(p, &k.n.libc), 0);
	assert_true(k.n.libc.is_foreign);
	b.site.caller = (uintptr_t)map + 4096;
	native_table_add(&k.n, 1 << 20, &b, 1, clock_ns());
	assert_int_equal(k.n.table.rows.n, 0);
	b.site.caller = (uintptr_t)what_musls_malloc_maps_is_no_line;
	native_table_add(&k.n, 1 << 20, &b, 1, clock_ns());
	assert_int_equal(k.n.table.rows.n, 1);
	native_table_free(&k.n.table);
	native_libc_forget(&k.n.libc);
	munmap(map, p->maps->end - p->maps->start);
	proc_close(p);
	unlink(path);
	rmdir(dir);
}

/* Whoever stands still calls nothing: that is no calm. */
static void a_target_that_is_stopped_is_not_calm(void **state)
{
	pid_t child = fork();
	struct proc *self = self_open(), *stopped;
	struct scene k;
	int status;

	(void)state;
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* a failed test leaves nothing behind */
		raise(SIGSTOP);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, WUNTRACED), child);
	assert_int_equal(proc_open(child, &stopped), 0);
	set_up(&k);
	host.err = 0;
	k.n.libc.is_foreign = true;
	k.n.state = NATIVE_BURST;
	k.n.spec.proc = self; /* which runs, and calls nothing either */
	native_burst_start(&k.n, clock_ns());
	open_window(&k);
	open_window(&k);
	assert_int_equal(k.n.burst.calm_windows, 2);
	k.n.spec.proc = stopped;
	for (int i = 0; i < 3; i++)
		open_window(&k);
	assert_int_equal(k.n.burst.windows, 5);
	assert_int_equal(k.n.burst.calm_windows, 2);
	native_burst_free(&k.n.burst);
	proc_close(stopped);
	proc_close(self);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

/* The series have a point every two seconds by now: a walk between them is for a report. */
static void blocks_are_walked_no_more_often_than_they_have_points(void **state)
{
	const uint64_t start_ns = 100 * SECOND;
	struct native_sites sites;
	struct scene k;

	(void)state;
	set_up(&k);
	k.n.state = NATIVE_EXACT;
	k.n.paused = true;
	k.n.table.last_ns = start_ns;
	k.n.table.point_gap_s = 2;
	assert_int_equal(native_table_scan(&k.n, start_ns + SECOND), 0);
	assert_int_equal(k.n.table.last_ns, start_ns);
	assert_int_equal(native_table_scan(&k.n, start_ns + 2 * SECOND), 0);
	assert_int_equal(k.n.table.last_ns, start_ns + 2 * SECOND);
	k.n.paused_ns = start_ns + 3 * SECOND;
	assert_int_equal(native_sites(&k.n, &sites), 0);
	assert_int_equal(k.n.table.last_ns, start_ns + 3 * SECOND);
	/* However long it goes on, a table that fills up is noticed. */
	k.n.table.point_gap_s = 64;
	assert_int_equal(native_table_scan(&k.n, start_ns + 6 * SECOND), 0);
	assert_int_equal(k.n.table.last_ns, start_ns + 6 * SECOND);
	native_sites_free(&sites);
	native_table_free(&k.n.table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(after_the_last_change_none_is_asked_for),
		cmocka_unit_test(in_a_pause_it_is_asked_again),
		cmocka_unit_test(what_had_gone_in_is_paid_for),
		cmocka_unit_test(lines_outlive_a_change_of_ways),
		cmocka_unit_test(a_site_is_as_old_as_its_blocks_at_the_first_look),
		cmocka_unit_test(a_window_tells_of_the_time_since_the_last),
		cmocka_unit_test(a_window_that_lost_calls_tells_nothing),
		cmocka_unit_test(rare_windows_tell_of_a_straight_line),
		cmocka_unit_test(blocks_are_walked_no_more_often_than_they_have_points),
		cmocka_unit_test(how_many_windows_may_have_missed),
		cmocka_unit_test(what_is_met_until_a_window_is_closed_is_charged),
		cmocka_unit_test(what_musls_malloc_maps_is_no_line),
		cmocka_unit_test(a_target_that_is_stopped_is_not_calm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
