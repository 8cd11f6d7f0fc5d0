/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "base/base.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/utf8.h"

static _Thread_local char fail_buf[1024];
static enum log_level log_threshold = LOG_WARN;

/* the name is in parentheses, as it is a macro, too, for the analyzer */
int(fail)(int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(fail_buf, sizeof(fail_buf), fmt, ap);
	va_end(ap);
	return code;
}

int fail_in(int code, const char *fmt, ...)
{
	char old[sizeof(fail_buf)], context[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(context, sizeof(context), fmt, ap);
	va_end(ap);
	memcpy(old, fail_buf, sizeof(old));
	snprintf(fail_buf, sizeof(fail_buf), "%s: %.700s", context, old);
	return code;
}

const char *fail_text(void)
{
	return fail_buf[0] ? fail_buf : "unknown error";
}

void log_set_level(enum log_level level)
{
	log_threshold = level;
}

bool log_enabled(enum log_level level)
{
	return level <= log_threshold;
}

static void (*diverted)(const char *line);

void log_divert(void (*to)(const char *line))
{
	__atomic_store_n(&diverted, to, __ATOMIC_RELEASE);
}

static void put_line(const char *line)
{
	void (*to)(const char *) = __atomic_load_n(&diverted, __ATOMIC_ACQUIRE);
	char form[UTF8_FORM], shown[4096];
	size_t used = 0, n;
	uint32_t c;

	for (; used + 2 * sizeof(form) < sizeof(shown) && (n = utf8_form(line, form, &c));
	     line += n)
		used += (size_t)(stpcpy(shown + used, form) - (shown + used));
	if (to) {
		shown[used] = '\0';
		to(shown);
		return;
	}
	shown[used++] = '\n';
	fwrite(shown, 1, used, stderr);
}

void log_line(const char *fmt, ...)
{
	char line[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	put_line(line);
}

void log_at(enum log_level level, const char *fmt, ...)
{
	char line[2048];
	va_list ap;

	if (!log_enabled(level))
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	log_line("pyleak-bpf: %s", line);
}

void free_ptr(void *p)
{
	void *v;

	memcpy(&v, p, sizeof(v));
	free(v);
}

void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

const char *file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

bool file_is_library(const char *file)
{
	/* Fedora, Red Hat and SUSE have lib64/python3.x */
	static const char *const above[] = {"/lib/python", "/lib64/python"};

	for (size_t i = 0; i < ARRAY_SIZE(above); i++)
		for (const char *at = strstr(file, above[i]); at; at = strstr(at, above[i])) {
			at += strlen(above[i]);
			if (*at >= '0' && *at <= '9')
				return true;
		}
	return *file == '<';
}

const char *file_source_name(const char *file)
{
	const char *name = file_name(file);

	if (name == file || !file_is_library(file))
		return name;
	name--; /* the slash */
	while (name > file && name[-1] != '/')
		name--;
	return name;
}

bool vec_grow(void **v, size_t *cap, size_t need, size_t item)
{
	size_t want = *cap ? *cap : 8;
	void *grown;

	if (need <= *cap)
		return true;
	while (want < need)
		want *= 2;
	grown = reallocarray(*v, want, item);
	if (!grown)
		return false;
	*v = grown;
	*cap = want;
	return true;
}
