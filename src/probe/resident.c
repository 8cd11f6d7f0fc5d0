/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The code that is probed must be in memory before the kernel is asked to probe it. The kernel
 * reads it itself when it is not, but with locks held without which nobody on the host can fork: on
 * storage that does not answer that is a host that stands still. We read it first, holding nothing,
 * and keep it in memory while a set is open: whoever starts the same program meanwhile gets its
 * breakpoints, too, and would wait for storage in the same way. A shared mapping that may only be
 * read is no place for a breakpoint, so the kernel never waits for ours.
 */
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probe/mechanism_priv.h"
#include "storage/storage.h"

#define PAGE	 4096
#define AGAIN_NS 1000000000 /* memory that is used stays for so long */

int probe_make_resident(struct probe_set *s)
{
	uint64_t now = clock_ns(), last = UINT64_MAX;
	char byte;

	if (s->resident_ns && now - s->resident_ns < AGAIN_NS)
		return 0;
	for (size_t i = 0; i < s->n; i++) {
		if (s->offsets[i] / PAGE == last)
			continue;
		last = s->offsets[i] / PAGE;
		if (pread(s->file_fd, &byte, 1, (off_t)s->offsets[i]) != 1)
			return fail(-EIO, "the code of process %d cannot be read from its file",
				    s->pid);
	}
	s->resident_ns = now;
	return 0;
}

size_t probe_pages(const struct probe_set *s)
{
	size_t pages = 0;

	for (size_t i = 0; i < s->n; i++)
		pages += !i || s->offsets[i] / PAGE != s->offsets[i - 1] / PAGE;
	return pages;
}

void probe_pin(struct probe_set *s)
{
	uint64_t first = s->offsets[0] / PAGE, last = s->offsets[s->n - 1] / PAGE;
	size_t len = (size_t)(last - first + 1) * PAGE;
	char *pin = mmap(NULL, len, PROT_READ, MAP_SHARED, s->file_fd, (off_t)(first * PAGE));
	int err = pin == MAP_FAILED ? -errno : 0;

	if (err)
		pin = NULL;
	for (size_t i = 0; i < s->n && !err; i++)
		if (!i || s->offsets[i] / PAGE != s->offsets[i - 1] / PAGE)
			err = mlock(pin + (s->offsets[i] / PAGE - first) * PAGE, PAGE) ? -errno : 0;
	if (err) {
		log_debug("the code of %s probes is not held in memory: %s", s->label,
			  strerror(-err));
		if (pin)
			munmap(pin, len);
		return;
	}
	s->pin = pin;
	s->pin_len = len;
}

void probe_unpin(struct probe_set *s)
{
	if (s->pin)
		munmap(s->pin, s->pin_len);
	s->pin = NULL;
}

/* Whoever serves a FUSE file system decides when it answers: root's may hold programs, others' may
 * not stop the host, nor by an overlay of theirs on one. */
int probe_check_storage(const struct probe_set *s)
{
	struct stat st;

	if (fstat(s->file_fd, &st))
		return fail(-errno, "the file of the probes cannot be looked at: %s",
			    strerror(errno));
	if (!S_ISREG(st.st_mode))
		return fail(-EINVAL, "what the probes are for is no regular file");
	if (!storage_is_held(s->pid, s->file_fd, STORAGE_CONNECTIONS))
		return 0;
	return fail(
		-ENOTSUP,
		"the code of process %d lies on a FUSE file system that is not root's, or on an "
		"overlay that may be over one: its server could stop every fork of this host while "
		"a probe is set; census and why work",
		s->pid);
}
