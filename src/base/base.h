/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Declares what every room uses: errors, log, ownership, vectors, time. */
#ifndef PYLEAK_BASE_H
#define PYLEAK_BASE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>

/* headers shared with the kernel half use the kernel's names of types */
#include <linux/types.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Records the sentence for the user and returns @code (a negative errno). The sentence names the
 * object, the cause and the remedy. Each thread has its own sentence: that of its last call. */
int fail(int code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The analyzer sees one file at a time, and would suppose that fail() may return 0. */
#ifdef __clang_analyzer__
#define fail(code, ...) ((fail)(code, __VA_ARGS__), (code))
#endif
/* Puts "context: " before the recorded sentence and returns @code. */
int fail_in(int code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The sentence that was recorded last in this thread. */
const char *fail_text(void);
/* Did it fail because our own memory or descriptors ran out? Then asking again later may work. */
static inline bool fail_is_short(int err)
{
	return err == -EMFILE || err == -ENFILE || err == -ENOMEM;
}

enum log_level { LOG_QUIET = -1, LOG_WARN = 0, LOG_INFO = 1, LOG_DEBUG = 2 };
/* Sets the level up to which lines are logged, to standard error: once, by main. */
void log_set_level(enum log_level level);
bool log_enabled(enum log_level level);
void log_at(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Logs a line at any level. Bytes that are no plain text, as names and paths may have, are spelt
 * out: all that goes to standard error goes this way. */
void log_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Passes lines to @to instead, which any thread may call; NULL: to standard error again. */
void log_divert(void (*to)(const char *line));
#define log_warn(...)  log_at(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_at(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__)

/* Is [@at, @at + @len) within [@lo, @hi)? It adds nothing, as sums of numbers from a target may
 * wrap. */
static inline bool span_has(uint64_t lo, uint64_t hi, uint64_t at, uint64_t len)
{
	return at >= lo && at <= hi && len <= hi - at;
}

/* Does the same for offsets from the address of an object, which may be negative. */
static inline bool span_has_off(int64_t lo, int64_t hi, int64_t off, uint64_t len)
{
	return off >= lo && off <= hi && len <= (uint64_t)hi - (uint64_t)off;
}

void free_ptr(void *p); /* cleanup handler: takes the address of a pointer */
void close_fd(int *fd);
#define auto_free  __attribute__((cleanup(free_ptr)))
#define auto_close __attribute__((cleanup(close_fd)))
/* Gives the value away: the cleanup of @p then has nothing to free. */
#define take(p)                         \
	({                              \
		__typeof__(p) v_ = (p); \
		(p) = NULL;             \
		v_;                     \
	})

/* The next number of a xorshift generator, for jitter and coins; *@state must not be 0. */
uint64_t random_next(uint64_t *state);

double wall_clock(void); /* seconds since the epoch */
/* CLOCK_MONOTONIC of the host in any time namespace: that of bpf_ktime_get_ns and of all copies of
 * the tool. */
uint64_t clock_ns(void);
/* The same to one tick (1-10 ms), for a tenth of the cost where the exact clock asks the
 * hypervisor. */
uint64_t clock_coarse_ns(void);
struct timespec timespec_of_ns(uint64_t ns);
/* A time of clock_ns() for calls that wait until a time of our own CLOCK_MONOTONIC. */
struct timespec clock_deadline(uint64_t when_ns);

/* The last part of @path; all of it if it ends in a slash. */
const char *file_name(const char *path);
/* Is a file of source code the standard library's, installed beside it, or none? */
bool file_is_library(const char *file);
/* Its name, of a library's with the folder: "werkzeug/serving.py". */
const char *file_source_name(const char *file);

/* A growing array: struct { T *v; size_t n, cap; }. vec_push returns a pointer to a new zeroed
 * last element, or NULL when memory ran out. */
#define VEC(T)                 \
	struct {               \
		T *v;          \
		size_t n, cap; \
	}
bool vec_grow(void **v, size_t *cap, size_t need, size_t item); /* false: memory ran out */
#define vec_reserve(a, need) vec_grow((void **)&(a)->v, &(a)->cap, (need), sizeof(*(a)->v))
#define vec_push(a)                                                                 \
	(vec_reserve((a), (a)->n + 1)                                               \
		 ? (memset(&(a)->v[(a)->n], 0, sizeof(*(a)->v)), &(a)->v[(a)->n++]) \
		 : NULL)
#define vec_free(a)                           \
	do {                                  \
		free((a)->v);                 \
		memset((a), 0, sizeof(*(a))); \
	} while (0)

/* "1.2 MiB", "+340 KiB/s", "3.4 k", "1 h 20 m". All write at most @size bytes and return @buf. */
char *fmt_bytes(char *buf, size_t size, double bytes);
char *fmt_integer(char *buf, size_t size, uint64_t n); /* "12,300" */
char *fmt_count(char *buf, size_t size, double n);
char *fmt_duration(char *buf, size_t size, double seconds);
char *fmt_duration_like(char *buf, size_t size, double s, double like); /* in the units of @like */

#endif
