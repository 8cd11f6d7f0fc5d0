/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Opens and closes native tracking, and changes its state: the probe sets, windows or all calls. */
#include "track/native_priv.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pyleak.skel.h"

/* Exact tracing is left at once when it costs four times its share, and after five seconds when it
 * costs a quarter more. */
#define OVER_AT_ONCE 4.0
#define OVER_LONG    1.25
#define OVER_NS	     5000000000ull
/* Calm windows before exact tracing is tried again, four times as many after each time it did not
 * last: a change drops what was gathered. */
#define CALM_WINDOWS 16
#define CALM_FALLS   4
#define AGAIN_NS     10000000000ull /* until it is tried again where windows are too dear */

static bool in_set(enum native_set s, int fn)
{
	bool is_entry = s == SET_HEAP_ENTRY || s == SET_MAP_ENTRY;

	return native_is_map(fn) == (s == SET_MAP_ENTRY || s == SET_MAP_RETURN) &&
	       (is_entry || (!PL_FN_IS_FREE(fn) && fn != PL_FN_MUNMAP));
}

static int open_set(struct native *n, enum native_set s)
{
	static const char *const labels[SETS] = {"malloc", "mallocret", "mmap", "mmapret",
						 "mallocmeter"};
	const struct bpf_program *const progs[SETS] = {
		n->spec.skel->progs.native_entry, n->spec.skel->progs.native_return,
		n->spec.skel->progs.native_entry, n->spec.skel->progs.native_map_return,
		n->spec.skel->progs.native_meter,
	};
	uint64_t offsets[PL_FN_MAX];
	struct probe_set_spec spec = {
		.file_fd = n->libc.fd[s == SET_MAP_ENTRY || s == SET_MAP_RETURN],
		.offsets = offsets,
		.pid = n->spec.proc->pid,
		.pidfd = n->spec.proc->pidfd,
		.prog_fd = bpf_program__fd(progs[s]),
		.on_return = s == SET_HEAP_RETURN || s == SET_MAP_RETURN,
		.is_library = true,
		.label = labels[s],
		.guard = n->spec.channel,
	};

	for (size_t i = 0; i < n->libc.n; i++)
		if (in_set(s, n->libc.fns[i].fn))
			offsets[spec.n++] = n->libc.offsets[i];
	n->set_sites[s] = spec.n;
	return spec.n ? probe_set_open(n->spec.mechanism, &spec, &n->set[s]) : 0;
}

uint64_t native_now(const struct native *n)
{
	return n->paused ? n->paused_ns : clock_ns();
}

static int set_on(struct native *n, enum native_set s)
{
	return n->set[s] ? probe_set_insist(n->set[s]) : 0;
}

void native_set_mode(struct native *n, uint32_t mode)
{
	n->ctl->epoch[0]++;
	__atomic_store_n(&n->ctl->mode, mode, __ATOMIC_RELEASE);
}

static void clear_blocks(struct native *n)
{
	uint64_t key, next;
	bool more = !bpf_map_get_next_key(n->blocks_fd, NULL, &next);

	/* the next key is asked for first: after the deletion the first would come again */
	for (size_t i = 0; more && i < 2 * PL_MAX_BLOCKS; i++) {
		key = next;
		more = !bpf_map_get_next_key(n->blocks_fd, &key, &next);
		bpf_map_delete_elem(n->blocks_fd, &key);
	}
	native_table_reset(n);
}

static void maps_off(struct native *n)
{
	struct probe_set *const set[] = {n->set[SET_MAP_ENTRY], n->set[SET_MAP_RETURN]};

	__atomic_store_n(&n->ctl->mmap_on, 0, __ATOMIC_RELEASE);
	probe_sets_off(set, ARRAY_SIZE(set), true);
}

/* Is a refusal for the moment: for want of a turn, or for the sake of the target or the host? */
static bool is_passing(int err)
{
	return err == -EAGAIN || err == -EBUSY;
}

/* Switches on probes of the mmap family, in all states: calls are rare, and each is seen. */
static int maps_on(struct native *n)
{
	int err;

	if (n->maps_off || n->ctl->mmap_on)
		return 0;
	err = set_on(n, SET_MAP_RETURN);
	if (!err)
		err = set_on(n, SET_MAP_ENTRY);
	if (is_passing(err)) {
		n->maps_ns = clock_ns() + AGAIN_NS;
		snprintf(n->note, sizeof(n->note), "mmap could not be watched at times: %s",
			 fail_text());
		maps_off(n);
		return 0;
	}
	if (err)
		return err;
	n->ctl->epoch[1]++;
	__atomic_store_n(&n->ctl->mmap_on, 1, __ATOMIC_RELEASE);
	return 0;
}

static void all_off(struct native *n)
{
	native_set_mode(n, PL_NATIVE_OFF);
	__atomic_store_n(&n->ctl->mmap_on, 0, __ATOMIC_RELEASE);
	probe_sets_off(n->set, ARRAY_SIZE(n->set), true);
}

void native_note_refused(struct native *n)
{
	if (!n->is_refused)
		snprintf(n->note, sizeof(n->note),
			 "native blocks could not be watched at times: %s", fail_text());
	n->is_refused = true;
}

/* The state in which probes that are refused for the moment are waited for. */
static enum native_state meanwhile(struct native *n)
{
	if (!probe_host_is_crowded())
		return NATIVE_BURST;
	native_note_refused(n);
	return NATIVE_OFF;
}

static int give_up(struct native *n, int err)
{
	snprintf(n->note, sizeof(n->note), "native blocks are not traced: %s", fail_text());
	all_off(n);
	n->table.kept_until_ns = n->again_ns = 0;
	n->state = NATIVE_OFF;
	return err;
}

/* Changes the state. Returns are switched on first: an entry whose return is not probed would look
 * like a lost one. The block table starts empty, since in other states the ends of blocks go
 * unseen. */
static int enter(struct native *n, enum native_state state)
{
	struct probe_set *const heap[] = {n->set[SET_HEAP_ENTRY], n->set[SET_HEAP_RETURN]};
	uint64_t now_ns = clock_ns();
	int err = 0;

	native_set_mode(n, PL_NATIVE_OFF);
	probe_sets_off(heap, ARRAY_SIZE(heap), true);
	native_cost_stop(n);
	clear_blocks(n);
	native_unknown_start(n);
	n->state = state;
	n->entered_ns = now_ns;
	n->again_ns = state == NATIVE_OFF ? now_ns + AGAIN_NS : 0;
	if (state == NATIVE_OFF)
		maps_off(n);
	else
		err = maps_on(n);
	if (!err && state == NATIVE_EXACT) {
		err = set_on(n, SET_HEAP_RETURN);
		if (!err)
			err = set_on(n, SET_HEAP_ENTRY);
		if (!err)
			native_set_mode(n, PL_NATIVE_EXACT);
	}
	/* A change of probes on libc visits all processes that map it, at each place: 4 ms for a
	 * thousand (bench/libc_sets.c). Once may be acceptable, again and again is not. */
	if (!err && state == NATIVE_BURST && probe_host_is_crowded())
		err = fail(-ENOTSUP, "they are too many to see each, and windows would look at all "
				     "processes of this host each time");
	if (!err && state == NATIVE_BURST)
		native_burst_start(n, now_ns);
	if (is_passing(err))
		return enter(n, meanwhile(n));
	if (err)
		return give_up(n, err);
	if (state != NATIVE_OFF)
		native_cost_start(n, clock_ns());
	return 0;
}

static int map_ctl(struct native *n)
{
	n->blocks_fd = bpf_map__fd(n->spec.skel->maps.native_blocks);
	n->ring_fd = bpf_map__fd(n->spec.skel->maps.native_ring);
	n->entry_fd = bpf_program__fd(n->spec.skel->progs.native_entry);
	n->return_fd = bpf_program__fd(n->spec.skel->progs.native_return);
	n->ctl_len = (sizeof(*n->ctl) + 4095) & ~4095ul;
	n->ctl = mmap(NULL, n->ctl_len, PROT_READ | PROT_WRITE, MAP_SHARED,
		      bpf_map__fd(n->spec.skel->maps.native_ctl), 0);
	if (n->ctl == MAP_FAILED) {
		n->ctl = NULL;
		return fail(-errno, "the control map cannot be mapped: %s", strerror(errno));
	}
	memset(n->ctl, 0, sizeof(*n->ctl));
	memcpy(n->ctl->fns, n->libc.fns, sizeof(n->libc.fns));
	n->ctl->has_chunks = !n->libc.is_foreign;
	return 0;
}

static int decide(struct native *n)
{
	double few_per_s = n->spec.account->stays * 1e9 / native_pair_ns(n);
	int err = n->spec.force_exact ? 0 : native_meter(n, few_per_s, &n->rate);

	if (is_passing(err))
		return enter(n, meanwhile(n));
	if (err)
		return give_up(n, err);
	log_debug("%.0f allocator calls per second, %.0f may be seen one by one", n->rate,
		  few_per_s);
	if (n->spec.force_exact || n->rate <= few_per_s)
		return enter(n, NATIVE_EXACT);
	return enter(n, NATIVE_BURST);
}

static int start(struct native *n)
{
	int err = native_libc_find(n->spec.proc, &n->libc);

	if (err == -ENOENT) {
		snprintf(n->note, sizeof(n->note), "%s", fail_text());
		return 0;
	}
	if (!err)
		err = map_ctl(n);
	for (int s = 0; !err && s < SETS; s++)
		err = open_set(n, (enum native_set)s);
	if (!err)
		err = decide(n);
	/* the places cannot be probed here, or not without harm */
	if (err == -ENOTSUP || is_passing(err)) {
		snprintf(n->note, sizeof(n->note), "native blocks are not traced: %s", fail_text());
		return 0;
	}
	return err;
}

int native_open(const struct native_spec *spec, struct native **out)
{
	struct native *n = calloc(1, sizeof(*n));
	int err;

	*out = NULL;
	if (!n)
		return fail(-ENOMEM, "out of memory");
	n->spec = *spec;
	n->stats_fd = n->libc.fd[0] = n->libc.fd[1] = -1;
	n->start_ns = clock_ns();
	n->entry_prog_ns = NATIVE_ENTRY_PROG_NS;
	n->return_prog_ns = NATIVE_RETURN_PROG_NS;
	err = start(n);
	if (err) {
		native_close(n);
		return err;
	}
	*out = n;
	return 0;
}

void native_close(struct native *n)
{
	if (!n)
		return;
	if (n->ctl)
		all_off(n);
	for (int s = 0; s < SETS; s++)
		probe_set_close(n->set[s]);
	native_libc_forget(&n->libc);
	if (n->ring)
		ring_buffer__free(n->ring);
	if (n->ctl)
		munmap(n->ctl, n->ctl_len);
	native_cost_stop(n);
	native_burst_free(&n->burst);
	native_table_free(&n->table);
	trend_set_free(n->unknown);
	free(n);
}

static bool is_dear(const struct native *n)
{
	return n->spec.account->of_late > OVER_LONG * n->spec.account->stays;
}

/* Has exact tracing cost too much: far too much at once, or too much for long? */
static bool over(struct native *n, uint64_t now_ns, bool is_over)
{
	const struct account *a = n->spec.account;

	if (n->spec.force_exact || !is_over) {
		n->over_since_ns = 0;
		return false;
	}
	if (!n->over_since_ns)
		n->over_since_ns = now_ns;
	return a->of_late > OVER_AT_ONCE * a->stays || now_ns - n->over_since_ns > OVER_NS;
}

/* Is the table nearly full? Then every leak looks as if it had ended. */
static bool is_crowded(const struct native *n)
{
	return !n->spec.force_exact && n->table.n_blocks >= PL_MAX_BLOCKS - PL_MAX_BLOCKS / 16;
}

static int poll_exact(struct native *n, uint64_t now_ns)
{
	struct account *a = n->spec.account;

	if (is_crowded(n)) {
		log_info("%zu native blocks live: more are not traced one by one, but in bursts",
			 n->table.n_blocks);
		n->crowded = true;
		return enter(n, NATIVE_BURST);
	}
	/* without windows to change to, tracing stays if it is not known to cost anything */
	if (!over(n, now_ns, is_dear(n) || (!account_may_stay(a) && !probe_host_is_crowded())))
		return native_table_scan(n, now_ns);
	log_debug("native blocks cost %.1f %%: bursts from here on", 100 * a->of_late);
	n->falls += is_dear(n);
	a->of_late = a->stays;
	return enter(n, NATIVE_BURST);
}

static int poll_burst(struct native *n, uint64_t now_ns)
{
	int err = native_burst_poll(n, now_ns);
	uint64_t calm;

	if (!err && over(n, now_ns, is_dear(n)) && n->ctl->mmap_on) {
		/* between windows only the mmap family costs anything */
		maps_off(n);
		n->maps_off = true;
		snprintf(n->note, sizeof(n->note), "mmap is called too often to be traced");
	}
	calm = (uint64_t)CALM_WINDOWS << 2 * (n->falls < CALM_FALLS ? n->falls : CALM_FALLS);
	if (!err && !n->crowded && n->burst.calm_windows >= calm &&
	    account_may_stay(n->spec.account))
		return enter(n, NATIVE_EXACT);
	return err ? err : native_table_scan(n, now_ns);
}

int native_poll(struct native *n)
{
	uint64_t now_ns = clock_ns();

	if (n->again_ns && now_ns >= n->again_ns)
		return decide(n);
	if (n->state == NATIVE_OFF || n->paused)
		return 0;
	if (now_ns >= n->maps_ns && maps_on(n))
		return give_up(n, -ENOTSUP);
	native_cost_update(n, now_ns);
	native_unknown_sample(n, (double)(now_ns - n->start_ns) / 1e9);
	return n->state == NATIVE_EXACT ? poll_exact(n, now_ns) : poll_burst(n, now_ns);
}

void native_pause(struct native *n)
{
	if (n->paused || n->state == NATIVE_OFF)
		return;
	native_cost_update(n, clock_ns());
	native_cost_stop(n);
	all_off(n);
	n->paused_ns = clock_ns();
	n->paused = true;
}

int native_resume(struct native *n)
{
	if (!n->paused)
		return 0;
	n->paused = false;
	n->table.rows.n = 0;
	n->table.kept_until_ns = 0;
	return enter(n, n->state);
}

double native_allow_copies(struct native *n, double allowed)
{
	/* a copy that is taken at this moment may count twice: the ring bounds them anyway */
	int32_t unused = n->ctl ? __atomic_load_n(&n->ctl->copies, __ATOMIC_RELAXED) : 0;
	int32_t used = n->copies - unused;

	allowed -= used > 0 ? used : 0;
	n->copies = allowed > 0 ? (int32_t)allowed : 0;
	if (n->ctl)
		__atomic_store_n(&n->ctl->copies, n->copies, __ATOMIC_RELAXED);
	return allowed;
}

enum native_state native_state(const struct native *n)
{
	return n->state;
}

uint64_t native_entered_ns(const struct native *n)
{
	return n->entered_ns;
}

const char *native_note(const struct native *n)
{
	return n->note;
}
