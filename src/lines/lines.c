/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "lines/lines.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "proc/gate.h"
#include "proc/list.h"
#include "report/place.h"

#define MOST_LINES   16384
#define MOST_PARENTS 16
#define FILE_BYTES   (1u << 20)
#define ALL_BYTES    (64u << 20) /* some 0.2 s of work, for a program with 2,000 lines in stacks */
#define SLACK_S                                                               \
	1 /* the two clocks are not one, and a program may be started as soon \
	   * as it is written */

void lines_free(struct lines *l)
{
	map64_free(&l->place);
}

static uint64_t key_of(const struct py_code *c, int line)
{
	int at[2] = {py_code_firstline(c), line};
	uint64_t h = XXH64(at, sizeof(at), 0);

	h = XXH64(py_code_file(c), strlen(py_code_file(c)), h);
	h = XXH64(py_code_function(c), strlen(py_code_function(c)), h);
	return h ? h : 1;
}

/* Seconds since the program of the process was started: a worker that was forked, maybe much later,
 * runs the source that its parents had read. Parent and child run one program if their stacks begin
 * at the same address, as exec gives a process a new stack. */
static double program_age_s(const struct proc *p)
{
	uint64_t start = p->start_ticks;
	struct proc_entry own, parent;

	if (!proc_list_one(p->pid, &own))
		return proc_age_s(start);
	for (int i = 0; i < MOST_PARENTS && own.start_stack && own.ppid > 1; i++) {
		if (!proc_list_one(own.ppid, &parent) || parent.start_stack != own.start_stack)
			break;
		own = parent;
		start = own.start_ticks;
	}
	return proc_age_s(start);
}

double lines_started_at(const struct proc *p)
{
	return wall_clock() - program_age_s(p);
}

/* Asks for the birth of the file, too, where the file system knows it: packages and archives set
 * the time of the last change to an older one. Nobody can set that of the inode, but more than new
 * lines changes it. */
enum lines_of lines_are_of(double started_at, int fd)
{
	double start = started_at + SLACK_S;
	struct statx st;

	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC,
		  STATX_MTIME | STATX_BTIME | STATX_CTIME, &st))
		return LINES_MAYBE_OF_IT;
	if ((double)st.stx_mtime.tv_sec >= start ||
	    (st.stx_mask & STATX_BTIME && (double)st.stx_btime.tv_sec >= start))
		return LINES_OF_ANOTHER;
	return (double)st.stx_ctime.tv_sec < start ? LINES_OF_IT : LINES_MAYBE_OF_IT;
}

static uint32_t from_source(struct lines *l, const struct proc *p, const struct py_code *c,
			    int line)
{
	const char *file = py_code_file(c);
	auto_free char *text = NULL;
	auto_close int fd = -1;
	size_t n = 0;
	ssize_t got;

	if (*file == '<' || !*file || l->read_bytes > ALL_BYTES ||
	    proc_open_named(p, file, FILE_BYTES, &fd) ||
	    lines_are_of(l->started_at, fd) != LINES_OF_IT)
		return 0;
	text = malloc(FILE_BYTES);
	while (text && n < FILE_BYTES && (got = read(fd, text + n, FILE_BYTES - n)) > 0)
		n += (size_t)got;
	l->read_bytes += n;
	return text ? place_of_source(text, n, py_code_function(c), py_code_firstline(c), line) : 0;
}

uint32_t lines_place(struct lines *l, const struct proc *p, const struct py_code *c, int line)
{
	uint64_t *at;
	uint32_t place;

	if (!c)
		return 0;
	at = map64_get(&l->place, key_of(c, line));
	if (at)
		return (uint32_t)*at;
	place = l->place.n < MOST_LINES ? from_source(l, p, c, line) : 0;
	if (!place)
		place = place_of_offset(py_code_firstline(c), line);
	at = l->place.n < MOST_LINES ? map64_put(&l->place, key_of(c, line)) : NULL;
	if (at)
		*at = place;
	return place;
}
