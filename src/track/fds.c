/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Descriptor tracking from open to close. */
#include "track/fds.h"

#include <bpf/libbpf.h>
#include <stdio.h>
#include <sys/mman.h>

#include "base/thread.h"
#include "track/fds_priv.h"

#include "pyleak.skel.h"

static void *map_pages(const struct bpf_map *map, size_t size, int prot)
{
	void *p = mmap(NULL, size, prot, MAP_SHARED, bpf_map__fd(map), 0);

	return p == MAP_FAILED ? NULL : p;
}

static int map_all(struct fds *f)
{
	const struct pyleak_bpf *skel = f->spec.skel;

	f->slots = map_pages(skel->maps.fd_slots, PL_FD_SLOTS * sizeof(*f->slots), PROT_READ);
	f->tasks = map_pages(skel->maps.fd_tasks, PL_TASK_SLOTS * sizeof(*f->tasks), PROT_READ);
	f->ctl = map_pages(skel->maps.fd_ctl, sizeof(*f->ctl), PROT_READ | PROT_WRITE);
	if (!f->slots || !f->tasks || !f->ctl)
		return fail(-errno, "cannot map the BPF maps: %s", strerror(errno));
	return 0;
}

static void unmap_all(struct fds *f)
{
	if (f->slots)
		munmap((void *)(uintptr_t)f->slots, PL_FD_SLOTS * sizeof(*f->slots));
	if (f->tasks)
		munmap((void *)(uintptr_t)f->tasks, PL_TASK_SLOTS * sizeof(*f->tasks));
	if (f->ctl)
		munmap(f->ctl, sizeof(*f->ctl));
}

/* Things from before the watch are listed after the probes are in: one that is opened in between is
 * known twice, and the newer record counts. */
int fds_open(const struct fds_spec *spec, struct fds **out)
{
	struct fds *f = calloc(1, sizeof(*f));
	int err;

	*out = NULL;
	if (!f)
		return fail(-ENOMEM, "out of memory");
	f->spec = *spec;
	f->start_ns = spec->account->counted_ns = clock_ns();
	f->table.gone.step_s = 1;
	err = trend_set_new(1, 1.0, &f->table.all);
	if (!err)
		err = trend_set_new(FDS_KINDS, 1.0, &f->table.kinds);
	if (!err)
		err = map_all(f);
	if (err) {
		fds_close(f);
		return err;
	}
	err = fds_attach(f);
	if (err) {
		snprintf(f->note, sizeof(f->note), "descriptors have no lines: %.240s",
			 fail_text());
		fds_detach(f);
	}
	fds_table_look(f, clock_ns(), true);
	*out = f;
	return 0;
}

void fds_close(struct fds *f)
{
	if (!f)
		return;
	fds_detach(f);
	unmap_all(f);
	fds_table_free(&f->table);
	free(f);
}

const char *fds_note(const struct fds *f)
{
	return f->note;
}

enum fds_means fds_means(const struct fds *f)
{
	return f->n_sets || f->n_links > 1 ? f->spec.means : FDS_NONE;
}

uint64_t fds_poll(struct fds *f, bool all)
{
	uint64_t cpu_ns = thread_cpu_ns();

	if (f->is_paused)
		return 0;
	fds_table_look(f, clock_ns(), all);
	cpu_ns = thread_cpu_ns() - cpu_ns;
	fds_cost_poll(f, clock_ns());
	return cpu_ns;
}

void fds_pause(struct fds *f)
{
	if (!f->is_paused)
		fds_off(f);
	f->is_paused = true;
}

int fds_resume(struct fds *f)
{
	if (!f->is_paused)
		return 0;
	f->is_paused = false;
	return f->in_windows ? 0 : fds_stay(f);
}
