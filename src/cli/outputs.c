/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "cli/outputs.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/thread.h"
#include "cli/ask_files.h"
#include "cli/awaited.h"
#include "cli/cli.h"
#include "confine/confine.h"
#include "confine/keeper.h"
#include "out/out.h"

struct places {
	struct place v[OUTPUTS_MAX];
	size_t n;
	bool no_sandbox;
};

static int cannot(const char *path, int err)
{
	return fail(err, "cannot write %s: %s", path, strerror(-err));
}

bool outputs_is_stdout(const char *path)
{
	return path && !strcmp(path, "-");
}

int outputs_check_name(const char *option, const char *path)
{
	return path && !*path
		       ? fail(-EINVAL, "--%s needs a file name, or - for standard output", option)
		       : 0;
}

static void serve(int sock, void *ctx)
{
	struct places *p = ctx;

	/* each answer is waited for, and takes next to no work */
	if (thread_is_crowded())
		thread_brisk();
	if (!p->no_sandbox && confine_keeper())
		return;
	keeper_serve(sock, p->v, p->n);
}

/* Are both one file? A file is identified by its directory and name, because it is written anew; a
 * pipe by itself. A device takes all that is written. */
static bool is_one(const struct place *a, const struct place *b)
{
	bool is_file = a->dir >= 0;
	struct stat x, y;

	if (is_file != (b->dir >= 0) || fstat(is_file ? a->dir : a->at, &x) ||
	    fstat(is_file ? b->dir : b->at, &y) || x.st_ino != y.st_ino || x.st_dev != y.st_dev)
		return false;
	return is_file ? !strcmp(a->name, b->name) : S_ISFIFO(x.st_mode);
}

static int check_others(const struct places *p, const struct place *new)
{
	for (size_t i = 0; i < p->n; i++)
		if (is_one(&p->v[i], new))
			return fail(-EINVAL,
				    "%s and %s are one file: name another one for one of them",
				    p->v[i].path, new->path);
	return 0;
}

/* Adds a path, and compares it with the others. One that cannot be written is left out, because
 * opening it will tell. */
static int add_apart(struct places *p, const char *path)
{
	int err;

	if (!path || outputs_is_stdout(path) || place_find(path, &p->v[p->n]))
		return 0;
	err = check_others(p, &p->v[p->n]);
	p->n++;
	return err;
}

int outputs_apart(const struct outputs_files *files, const char *const *paths, size_t n)
{
	struct places p = {.n = 0};
	int err = 0;

	for (size_t i = 0; files && i < OUT_FORMATS_MAX && !err; i++)
		err = add_apart(&p, files->path[i]);
	for (size_t i = 0; i < n && !err; i++)
		err = add_apart(&p, paths[i]);
	for (size_t i = 0; i < p.n; i++)
		place_close(&p.v[i]);
	return err;
}

static int find_all(struct places *p, const char *const *paths, size_t n)
{
	int err = 0;

	for (size_t i = 0; i < n && !err; i++) {
		if (!paths[i] || outputs_is_stdout(paths[i]))
			continue;
		err = place_find(paths[i], &p->v[p->n]);
		if (!err)
			err = place_terminal(&p->v[p->n]);
		if (err)
			break;
		err = place_try(&p->v[p->n++]);
		if (err)
			cannot(paths[i], err);
	}
	return err;
}

static const struct {
	const char *name;
	int (*write)(FILE *f, const struct report *r);
} formats[] = {
#define X(name, ...) {#name, out_##name},
	OUT_FORMATS(X, )
#undef X
};

size_t outputs_on_stdout(const struct outputs_files *files)
{
	size_t n = 0;

	for (size_t i = 0; i < OUT_FORMATS_MAX; i++)
		n += outputs_is_stdout(files->path[i]);
	return n;
}

bool outputs_any(const struct outputs_files *files)
{
	for (size_t i = 0; i < OUT_FORMATS_MAX; i++)
		if (files->path[i])
			return true;
	return false;
}

bool outputs_want_text(bool is_taken, bool any_files)
{
	int flags = fcntl(STDOUT_FILENO, F_GETFL);
	bool is_closed = flags < 0 || (flags & O_ACCMODE) == O_RDONLY;

	return !is_taken && !(is_closed && any_files);
}

static int sort_by_suffix(struct outputs_files *files)
{
	enum out_format as = files->output ? out_format_of(files->output) : OUT_json;

	if (!files->output)
		return 0;
	if (as == OUT_FORMATS_MAX)
		return fail(-EINVAL, "--output %s: its name must end in one of" OUT_SUFFIXES,
			    files->output);
	if (files->path[as])
		return fail(-EINVAL, "--%s %s and --output %s are the same format: one of them",
			    formats[as].name, files->path[as], files->output);
	files->path[as] = files->output;
	files->output = NULL;
	return 0;
}

int outputs_check(struct outputs_files *files, const char *const *paths, size_t n)
{
	if (sort_by_suffix(files))
		return -EINVAL;
	for (size_t i = 0; i < OUT_FORMATS_MAX; i++)
		if (outputs_check_name(formats[i].name, files->path[i]))
			return -EINVAL;
	if (outputs_on_stdout(files) > 1)
		return fail(-EINVAL, "standard output takes one format");
	if (outputs_is_stdout(files->path[OUT_pprof]) && isatty(STDOUT_FILENO))
		return fail(-EINVAL, "a profile is no text for a terminal: --pprof FILE.pb.gz, or "
				     "send standard output to a file or a program");
	return outputs_apart(files, paths, n);
}

static void find_saves(struct places *p, struct outputs *o, const char *stem)
{
#define X(name, text, suffix, ...) suffix,
	static const char *const suffixes[] = {OUT_FORMATS(X, )};
#undef X

	for (size_t as = 0; stem && as < OUT_FORMATS_MAX; as++) {
		/* the first of several suffixes */
		int n = (int)strcspn(suffixes[as], " ");

		if (asprintf(&o->save[as], "%s%.*s", stem, n, suffixes[as]) < 0)
			o->save[as] = NULL;
		if (!o->save[as] || place_find(o->save[as], &p->v[p->n])) {
			free(take(o->save[as]));
			continue;
		}
		p->v[p->n].is_report = p->v[p->n].is_stamped = true;
		p->n++;
	}
}

static int open_all(struct outputs *o, const struct outputs_files *files, const char *const *paths,
		    size_t n, bool are_reports, const char *stem, bool no_sandbox)
{
	struct places p = {.no_sandbox = no_sandbox};
	size_t n_reports;
	int err = 0;

	/* a reader who leaves must not end us before all files are written */
	signal(SIGPIPE, SIG_IGN);
	if (files)
		err = find_all(&p, files->path, OUT_FORMATS_MAX);
	n_reports = p.n;
	if (!err)
		err = find_all(&p, paths, n);
	for (size_t i = 0; i < (are_reports ? p.n : n_reports); i++)
		p.v[i].is_report = true;
	*o = (struct outputs){.keeper.sock = -1};
	if (!err)
		find_saves(&p, o, stem);
	if (!err && p.n)
		err = helper_start("pyleak-files", serve, &p, &o->keeper);
	for (size_t i = 0; i < p.n; i++) {
		o->is_special[i] = p.v[i].dir < 0;
		o->path[o->n++] = p.v[i].path;
		place_close(&p.v[i]);
	}
	return err;
}

int outputs_open_saving(struct outputs *o, const struct outputs_files *files,
			const char *const *paths, size_t n, const char *stem, bool no_sandbox)
{
	return open_all(o, files, paths, n, true, stem, no_sandbox);
}

int outputs_open(struct outputs *o, const struct outputs_files *files, const char *const *paths,
		 size_t n, bool no_sandbox)
{
	return open_all(o, files, paths, n, false, NULL, no_sandbox);
}

int outputs_spare(const struct outputs *o, const char *const *files, size_t n)
{
	struct stat a, b;

	for (size_t i = 0; i < o->n; i++)
		for (size_t k = 0; k < n && !stat(o->path[i], &a) && S_ISREG(a.st_mode); k++)
			if (files[k] && !outputs_is_stdout(files[k]) && !stat(files[k], &b) &&
			    a.st_dev == b.st_dev && a.st_ino == b.st_ino)
				return fail(-EINVAL,
					    "%s would replace what it is made from: name another "
					    "file for the result",
					    o->path[i]);
	return 0;
}

void outputs_close(struct outputs *o)
{
	awaited_stop_files(&o->keeper);
	for (size_t as = 0; as < OUT_FORMATS_MAX; as++)
		free(take(o->save[as]));
}

static uint32_t number_of(const struct outputs *o, const char *path)
{
	uint32_t i = 0;

	while (i < o->n && strcmp(o->path[i], path) != 0)
		i++;
	return i;
}

static int ask(const struct outputs *o, enum keeper_op op, const char *path,
	       struct keeper_answer *a, int *fd)
{
	return ask_files(&o->keeper, (struct keeper_request){.op = op, .place = number_of(o, path)},
			 a, fd);
}

static int was_refused(const struct outputs *o, const char *path, int err)
{
	char why[160];

	return fail(err, "cannot write %s: %s", path,
		    ask_files_why(&o->keeper, err, why, sizeof(why)));
}

int outputs_begin(const struct outputs *o, const char *path, struct output *out)
{
	struct keeper_answer a = {0};
	int fd, err = ask(o, KEEPER_BEGIN, path, &a, &fd);

	if (err)
		return was_refused(o, path, err);
	*out = (struct output){
		.f = fdopen(fd, "w"),
		.path = path,
		.is_special = a.is_special,
		.is_new = a.is_new,
	};
	snprintf(out->name, sizeof(out->name), "%.*s", (int)sizeof(a.name) - 1, a.name);
	if (out->f)
		return 0;
	close(fd);
	return cannot(path, -ENOMEM);
}

/* Writes all of the file to disk and gives it its name. 0 or a negative errno. */
static int finish(const struct outputs *o, struct output *out)
{
	struct keeper_answer a = {0};
	int err = fflush(out->f) ? -errno : 0;

	if (!err && !out->is_special && fsync(fileno(out->f)) != 0 && errno != EINVAL)
		err = -errno;
	if (fclose(take(out->f)) != 0 && !err)
		err = -errno;
	if (!err && !out->is_special)
		err = ask(o, KEEPER_COMMIT, out->path, &a, NULL);
	return err;
}

static int cannot_end(const struct outputs *o, const struct output *out, int err)
{
	char why[160];

	if (out->is_special)
		return cannot(out->path, err);
	if (err == -EINTR)
		return ask_files_unfinished(&o->keeper, out->path);
	if (err == -ESRCH)
		return was_refused(o, out->path, err);
	return fail(err, "cannot write %s: %s; %s", out->path,
		    ask_files_why(&o->keeper, err, why, sizeof(why)),
		    out->is_new ? "nothing was left there" : "the old file was left as it was");
}

int outputs_end(const struct outputs *o, struct output *out, int err)
{
	struct keeper_answer a = {0};

	if (!err) {
		err = finish(o, out);
		if (err)
			cannot_end(o, out, err);
	}
	if (out->f)
		fclose(out->f);
	if (err && !out->is_special)
		ask(o, KEEPER_DROP, out->path, &a, NULL);
	return err;
}

int outputs_write(const struct outputs *o, const char *path, int (*write)(FILE *f, const void *ctx),
		  const void *ctx)
{
	struct output out;
	int err;

	if (outputs_is_stdout(path)) {
		err = write(stdout, ctx);
		return err ? cannot("standard output", err) : 0;
	}
	err = outputs_begin(o, path, &out);
	if (err)
		return err;
	err = write(out.f, ctx);
	if (err)
		cannot_end(o, &out, err);
	return outputs_end(o, &out, err);
}

struct formatted {
	const struct report *r;
	enum out_format as;
};

static int write_as(FILE *f, const void *ctx)
{
	const struct formatted *it = ctx;

	return formats[it->as].write(f, it->r);
}

static bool is_read(const struct outputs *o, const char *path)
{
	uint32_t i = number_of(o, path);

	return outputs_is_stdout(path) || (i < o->n && o->is_special[i]);
}

int outputs_write_all(const struct outputs *o, const struct outputs_result *v, size_t n)
{
	struct cli_failures failed = {0};
	bool has_left = false;

	for (size_t i = 0; i < 2 * n; i++) {
		const struct outputs_result *it = &v[i < n ? i : i - n];
		bool is_now = it->path && is_read(o, it->path) == (i >= n);
		int one = is_now ? outputs_write(o, it->path, it->write, it->ctx) : 0;

		if (one == -EPIPE && outputs_is_stdout(it->path))
			has_left = true;
		else
			cli_note(&failed, one);
	}
	return failed.err ? cli_noted(&failed) : has_left;
}

static void say_written(const struct outputs_files *files)
{
	if (!isatty(STDERR_FILENO))
		return;
	for (size_t as = 0; as < OUT_FORMATS_MAX; as++)
		if (files->path[as] && !outputs_is_stdout(files->path[as]))
			log_line("wrote %s", files->path[as]);
}

int outputs_report(const struct outputs *o, const struct outputs_files *files,
		   const struct report *r)
{
	struct outputs_result results[OUT_FORMATS_MAX];
	struct formatted in[OUT_FORMATS_MAX];
	int err;

	for (size_t as = 0; as < OUT_FORMATS_MAX; as++) {
		in[as] = (struct formatted){r, as};
		results[as] = (struct outputs_result){files->path[as], write_as, &in[as]};
	}
	err = outputs_write_all(o, results, OUT_FORMATS_MAX);
	if (!err)
		say_written(files);
	return err < 0 ? err : 0;
}

int outputs_save(const struct outputs *o, enum out_format as, const struct report *r, char *name,
		 size_t size)
{
	struct output out;
	int err;

	if (!o->save[as])
		return fail(-EACCES, "nothing can be saved in the current directory");
	err = outputs_begin(o, o->save[as], &out);
	if (err)
		return err;
	snprintf(name, size, "%s", out.name);
	err = formats[as].write(out.f, r);
	if (err)
		cannot_end(o, &out, err);
	return outputs_end(o, &out, err);
}

int outputs_read(const struct outputs *o, const char *path, FILE **out)
{
	struct keeper_answer a = {0};
	int fd, err = ask(o, KEEPER_READ, path, &a, &fd);
	char why[160];

	*out = NULL;
	if (err == -ENOENT)
		return 0;
	if (err)
		return fail(err, "%s cannot be read: %s", path,
			    ask_files_why(&o->keeper, err, why, sizeof(why)));
	*out = fdopen(fd, "r");
	if (*out)
		return 0;
	close(fd);
	return fail(-ENOMEM, "out of memory for %s", path);
}

struct out_term_opts outputs_term(size_t top, bool no_color, int verbose)
{
	return (struct out_term_opts){
		.top = top,
		.color = out_want_color(stdout, no_color),
		.verbose = verbose > 0,
		.width = out_width(stdout),
	};
}

int outputs_print(const struct outputs *o, const struct outputs_files *files, outputs_text text,
		  struct out_term_opts how, const struct report *r)
{
	bool want_text = text && outputs_want_text(outputs_on_stdout(files), outputs_any(files));
	struct cli_failures failed = {0};
	int err = want_text ? text(stdout, r, &how) : 0;

	cli_note(&failed, cli_reader_left(err) ? 0 : err);
	cli_note(&failed, outputs_report(o, files, r));
	return cli_noted(&failed);
}
