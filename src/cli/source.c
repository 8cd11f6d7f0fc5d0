/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Opens the process, snapshot or core file that a command reads, and saves it. */
#include "cli/source.h"

#include <fcntl.h>
#include <unistd.h>

#include "cli/cli.h"
#include "proc/limits.h"
#include "saved/saved.h"

int cli_source_check(const struct cli_source_opts *o, size_t max)
{
	bool is_found = cli_find_is_wanted(&o->find, &o->pids);
	int n = (o->pids.n || is_found) + (o->from != NULL) + (o->core != NULL);

	if (n == 0)
		return fail(-EINVAL, "which process? Name it with -p PID; --help shows examples");
	if (n > 1)
		return fail(-EINVAL, "one of the three: -p PID, --from FILE or --core FILE");
	if (o->pids.n > max)
		return fail(-EINVAL, "one process at a time: -p PID");
	if (o->sysroot && !o->core)
		return fail(-EINVAL, "--sysroot goes with --core");
	return cli_find_check(&o->find, &o->pids);
}

const char *cli_source_words(const struct cli_source_opts *o, char *buf, size_t size)
{
	if (o->from || o->core)
		snprintf(buf, size, "%s %s", o->from ? "--from" : "--core",
			 o->from ? o->from : o->core);
	else if (o->pids.n == 1)
		snprintf(buf, size, "-p %d", o->pids.v[0]);
	else
		snprintf(buf, size, "-p PID");
	return buf;
}

/* Has the kernel end this process first when memory ends: it may take gigabytes beside a target
 * that has little left, and holds no probes. */
static void go_first(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "1000", 4) != 4)
		log_debug("cannot be the first to go when memory ends: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
}

int cli_source_confine(const struct cli_source_opts *o, struct outputs *outputs,
		       const char *const *paths, size_t n)
{
	bool is_file = o->from || o->core;
	int err = is_file ? 0 : cli_host_join();

	if (!err)
		err = outputs_open(outputs, NULL, paths, n, o->no_sandbox);
	if (!err)
		err = outputs_spare(outputs, (const char *const[]){o->from, o->core}, 2);
	go_first();
	return err ? err
		   : confine(&(struct confine_opts){
			     .is_off = o->no_sandbox, .kind = FILTER_READS, .only_files = is_file});
}

/* Allows reading memory that is swapped out. When it comes back it counts against the limit of the
 * process's cgroup, so there must be room for it; else the kernel makes room, by swapping or by
 * killing. */
static int allow_swapped(struct proc *p)
{
	char need[32], has[32];
	struct proc_memory m;
	uint64_t room;

	if (proc_memory(p, &m) || !m.swap_bytes)
		return 0;
	room = proc_room(p);
	if (room < m.swap_bytes)
		return fail(
			-ENOMEM,
			"--swapped: process %d has %s swapped out, and its cgroup or this machine "
			"room for %s: it would pay for it, perhaps by being killed; the rest is "
			"read without --swapped",
			p->pid, fmt_bytes(need, sizeof(need), (double)m.swap_bytes),
			fmt_bytes(has, sizeof(has), (double)room));
	p->read_swapped = true;
	return 0;
}

int cli_source_find(struct cli_source_opts *o, const struct cli_again *again)
{
	return cli_find(&o->find, &o->pids, again, &o->start_ticks);
}

static int open_proc(const struct cli_source_opts *o, size_t i, struct proc **out)
{
	int err;

	if (o->from)
		return saved_open(o->from, out);
	if (o->core)
		return saved_open_core(o->core, o->sysroot, out);
	err = proc_open(o->pids.v[i], out);
	if (!err && o->start_ticks && (*out)->start_ticks != o->start_ticks) {
		proc_close(*out);
		*out = NULL;
		err = fail(-ESRCH, "process %d has ended", o->pids.v[i]);
	}
	return err;
}

int cli_source_open(const struct cli_source_opts *o, size_t i, struct cli_source *out)
{
	const char *file = o->from ? o->from : o->core;
	int err;

	memset(out, 0, sizeof(*out));
	err = open_proc(o, i, &out->proc);
	if (err)
		return file ? err : cli_find_meant(err, o->pids.v[i]);
	err = o->swapped ? allow_swapped(out->proc) : 0;
	if (!err)
		err = py_open(out->proc, &out->rt);
	if (err && file)
		err = fail_in(err, "%s", file);
	else if (err && !proc_alive(out->proc))
		err = fail(-ESRCH, "process %d ended while it was looked at", out->proc->pid);
	else if (err)
		err = cli_find_meant(err, o->pids.v[i]);
	if (err)
		cli_source_close(out);
	return err;
}

void cli_source_close(struct cli_source *s)
{
	py_close(s->rt);
	proc_close(s->proc);
	memset(s, 0, sizeof(*s));
}

/* Saves a snapshot: it is on disk under its name, or not there at all. */
static int save(struct cli_source *s, const struct outputs *o, const char *path,
		struct saved_sums *saved)
{
	const struct proc_map *image = NULL;
	struct output out;
	int err = outputs_begin(o, path, &out);

	if (err)
		return err;
	for (size_t i = 0; i < s->proc->n_maps && !image; i++)
		if (s->proc->maps[i].inode && !strcmp(s->proc->maps[i].path, s->rt->name))
			image = &s->proc->maps[i];
	err = saved_write(s->proc, out.f, &image, image ? 1 : 0, saved);
	return outputs_end(o, &out, err);
}

struct saving {
	struct progress *progress;
	uint64_t of_bytes;
};

static int tell_saving(void *ctx, uint64_t memory_bytes)
{
	const struct saving *saving = ctx;
	const struct heap_progress at = {
		.doing = "saving memory",
		.bytes = memory_bytes,
		.of_bytes = saving->of_bytes,
	};

	return progress_heap(&at, saving->progress);
}

int cli_source_save(struct cli_source *s, const struct outputs *o, const char *path,
		    struct progress *progress, FILE *say)
{
	struct saving saving = {.progress = progress};
	struct saved_sums saved = {.watch = tell_saving, .watch_ctx = &saving};
	struct proc_memory m;
	char memory[32], file[32];
	int err;

	/* the maps have memory that came since the process was opened */
	err = proc_read_maps(s->proc);
	if (err)
		return err;
	/* of files only changed pages are saved, so this is nearly all */
	if (proc_is_live(s->proc) && !proc_memory(s->proc, &m))
		saving.of_bytes = m.anon_bytes;
	err = save(s, o, path, &saved);
	if (err || !say)
		return err;
	fprintf(say, "saved %s of memory in %s (%s)\n",
		fmt_bytes(memory, sizeof(memory), (double)saved.memory_bytes), path,
		fmt_bytes(file, sizeof(file), (double)saved.file_bytes));
	if (saved.unreadable_bytes)
		fprintf(say, "%s %s\n",
			fmt_bytes(memory, sizeof(memory), (double)saved.unreadable_bytes),
			proc_is_live(s->proc) ? "went away before they could be read"
					      : "are not in the file, and so not in this one");
	return 0;
}
