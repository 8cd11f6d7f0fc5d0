/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "proc/stamped.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/reading.h"

/* reading_begin() and reading_begin_walk() as a call: -1 with errno. */
static int stamp(int slot)
{
	if (slot >= 0)
		return slot;
	errno = -slot;
	return -1;
}

/* Leaves errno as the call has set it. */
static void unstamp(int slot)
{
	int err = errno;

	reading_end(slot);
	errno = err;
}

int stamped_open(int pid, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

int stamped_open_path(const char *path)
{
	int fd, slot = stamp(reading_begin());

	if (slot < 0)
		return -1;
	fd = open(path, O_PATH | O_CLOEXEC);
	unstamp(slot);
	return fd;
}

static ssize_t read_within(int slot, int fd, void *buf, size_t size)
{
	ssize_t got;

	if (slot < 0)
		return -1;
	got = read(fd, buf, size);
	unstamp(slot);
	return got;
}

ssize_t stamped_read(int fd, void *buf, size_t size, uint64_t code)
{
	return read_within(stamp(reading_begin_of(code)), fd, buf, size);
}

ssize_t stamped_pread(int fd, void *buf, size_t size, uint64_t at, uint64_t code)
{
	int slot = stamp(reading_begin_of(code));
	ssize_t got;

	if (slot < 0)
		return -1;
	got = pread(fd, buf, size, (off_t)at);
	unstamp(slot);
	return got;
}

ssize_t stamped_walk(int fd, void *buf, size_t size, uint64_t code)
{
	return read_within(stamp(reading_begin_walk(code)), fd, buf, size);
}

int stamped_search(int pagemap, unsigned long request, void *arg, uint64_t code)
{
	int found, slot = stamp(reading_begin_walk(code));

	if (slot < 0)
		return -1;
	found = ioctl(pagemap, request, arg);
	unstamp(slot);
	return found;
}

static bool fill(struct stamped_lines *l)
{
	ssize_t got;

	do
		got = l->read(l->fd, l->buf, sizeof(l->buf), l->code);
	while (got < 0 && errno == EINTR);
	l->err = got < 0 ? -errno : 0;
	l->at = 0;
	l->n = got > 0 ? (size_t)got : 0;
	return got > 0;
}

bool stamped_line(struct stamped_lines *l, char *line, size_t size)
{
	size_t n = 0;

	while (n < size - 1 && (l->at < l->n || (!l->err && fill(l)))) {
		size_t most = l->n - l->at < size - 1 - n ? l->n - l->at : size - 1 - n;
		const char *from = l->buf + l->at, *end = memchr(from, '\n', most);
		size_t part = end ? (size_t)(end - from) + 1 : most;

		memcpy(line + n, from, part);
		n += part;
		l->at += part;
		if (end)
			break;
	}
	line[n] = '\0';
	return n > 0;
}
