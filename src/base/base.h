/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Errors, log, ownership, vectors, time: what every room uses. */
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

/* The shared headers use the kernel's type names. */
#include <linux/types.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Record the sentence for the user and return @code (a negative errno). The sentence names the
 * object, the cause and the remedy. Thread-local; the last one wins. */
int fail(int code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
#ifdef __clang_analyzer__ /* sees one file at a time, and would think that it may return 0 */
#define fail(code, ...) ((fail)(code, __VA_ARGS__), (code))
#endif
/* Put "context: " before the recorded sentence and return @code. */
int fail_in(int code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
const char *fail_text(void);
/* Memory or descriptors are short here and now: says nothing of what was asked for. */
static inline bool fail_is_short(int err)
{
	return err == -EMFILE || err == -ENFILE || err == -ENOMEM;
}

enum log_level { LOG_QUIET = -1, LOG_WARN = 0, LOG_INFO = 1, LOG_DEBUG = 2 };
/* All log lines go to standard error. The threshold is set once, by main. */
void log_set_level(enum log_level level);
bool log_enabled(enum log_level level);
void log_at(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* One line, whatever the threshold: what names and paths have in them that is no text is spelt out.
 * All that goes to standard error goes this way. */
void log_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Lines go to @to instead, on whichever thread they are said; NULL: to standard error again. */
void log_divert(void (*to)(const char *line));
#define log_warn(...)  log_at(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_at(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__)

/* Does [@at, @at + @len) lie in [@lo, @hi)? Without a sum: those of numbers that come out of a
 * target wrap. */
static inline bool span_has(uint64_t lo, uint64_t hi, uint64_t at, uint64_t len)
{
	return at >= lo && at <= hi && len <= hi - at;
}

/* The same around a place that is 0: offsets from the address of an object. */
static inline bool span_has_off(int64_t lo, int64_t hi, int64_t off, uint64_t len)
{
	return off >= lo && off <= hi && len <= (uint64_t)hi - (uint64_t)off;
}

void free_ptr(void *p); /* cleanup handler: takes the address of a pointer */
void close_fd(int *fd);
#define auto_free  __attribute__((cleanup(free_ptr)))
#define auto_close __attribute__((cleanup(close_fd)))
/* Give the value away: the cleanup of @p then has nothing to free. */
#define take(p)                         \
	({                              \
		__typeof__(p) v_ = (p); \
		(p) = NULL;             \
		v_;                     \
	})

/* The next number of a xorshift generator; *@state must not be 0. For jitter and coins. */
uint64_t random_next(uint64_t *state);

double wall_clock(void); /* seconds since the epoch */
/* CLOCK_MONOTONIC of the host, as bpf_ktime_get_ns and all copies of the tool have it, whatever the
 * time namespace. */
uint64_t clock_ns(void);
/* The same, good to one tick (1-10 ms): a tenth of the price where the exact one asks the
 * hypervisor. */
uint64_t clock_coarse_ns(void);
struct timespec timespec_of_ns(uint64_t ns);
/* A moment of clock_ns(), for a call that waits until then by CLOCK_MONOTONIC. */
struct timespec clock_deadline(uint64_t when_ns);

/* The last part of @path; all of it when it ends in a slash. */
const char *file_name(const char *path);

/* A growing array: struct { T *v; size_t n, cap; }. vec_push returns a pointer to a new zeroed
 * last element, or NULL when memory ran out. */
#define VEC(T)                 \
	struct {               \
		T *v;          \
		size_t n, cap; \
	}
bool vec_grow(void **v, size_t *cap, size_t need, size_t item);
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
