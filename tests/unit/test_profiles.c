/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Profiles over HTTP: which one is sent, and that what is none is no 200; health likewise. */
#include "unit.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "serve/serve.h"

static char path[64];

static bool waits;

static bool is_excused(void *ctx)
{
	return *(bool *)ctx;
}

static struct serve *served(bool counts_only)
{
	char listen[80];
	struct serve_opts o = {.listen = listen,
			       .counts_only = counts_only,
			       .is_excused = is_excused,
			       .ctx = &waits};
	struct serve *s;

	snprintf(path, sizeof(path), "/tmp/pyleak-profiles-%d", getpid());
	snprintf(listen, sizeof(listen), "unix:%s", path);
	assert_int_equal(serve_listen(&o, &s), 0);
	assert_int_equal(serve_start(s, &o), 0);
	return s;
}

static void ended(struct serve *s)
{
	serve_remove_socket(s);
	serve_stop(s);
}

/* All that is answered. */
static const char *ask(const char *what)
{
	static char text[4096];
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	size_t n = 0;
	ssize_t got;

	strcpy(a.sun_path, path);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	dprintf(fd, "GET %s HTTP/1.1\r\nHost: here\r\n\r\n", what);
	while ((got = read(fd, text + n, sizeof(text) - 1 - n)) > 0)
		n += (size_t)got;
	text[n] = '\0';
	close(fd);
	return text;
}

static void answers(const char *what, int status, const char *type, const char *body)
{
	char first[32], header[80];
	const char *text = ask(what), *at = strstr(text, "\r\n\r\n");

	snprintf(first, sizeof(first), "HTTP/1.1 %d ", status);
	snprintf(header, sizeof(header), "Content-Type: %s", type);
	if (strncmp(text, first, strlen(first)) != 0 || !strstr(text, header) || !at ||
	    strncmp(at + 4, body, strlen(body)) != 0)
		fail_msg("%s: %s", what, text);
}

static void says(const char *what, int status, const char *body)
{
	answers(what, status, "text/plain", body);
}

static void put(struct serve *s, const char *all)
{
	const struct serve_profile v[] = {
		{0, strdup(all), strlen(all)},
		{0, strdup("nothing"), 7},
		{77, strdup("of 77"), 5},
		{78, NULL, 0},
	};

	assert_int_equal(serve_put_profiles(s, v, ARRAY_SIZE(v)), 0);
}

static void sends_that_of_all_or_of_one(void **state)
{
	static const char type[] = "application/octet-stream\r\n";
	struct serve *s = served(false);

	(void)state;
	says("/debug/pprof/heap", 503, "no reading yet");
	put(s, "first");
	put(s, "second");
	answers("/debug/pprof/heap", 200, type, "second");
	answers("/debug/pprof/allocs", 200, type, "second");
	answers("/debug/pprof/heap?gc=1&debug=0", 200, type, "second");
	answers("/debug/pprof/heap?pid=77", 200, type, "of 77");
	answers("/debug/pprof/allocs?pid=78", 200, type, "nothing");
	ended(s);
}

static void what_is_no_profile_is_an_error(void **state)
{
	static const char *const bad[] = {
		"", "x", "-77", "+77", "%2077", "77x", "0", "77.0", "99999999999999999999"};
	struct serve *s = served(false);

	(void)state;
	put(s, "all");
	says("/debug/pprof/heap?pid=79", 404, "no such process");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char what[80];

		snprintf(what, sizeof(what), "/debug/pprof/heap?pid=%s", bad[i]);
		says(what, 400, "pid= takes a number");
	}
	says("/debug/pprof/heap?seconds=10", 400, "no profile of a span of time");
	says("/debug/pprof/heap?debug=1", 400, "no profile as text");
	says("/debug/pprof/profile", 404, "no such page");
	ended(s);
}

static void counts_alone_are_no_profile(void **state)
{
	struct serve *s = served(true);

	(void)state;
	put(s, "all");
	says("/debug/pprof/heap", 403, "counts only");
	ended(s);
}

static void is_healthy_while_it_beats(void **state)
{
	static const uint64_t second = 1000000000;
	struct serve *s = served(true);

	(void)state;
	says("/healthz", 200, "ok");
	serve_beat(s, clock_ns() - 50 * second);
	says("/healthz", 200, "ok");
	serve_beat(s, clock_ns() - 61 * second);
	says("/healthz", 503, "hangs");
	waits = true;
	says("/healthz", 200, "ok");
	waits = false;
	says("/healthz", 503, "hangs");
	serve_beat(s, clock_ns());
	says("/healthz", 200, "ok");
	ended(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sends_that_of_all_or_of_one),
		cmocka_unit_test(what_is_no_profile_is_an_error),
		cmocka_unit_test(counts_alone_are_no_profile),
		cmocka_unit_test(is_healthy_while_it_beats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
