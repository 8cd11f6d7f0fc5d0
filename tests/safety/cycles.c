/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Attaches to a running Python and lets go of it again, over and over, the way a session does: the
 * probes of all births through the guardian; each time they are defined, put in, and removed.
 *
 * cycles PID N: prints the number of cycles done; 0 when all of them were.
 */
#include <bpf/libbpf.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "session/session_priv.h"
#include "session/sites.h"

#include "pyleak.skel.h" /* uses the types of pyleak/abi.h */

#define STAY_US 1000

static int forget_record(void *ctx, void *data, size_t size)
{
	(void)ctx, (void)data, (void)size;
	return 0;
}

static int open_target(struct session *s, pid_t pid)
{
	int err = proc_open(pid, &s->proc);

	if (!err)
		err = py_open(s->proc, &s->rt);
	if (!err)
		err = sites_open(s);
	if (!err)
		err = probe_guard_join(s->o.guard, &s->kern.channel);
	if (!err)
		err = kern_load(s, s->sites->n);
	if (err)
		return err;
	ring_buffer__free(s->kern.ring);
	s->kern.ring =
		ring_buffer__new(bpf_map__fd(s->kern.skel->maps.ring), forget_record, NULL, NULL);
	return s->kern.ring ? 0 : fail(-errno, "cannot read the ring: %s", strerror(errno));
}

static int cycle(struct session *s)
{
	int err = sites_attach(s);

	if (!err)
		err = sites_warm(s->sites);
	if (!err)
		err = sites_each(s->sites, s->sites->set, probe_set_insist);
	if (!err) {
		usleep(STAY_US);
		sites_each(s->sites, s->sites->set, probe_set_off);
	}
	sites_detach(s->sites);
	ring_buffer__consume(s->kern.ring);
	return err;
}

int main(int argc, char **argv)
{
	static struct session s;
	unsigned long n = argc == 3 ? strtoul(argv[2], NULL, 10) : 0, done = 0;
	int err;

	if (!n) {
		fprintf(stderr, "usage: cycles PID N\n");
		return 2;
	}
	err = probe_guard_start(&(struct probe_guard_opts){0}, &s.o.guard);
	if (!err)
		err = open_target(&s, atoi(argv[1]));
	for (; !err && done < n; done += !err) {
		probe_guard_beat(s.o.guard);
		err = cycle(&s);
	}
	if (err)
		fprintf(stderr, "after %lu cycles: %s\n", done, fail_text());
	sites_close(s.sites);
	kern_close(&s.kern);
	py_close(s.rt);
	proc_close(s.proc);
	probe_guard_stop(s.o.guard);
	printf("%lu\n", done);
	return err ? 1 : 0;
}
