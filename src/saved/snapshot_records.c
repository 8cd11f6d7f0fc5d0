/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads the records of a snapshot. The heads of all are read when it is opened, so that a damaged
 * or cut file is refused then. */
#include "proc/inside.h"
#include "saved/snapshot_read_priv.h"

#include <inttypes.h>
#include <stdio.h>

/* Takes a line "name value"; others are of later versions. */
static void take_line(struct snapshot *s, const char *line)
{
	struct proc_memory *mem = &s->source.memory;
	struct proc *p = s->p;
	int *tid;

	s->has_process |= sscanf(line, "pid %d", &p->pid) == 1;
	sscanf(line, "ns_pid %d", &p->ns_pid);
	sscanf(line, "ppid %d", &p->ppid);
	sscanf(line, "start_ticks %" SCNu64, &p->start_ticks);
	sscanf(line, "program %u %" SCNu64, &s->source.program_dev, &s->source.program_inode);
	if (!strncmp(line, "comm ", 5))
		snprintf(p->comm, sizeof(p->comm), "%s", line + 5);
	if (sscanf(line, "memory %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %u",
		   &mem->rss_bytes, &mem->anon_bytes, &mem->file_bytes, &mem->shmem_bytes,
		   &mem->swap_bytes, &mem->threads) == 6)
		s->source.has_memory = true;
	if (!strncmp(line, "tid ", 4) && s->source.tids.n < SOURCE_MAX_TIDS) {
		tid = vec_push(&s->source.tids);
		if (tid)
			*tid = atoi(line + 4);
	}
}

static void take_process(struct snapshot *s, char *text)
{
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		take_line(s, line);
	s->has_process &= s->p->pid >= 0; /* a core may not tell its pid: 0 */
}

static int take_cmdline(struct snapshot *s, const char *text, size_t size)
{
	size_t n = 0, words = 0;

	for (size_t i = 0; i < size; i++)
		words += !text[i];
	if (s->p->cmdline || words > 4096)
		return snap_damaged(s, "its command line makes no sense");
	s->p->cmdline = calloc(words + 1, sizeof(*s->p->cmdline));
	if (!s->p->cmdline)
		return fail(-ENOMEM, "out of memory");
	for (size_t at = 0; n < words; at += strlen(text + at) + 1) {
		s->p->cmdline[n] = strdup(text + at);
		if (!s->p->cmdline[n++])
			return fail(-ENOMEM, "out of memory");
	}
	return 0;
}

static int take_text(struct snapshot *s, const struct snap_record *r, const struct snap_block *b)
{
	auto_free char *text = NULL;
	int err;

	if (r->size > SNAP_TEXT)
		return snap_damaged(s, "a text is too large");
	text = malloc(r->size + 1);
	if (!text)
		return fail(-ENOMEM, "out of memory");
	if (snap_unpack(s, b, (uint8_t *)text))
		return snap_damaged(s, "a checksum does not fit");
	text[r->size] = '\0';
	if (r->type == SNAP_PROCESS) {
		take_process(s, text);
	} else if (r->type == SNAP_CMDLINE) {
		return take_cmdline(s, text, r->size);
	} else if (r->type == SNAP_MAPS && !s->has_maps) {
		err = proc_parse_maps(text, &s->p->maps, &s->p->n_maps);
		if (err)
			return fail(err, "out of memory");
		s->p->map_text = take(text);
		s->has_maps = true;
		for (size_t i = 0; i < s->p->n_maps; i++)
			if (!source_row_fits(s->p->maps[i].end, s->p->maps[i].writable))
				return snap_damaged(s, "its maps make no sense");
	}
	return 0;
}

static int take_run(struct snapshot *s, const struct snap_run *run, uint64_t room, uint32_t block,
		    uint64_t at)
{
	struct snap_piece *p;

	if (!run->bytes || run->bytes > room || run->addr + run->bytes < run->addr)
		return snap_damaged(s, "a block of memory does not say what it is");
	p = vec_push(&s->pieces);
	if (!p)
		return fail(-ENOMEM, "out of memory");
	*p = (struct snap_piece){run->addr, run->addr + run->bytes, block, (uint32_t)at};
	return 0;
}

static int take_missing(struct snapshot *s, const struct snap_record *r, const struct snap_run *run)
{
	int err = 0;

	for (uint32_t i = 0; i < r->runs && !err; i++)
		err = take_run(s, &run[i], UINT64_MAX, SNAP_NO_BLOCK, 0);
	return err;
}

static int take_memory(struct snapshot *s, const struct snap_record *r, const struct snap_run *run,
		       const struct snap_block *b)
{
	struct snap_block *to;
	uint64_t at = 0;
	int err;

	if (r->size > SNAP_BLOCK || !r->runs)
		return snap_damaged(s, "a block of memory has an impossible size");
	for (uint32_t i = 0; i < r->runs; i++) {
		err = take_run(s, &run[i], r->size - at, (uint32_t)s->blocks.n, at);
		if (err)
			return err;
		at += run[i].bytes;
	}
	if (at != r->size)
		return snap_damaged(s, "a block of memory does not say what it is");
	to = vec_push(&s->blocks);
	if (!to)
		return fail(-ENOMEM, "out of memory");
	*to = *b;
	return 0;
}

/* Are the rows whole pages, in order? The code that divides memory into parts relies on it. */
static bool rows_make_sense(const struct proc_resident *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].start >= v[i].end || (v[i].start | v[i].end) & (SNAP_PAGE - 1) ||
		    (i && v[i].start < v[i - 1].end) || v[i].kind > PROC_ROW_STACK ||
		    !source_row_fits(v[i].end, v[i].writable == 1))
			return false;
	return true;
}

static int take_resident(struct snapshot *s, const struct snap_record *r,
			 const struct snap_block *b)
{
	size_t n = (size_t)(r->size / sizeof(struct proc_resident));

	if (r->size > SNAP_TEXT || r->size % sizeof(struct proc_resident) || s->source.rows.n)
		return snap_damaged(s, "what was resident makes no sense");
	if (!vec_reserve(&s->source.rows, n + 1))
		return fail(-ENOMEM, "out of memory");
	if (snap_unpack(s, b, (uint8_t *)s->source.rows.v))
		return snap_damaged(s, "a checksum does not fit");
	if (!rows_make_sense(s->source.rows.v, n))
		return snap_damaged(s, "what was resident makes no sense");
	s->source.rows.n = n;
	return 0;
}

static int take_record(struct snapshot *s, const struct snap_record *r, const struct snap_run *run,
		       uint64_t at)
{
	const struct snap_block b = {at, r->hash, (uint32_t)r->stored, (uint32_t)r->size, -1};

	switch (r->type) {
	case SNAP_PROCESS:
	case SNAP_CMDLINE:
	case SNAP_MAPS:
		return take_text(s, r, &b);
	case SNAP_RESIDENT:
		return take_resident(s, r, &b);
	case SNAP_ELF:
		if (s->n_elf < SNAP_ELFS && r->size && r->size <= SNAP_FILE + 8192)
			s->elf[s->n_elf++] = b;
		return 0;
	case SNAP_MEMORY:
		return take_memory(s, r, run, &b);
	case SNAP_MISSING:
		return take_missing(s, r, run);
	case SNAP_END:
		s->has_end = true;
		return 0;
	}
	return 0; /* a type of a later version, which is not needed */
}

static int cut_short(const struct snapshot *s)
{
	return fail(-EINVAL, "%s is cut short: its end is missing (a full disk?)", s->path);
}

static int read_all(struct snapshot *s)
{
	uint64_t at = sizeof(struct snap_head);
	struct snap_run run[SNAP_RUNS] = {0};
	struct snap_record r;
	int err = 0;

	while (!err && !s->has_end) {
		if (!snap_read_at(s, at, &r, sizeof(r)))
			return cut_short(s);
		at += sizeof(r);
		if (r.runs > SNAP_RUNS)
			return snap_damaged(s, "a record's head makes no sense");
		if (!snap_read_at(s, at, run, r.runs * sizeof(*run)))
			return cut_short(s);
		at += r.runs * sizeof(*run);
		if (snap_record_hash(&r, run) != r.head_hash)
			return snap_damaged(s, "a checksum does not fit");
		if (r.size > UINT32_MAX || r.stored > UINT32_MAX)
			return snap_damaged(s, "a record's head makes no sense");
		if (r.stored > s->size - at)
			return cut_short(s);
		err = take_record(s, &r, run, at);
		at += r.stored;
	}
	return err;
}

static int by_start(const void *a, const void *b)
{
	const struct snap_piece *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static int check_whole(struct snapshot *s)
{
	if (!s->has_process || !s->has_maps || !s->p->cmdline)
		return snap_damaged(s, "it does not say whose memory it is");
	if (s->pieces.n)
		qsort(s->pieces.v, s->pieces.n, sizeof(*s->pieces.v), by_start);
	for (size_t i = 1; i < s->pieces.n; i++)
		if (s->pieces.v[i].start < s->pieces.v[i - 1].end)
			return snap_damaged(s, "some memory is in it twice");
	return 0;
}

int snap_read_records(struct snapshot *s)
{
	int err = read_all(s);

	return err ? err : check_whole(s);
}
