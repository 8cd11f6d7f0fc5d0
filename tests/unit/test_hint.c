/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Hints from paths, without a process. */
#include "report/descriptors.h"
#include "report/hint.h"
#include "unit/unit.h"

#define U REPORT_UNKNOWN

static const char *hint_of(const struct report_holder *h)
{
	static char code[64];
	struct report_site site = {0};
	struct report *r;

	assert_int_equal(report_new(&r), 0);
	report_hold(r, h, &site);
	assert_string_equal(site.held_by.path, h->path);
	snprintf(code, sizeof(code), "%s", site.hint.code ? site.hint.code : "none");
	/* A hint without a sentence and a remedy is none. */
	if (site.hint.code) {
		assert_non_null(site.hint.text);
		assert_non_null(strchr(site.hint.text, '\n'));
	}
	report_free(r);
	return code;
}

static const char *hint(const char *root, struct report_holder_step *v, size_t n)
{
	const struct report_holder h = {.root = root,
					.path = "p",
					.share = 1,
					.step = v,
					.n = n,
					.gc_known = true,
					.gc_enabled = true};

	return hint_of(&h);
}
#define HINT(root, ...)                                           \
	hint(root, (struct report_holder_step[]){__VA_ARGS__},    \
	     sizeof((struct report_holder_step[]){__VA_ARGS__}) / \
		     sizeof(struct report_holder_step))

static bool is_said(const char *word, struct report_holder_step *v, size_t n, uint64_t samples)
{
	const struct report_holder h = {
		.root = "module", .path = "p", .share = 1, .step = v, .n = n};
	struct report_site site = {.estimated = true, .samples = samples};
	struct report *r;
	bool is_in;

	assert_int_equal(report_new(&r), 0);
	report_hold(r, &h, &site);
	is_in = site.hint.text && strstr(site.hint.text, word);
	report_free(r);
	return is_in;
}

/* A bound on a list of connections would drop them open. */
static void connections_are_closed(void **state)
{
	static const struct {
		const char *type;
		bool is_closed;
	} row[] = {
		{"sqlite3.Connection", true},
		{"psycopg2.extensions.connection", true},
		{"http.client.HTTPConnection", true},
		{"socket.socket", true},
		{"ssl.SSLSocket", true},
		{"requests.exceptions.ConnectionError", false},
		{"app.SocketName", false},
		{NULL, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct report_holder_step step[] = {
			{"root", "module app :: pool", "app.Pool", U, 0, 0},
			{"attribute", "conns", i & 1 ? "dict" : "list", 900, 2.4, 0},
			{"item", NULL, row[i].type, U, 0, 0},
			{"field", NULL, "memory of C code", U, 0, 0}};

		assert_int_equal(is_said("Close what is done with", step, 4, 20), row[i].is_closed);
		assert_int_equal(is_said("maxlen", step, 4, 20) || is_said("del d", step, 4, 20),
				 !row[i].is_closed);
	}
}

/* Nobody bounds a list of asyncio's or of logging's. */
static void containers_of_the_library(void **state)
{
	static struct report_holder_step loop[] = {
		{"root", "frame f :: self", "asyncio.unix_events._UnixSelectorEventLoop", U, 0, 0},
		{"attribute", "_scheduled", "list", 900, 24, 0},
		{"item", NULL, "asyncio.events.TimerHandle", U, 0, 0}};
	static struct report_holder_step logger[] = {
		{"root", "module logging :: root", "logging.RootLogger", U, 0, 0},
		{"attribute", "handlers", "list", 900, 24, 0},
		{"item", NULL, "logging.StreamHandler", U, 0, 0}};
	static struct report_holder_step finalize[] = {
		{"root", "module weakref :: finalize", "class weakref.finalize", U, 0, 0},
		{"attribute", "_registry", "dict", 900, 24, 0},
		{"value", NULL, "weakref.finalize._Info", U, 0, 0}};
	static struct report_holder_step own[] = {
		{"root", "module app :: jobs", "app.Jobs", U, 0, 0},
		{"attribute", "_scheduled", "list", 900, 24, 0},
		{"item", NULL, "app.Job", U, 0, 0}};

	(void)state;
	assert_true(is_said("cancel()", loop, 3, 99));
	assert_true(is_said("removeHandler", logger, 3, 99));
	assert_true(is_said("detach()", finalize, 3, 99));
	assert_true(is_said("deque", own, 3, 99));
}

/* Three samples of a list that was not seen to grow: it may be what others come and go in. */
static void a_few_samples_name_no_container_that_rests(void **state)
{
	static struct report_holder_step own[] = {{"root", "module app :: jobs", "list", 57, 0, 0},
						  {"item", NULL, "app.Job", U, 0, 0}};

	(void)state;
	assert_false(is_said("deque", own, 2, 3));
	assert_true(is_said("deque", own, 2, 9));
	own->growth_per_s = 1;
	assert_true(is_said("deque", own, 2, 3));
}

static void mappings_of_callbacks(void **state)
{
	struct report_frame stack[] = {{.native = true, .module = "/usr/lib/libffi.so.8.1.2"},
				       {.function = "f", .file = "/srv/app.py", .line = 3}};
	struct report_site site = {.kind = KIND_MMAP, .stack = stack, .n_frames = 2};

	(void)state;
	report_mapping_hint(&site);
	assert_non_null(strstr(site.hint.text, "Callbacks"));
	stack[0].module = "/usr/lib/libc.so.6";
	report_mapping_hint(&site);
	assert_non_null(strstr(site.hint.text, "mmap.mmap"));
}

static void children_are_counted_in_words(void **state)
{
	static const struct {
		size_t n, zombies;
		const char *want;
	} row[] = {
		{1, 1,
		 "1 child started here has ended and nobody waits for it: call wait() on it, "},
		{2, 1, "1 of 2 children started here has ended and nobody waits for it: call "},
		{5, 3, "3 of 5 children started here have ended and nobody waits for them: call "},
		{5, 5, "5 children started here have ended and nobody waits for them: call "},
		{1, 0, "1 child started here is still there: end it, and wait() for it"},
		{5, 2, "5 children started here are still there: end them, and wait() for them"},
	};
	struct report *r;

	(void)state;
	assert_int_equal(report_new(&r), 0);
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct report_fd_facts f = {
			.most = FD_FACT_CHILD, .n = row[i].n, .zombies = row[i].zombies};
		struct report_site site = {0};
		char text[120];

		report_fd_hint(r, &f, &site);
		assert_true(report_is_child(&site));
		snprintf(text, sizeof(text), "%.*s", (int)strlen(row[i].want), site.hint.text);
		assert_string_equal(text, row[i].want);
	}
	report_free(r);
}

/* Callbacks of atexit become more, unless one of them has what does. */
static void callbacks_at_exit(void **state)
{
	(void)state;
	assert_string_equal(HINT("atexit", {"root", "atexit callback", "method", U, 0, 0},
				 {"attribute", "__self__", "a.Workspace", U, 0, 0},
				 {"attribute", "files", "list", 2, 0, 0},
				 {"item", NULL, "str", U, 0, 0}),
			    "unbounded-container");
	assert_string_equal(HINT("atexit", {"root", "atexit callback", "method", U, 0, 0}),
			    "unbounded-container");
}

/* A plugin that is loaded under a new name each time: not its classes, nor its tables. */
static void modules(void **state)
{
	const struct report_holder_step seen = {"attribute", "SEEN", "dict", 900, 30, 0};

	(void)state;
	assert_string_equal(HINT("module", {"root", "sys.modules", "dict", 2500, 48, 0},
				 {"value", NULL, "module", U, 0, 0},
				 {"attribute", "Rule", "class rule_7.Rule", U, 0, 0}),
			    "unbounded-container");
	assert_string_equal(HINT("module", {"root", "sys.modules", "dict", 2500, 48, 0},
				 {"value", NULL, "module", U, 0, 0},
				 {"attribute", "check", "function check", U, 0, 0},
				 {"attribute", "__code__", "code", U, 0, 0}),
			    "unbounded-container");
	assert_string_equal(HINT("module", {"root", "sys.modules", "dict", 2500, 0, 0},
				 {"value", NULL, "module", U, 0, 0},
				 {"attribute", "__spec__", "ModuleSpec", U, 0, 0}),
			    "none");
	assert_string_equal(HINT("module", {"root", "sys.modules", "dict", 2500, 0, 0},
				 {"value", NULL, "module", U, 0, 0}, seen,
				 {"value", NULL, "list", 2, 0, 0}),
			    "unbounded-container");
}

static void containers(void **state)
{
	(void)state;
	assert_string_equal(HINT("module",
				 {"root", "interpreter 1, module gc :: garbage", "list", 50, 0, 0},
				 {"item", NULL, "a.O", U, 0, 0}),
			    "gc-garbage");
	assert_string_equal(HINT("module", {"root", "module a :: D", "dict", 500, 0, 0},
				 {"value", NULL, "a.S", U, 0, 0}),
			    "unbounded-container");
	/* A few entries may be anything, unless they become more. */
	assert_string_equal(HINT("module", {"root", "module a :: D", "dict", 5, 0, 0},
				 {"value", NULL, "a.S", U, 0, 0}),
			    "none");
	assert_string_equal(HINT("module", {"root", "module a :: D", "dict", 5, 1.5, 0},
				 {"value", NULL, "a.S", U, 0, 0}),
			    "unbounded-container");
	/* The object that is asked about is not its own holder. */
	assert_string_equal(HINT("module", {"root", "module a :: O", "a.O", U, 0, 0},
				 {"attribute", "d", "dict", 500, 0, 0}),
			    "none");
	assert_string_equal(HINT("module", {"root", "module a :: Q", "queue.Queue", U, 0, 0},
				 {"attribute", "queue", "collections.deque", 500, 3, 0},
				 {"item", NULL, "a.S", U, 0, 0}),
			    "queue-backlog");
}

/* Sessions are kept, and each has a pool of connections, and callbacks: what grows is the list. */
static void what_an_entry_has_is_not_what_is_kept(void **state)
{
	(void)state;
	assert_string_equal(HINT("module", {"root", "module a :: SESSIONS", "dict", 500, 4, 0},
				 {"value", NULL, "requests.Session", U, 0, 0},
				 {"attribute", "pool", "queue.LifoQueue", U, 0, 0},
				 {"attribute", "queue", "list", 2, 0, 0},
				 {"item", NULL, "a.S", U, 0, 0}),
			    "unbounded-container");
	assert_string_equal(HINT("module", {"root", "module a :: AUDIT", "list", 500, 40, 0},
				 {"item", NULL, "a.Request", U, 0, 0},
				 {"attribute", "_receive", "method", U, 0, 0},
				 {"attribute", "__self__", "a.Cycle", U, 0, 0}),
			    "unbounded-container");
	assert_string_equal(HINT("module", {"root", "module a :: AUDIT", "list", 500, 40, 0},
				 {"item", NULL, "a.Request", U, 0, 0},
				 {"attribute", "done", "function a.f.<locals>.g", U, 0, 0},
				 {"cell", "x", "a.S", U, 0, 0}),
			    "unbounded-container");
	assert_string_equal(HINT("module", {"root", "module a :: HANDLERS", "list", 500, 40, 0},
				 {"item", NULL, "tuple", 2, 0, 0},
				 {"item", NULL, "method", U, 0, 0},
				 {"attribute", "__self__", "a.Widget", U, 0, 0}),
			    "closure");
	assert_string_equal(HINT("module", {"root", "module a :: HANDLERS", "list", 500, 40, 0},
				 {"item", NULL, "functools.partial", U, 0, 0},
				 {"attribute", "func", "method", U, 0, 0},
				 {"attribute", "__self__", "a.Widget", U, 0, 0}),
			    "closure");
}

/* A backlog of few, below many workers: what grows was not seen. */
static void a_queue_that_grows_slowly_is_one(void **state)
{
	(void)state;
	assert_string_equal(HINT("module", {"root", "module a :: WORKERS", "dict", 20, 0, 0},
				 {"value", NULL, "a.Worker", U, 0, 0},
				 {"attribute", "inbox", "queue.Queue", U, 0, 0},
				 {"attribute", "queue", "collections.deque", 15, 0, 0},
				 {"item", NULL, "a.S", U, 0, 0}),
			    "queue-backlog");
	assert_string_equal(HINT("module", {"root", "module a :: HANDLERS", "dict", 500, 40, 0},
				 {"key", NULL, "method", U, 0, 0},
				 {"attribute", "__self__", "a.Widget", U, 0, 0}),
			    "closure");
}

/* One task, or function, and behind it few entries of which none came within half a second. */
static void what_holds_a_few_is_not_to_blame(void **state)
{
	(void)state;
	assert_string_equal(HINT("module", {"root", "module a :: T", "set", 1, 0, 0},
				 {"item", NULL, "_asyncio.Task", U, 0, 0},
				 {"field", NULL, "coroutine f", U, 0, 0},
				 {"variable", "log", "list", 10, 0, 0},
				 {"item", NULL, "a.S", U, 0, 0}),
			    "none");
	assert_string_equal(
		HINT("module", {"root", "module a :: f", "function memo.<locals>.g", U, 0, 0},
		     {"cell", "cache", "dict", 10, 0, 0}, {"value", NULL, "a.S", U, 0, 0}),
		"none");
	assert_string_equal(HINT("module", {"root", "module a :: T", "set", 5, 0, 0},
				 {"item", NULL, "_asyncio.Task", U, 0, 0},
				 {"field", NULL, "coroutine f", U, 0, 0},
				 {"variable", "x", "a.S", U, 0, 0}),
			    "task-not-ended");
	assert_string_equal(HINT("module", {"root", "module a :: HANDLERS", "list", 5, 0, 0},
				 {"item", NULL, "function f.<locals>.g", U, 0, 0},
				 {"cell", "x", "a.S", U, 0, 0}),
			    "closure");
}

/* One that is an entry of another is called after that. */
static void a_container_in_a_container_has_a_name(void **state)
{
	struct report_holder_step way[] = {{"root", "module a :: GD", "dict", 5, 0, 0},
					   {"value", NULL, "list", 6200, 300, 0},
					   {"item", NULL, "a.S", U, 0, 0}};
	const struct report_holder h = {
		.root = "module", .path = "p", .share = 1, .step = way, .n = 3};
	struct report_site site = {0};
	struct report *r;

	(void)state;
	assert_int_equal(report_new(&r), 0);
	report_hold(r, &h, &site);
	assert_non_null(strstr(site.hint.text, "module a :: GD[...] (list) has 6.2 k entries"));
	report_free(r);
}

/* It is the object that grows where each of its attributes is a record, and else what is in one. */
static void attributes_or_what_is_in_one(void **state)
{
	struct report_holder_step way[] = {{"root", "module a :: POOL", "list", 20, 0, 0},
					   {"item", NULL, "a.Connection", U, 0, 0},
					   {"attribute", "answer_918", "dict", 1, 0, 0},
					   {"key", NULL, "int", U, 0, 0}};
	struct report_holder h = {.root = "module",
				  .path = "p",
				  .share = 1,
				  .step = way,
				  .n = 4,
				  .rests = true,
				  .entries_grow = true};
	struct report_site site = {0}, other = {0};
	struct report *r;

	(void)state;
	assert_int_equal(report_new(&r), 0);
	report_hold(r, &h, &site);
	assert_non_null(strstr(site.hint.text, "Objects (a.Connection) get more and more"));
	way[2] = (struct report_holder_step){"attribute", "points", "list", 700, 0, 0};
	report_hold(r, &h, &other);
	assert_non_null(strstr(other.hint.text, "points (list) has 700 entries"));
	report_free(r);
}

/* Keys that stay, and under each of them more and more. */
static void what_grows_behind_a_container(void **state)
{
	struct report_holder_step way[] = {{"root", "module a :: HISTORY", "dict", 200, 0, 0},
					   {"value", NULL, "list", 60, 0, 0},
					   {"item", NULL, "a.S", U, 0, 0}};
	struct report_holder h = {.root = "module",
				  .path = "p",
				  .share = 1,
				  .step = way,
				  .n = 3,
				  .rests = true,
				  .entries_grow = true};
	struct report_site site = {0};
	struct report *r;

	(void)state;
	assert_int_equal(report_new(&r), 0);
	report_hold(r, &h, &site);
	assert_non_null(strstr(site.hint.text, "HISTORY[...] (list) has 60 entries"));
	way[1].type = "collections.deque";
	way[1].most = 3600;
	assert_string_equal(hint_of(&h), "none");
	report_free(r);
}

/* The values of a WeakKeyDictionary it does hold, and what lies in them, too. */
static void what_is_held_weakly(void **state)
{
	struct report_holder_step way[] = {
		{"root", "module a :: META", "weakref.WeakKeyDictionary", U, 0, 0},
		{"attribute", "data", "dict", 900, 9, 0},
		{"value", NULL, "list", 2, 0, 0},
		{"item", NULL, "a.S", U, 0, 0}};
	struct report_holder h = {.root = "module", .path = "p", .share = 1, .step = way, .n = 4};
	static const struct {
		const char *type, *edge, *says;
		double growth_per_s;
	} rows[] = {
		{"weakref.WeakKeyDictionary", "value", "hold the key by weakref.ref(key)", 0},
		{"weakref.WeakKeyDictionary", "key", "It holds them weakly", 0},
		{"weakref.WeakValueDictionary", "value", "It holds them weakly", 0},
		{"weakref.WeakKeyDictionary", "value", "collections.deque(maxlen=1000)", 20},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct report_site site = {0};
		struct report *r;

		assert_int_equal(report_new(&r), 0);
		way[0].type = rows[i].type;
		way[2].edge = rows[i].edge;
		way[2].growth_per_s = rows[i].growth_per_s;
		report_hold(r, &h, &site);
		if (!strstr(site.hint.text, rows[i].says))
			fail_msg("%s is not in %s", rows[i].says, site.hint.text);
		report_free(r);
	}
}

/* Neither the list of them nor their number says anything. */
static void buffers_that_get_bigger(void **state)
{
	struct report_holder_step way[] = {{"root", "module a :: L", "list", 50, 0, 0},
					   {"item", NULL, "bytearray", U, 0, 0},
					   {"field", NULL, NULL, U, 0, 0}};
	struct report_holder h = {.root = "module", .path = "p", .share = 1, .step = way, .n = 3};
	struct report_site site = {.in_place = true};
	struct report *r;

	(void)state;
	assert_int_equal(report_new(&r), 0);
	report_hold(r, &h, &site);
	assert_string_equal(site.hint.code, "unbounded-container");
	assert_non_null(strstr(site.hint.text, "(bytearray) get bigger"));
	report_free(r);
}

static void by_what_is_on_the_path(void **state)
{
	(void)state;
	assert_string_equal(
		HINT("module", {"root", "module a :: f", "functools._lru_cache_wrapper", U, 0, 0},
		     {"field", "cached", "dict", 500, 0, 0}, {"value", NULL, "a.S", U, 0, 0}),
		"lru-cache");
	/* One that is full keeps no more than that. */
	assert_string_equal(
		HINT("module", {"root", "module a :: f", "functools._lru_cache_wrapper", U, 0, 0},
		     {"field", "cached", "dict", 128, 0, 128}, {"value", NULL, "a.S", U, 0, 0}),
		"none");
	/* One result, which the program puts things into: the cache has one entry. */
	assert_string_equal(
		HINT("module", {"root", "module a :: f", "functools._lru_cache_wrapper", U, 0, 0},
		     {"field", "cached", "dict", 1, 0, 0}, {"value", NULL, "list", 900, 30, 0},
		     {"item", NULL, "a.S", U, 0, 0}),
		"unbounded-container");
	/* ... also when it was not seen to grow within half a second. */
	assert_string_equal(
		HINT("module",
		     {"root", "module a :: get_store", "functools._lru_cache_wrapper", U, 0, 0},
		     {"field", "cached", "dict", 1, 0, 128}, {"value", NULL, "a.Store", U, 0, 0},
		     {"attribute", "items", "dict", 500, 0, 0}, {"value", NULL, "a.S", U, 0, 0}),
		"unbounded-container");
	assert_string_equal(
		HINT("module", {"root", "module a :: f", "functools._lru_cache_wrapper", U, 0, 0},
		     {"field", "cached", "dict", 90, 0, 128}, {"value", NULL, "list", 500, 0, 0},
		     {"item", NULL, "a.S", U, 0, 0}),
		"lru-cache");
	/* The cache of statements in each connection that is kept. */
	assert_string_equal(
		HINT("module", {"root", "module a :: OLD", "list", 50, 3, 0},
		     {"item", NULL, "sqlite3.Connection", U, 0, 0},
		     {"field", "statement_cache", "functools._lru_cache_wrapper", U, 0, 0},
		     {"field", "cached", "dict", 2, 0, 0}, {"value", NULL, "a.S", U, 0, 0}),
		"unbounded-container");
	assert_string_equal(HINT("module", {"root", "module a :: C", "list", 50, 0, 0},
				 {"item", NULL, "function a.f", U, 0, 0},
				 {"cell", "x", "a.S", U, 0, 0}),
			    "closure");
	assert_string_equal(HINT("module", {"root", "module a :: E", "list", 50, 0, 0},
				 {"item", NULL, "ValueError", U, 0, 0},
				 {"attribute", "__traceback__", "traceback", U, 0, 0},
				 {"attribute", "tb_frame", "frame of a.f", U, 0, 0},
				 {"variable", "x", "a.S", U, 0, 0}),
			    "exception-traceback");
	/* One that is kept, of a loop that still runs and gathers. */
	assert_string_equal(HINT("module", {"root", "module a :: LAST", "ValueError", U, 0, 0},
				 {"attribute", "__traceback__", "traceback", U, 0, 0},
				 {"attribute", "tb_frame", "frame of a.main", U, 0, 0},
				 {"variable", "rows", "list", 900, 30, 0},
				 {"item", NULL, "a.S", U, 0, 0}),
			    "unbounded-container");
	/* Each has a list, of which it is not known that it grows. */
	assert_string_equal(HINT("module", {"root", "module a :: E", "list", 50, 0, 0},
				 {"item", NULL, "ValueError", U, 0, 0},
				 {"attribute", "__traceback__", "traceback", U, 0, 0},
				 {"attribute", "tb_frame", "frame of a.f", U, 0, 0},
				 {"variable", "rows", "list", 900, 0, 0},
				 {"item", NULL, "a.S", U, 0, 0}),
			    "exception-traceback");
	assert_string_equal(HINT("module", {"root", "module a :: T", "set", 50, 0, 0},
				 {"item", NULL, "_asyncio.Task", U, 0, 0},
				 {"field", NULL, "coroutine f", U, 0, 0},
				 {"variable", "x", "a.S", U, 0, 0}),
			    "task-not-ended");
	/* A consumer that runs for ever, and gathers: not the task is to blame. */
	assert_string_equal(HINT("module", {"root", "module a :: T", "set", 50, 0, 0},
				 {"item", NULL, "_asyncio.Task", U, 0, 0},
				 {"field", NULL, "coroutine f", U, 0, 0},
				 {"variable", "log", "list", 900, 30, 0},
				 {"item", NULL, "a.S", U, 0, 0}),
			    "unbounded-container");
	assert_string_equal(HINT("module", {"root", "module a :: G", "list", 50, 9, 0},
				 {"item", NULL, "async_generator f", U, 0, 0}),
			    "task-not-ended");
	assert_string_equal(HINT("module", {"root", "module a :: G", "list", 50, 9, 0},
				 {"item", NULL, "async_generator f", U, 0, 0},
				 {"variable", "page", "list", 2, 0, 0}),
			    "task-not-ended");
	assert_string_equal(HINT("module", {"root", "module a :: K", "list", 50, 9, 0},
				 {"item", NULL, "class a.M7", U, 0, 0},
				 {"attribute", "__dict__", "dict", 9, 0, 0}),
			    "classes-created");
	assert_string_equal(HINT("module", {"root", "module a :: K", "dict", 50, 0, 0},
				 {"value", NULL, "class a.M7", U, 0, 0},
				 {"attribute", "seen", "dict", 900, 9, 0},
				 {"value", NULL, "a.S", U, 0, 0}),
			    "unbounded-container");
	assert_string_equal(HINT("module",
				 {"root", "module a :: QUEUE", "collections.deque", 50, 9, 0},
				 {"item", NULL, "dict", 2, 0, 0}),
			    "queue-backlog");
	assert_string_equal(HINT("module", {"root", "module a :: F", "list", 50, 9, 0},
				 {"item", NULL, "function f.<locals>.g", U, 0, 0}),
			    "closure");
	assert_string_equal(HINT("module", {"root", "module a :: F", "list", 50, 9, 0},
				 {"item", NULL, "function f.<locals>.g", U, 0, 0},
				 {"attribute", "__closure__", "tuple", 1, 0, 0}),
			    "closure");
	assert_string_equal(HINT("module", {"root", "module a :: F", "list", 50, 9, 0},
				 {"item", NULL, "method", U, 0, 0},
				 {"attribute", "__self__", "a.Widget", U, 0, 0}),
			    "closure");
	/* One function, and what it keeps to itself grows. */
	assert_string_equal(
		HINT("module", {"root", "module a :: f", "function memo.<locals>.g", U, 0, 0},
		     {"cell", "cache", "dict", 900, 9, 0}, {"value", NULL, "a.S", U, 0, 0}),
		"unbounded-container");
	assert_string_equal(HINT("module", {"root", "module a :: D", "list", 50, 9, 0},
				 {"item", NULL, "_asyncio.Task, done", U, 0, 0},
				 {"field", NULL, "coroutine f, ended", U, 0, 0}),
			    "unbounded-container");
	assert_string_equal(HINT("module", {"root", "module a :: M", "list", 50, 9, 0},
				 {"item", NULL, "mmap.mmap", U, 0, 0}),
			    "mapping-not-released");
	assert_string_equal(HINT("module", {"root", "module a :: V", "list", 50, 0, 0},
				 {"item", NULL, "memoryview", U, 0, 0},
				 {"attribute", "obj", "bytes", U, 0, 0}),
			    "view-pins-base");
	assert_string_equal(HINT("module", {"root", "module a :: V", "list", 50, 0, 0},
				 {"item", NULL, "numpy.ndarray", U, 0, 0},
				 {"attribute", "base", "numpy.ndarray", U, 0, 0},
				 {"field", NULL, "memory of C code", U, 0, 0}),
			    "view-pins-base");
	/* a view of all of it, as a DataFrame has one, wastes nothing */
	assert_string_equal(HINT("module", {"root", "module a :: V", "list", 50, 0, 0},
				 {"item", NULL, "numpy.ndarray, all of its base", U, 0, 0},
				 {"attribute", "base", "numpy.ndarray", U, 0, 0},
				 {"field", NULL, "memory of C code", U, 0, 0}),
			    "unbounded-container");
	assert_string_equal(HINT("module", {"root", "module a :: V", "list", 50, 0, 0},
				 {"item", NULL, "memoryview, all of its base", U, 0, 0},
				 {"attribute", "obj", "bytes", U, 0, 0}),
			    "unbounded-container");
	/* an array of objects that holds arrays */
	assert_string_equal(HINT("module", {"root", "module a :: V", "list", 50, 0, 0},
				 {"item", NULL, "numpy.ndarray", U, 0, 0},
				 {"field", NULL, "numpy.ndarray", U, 0, 0}),
			    "unbounded-container");
	assert_string_equal(HINT("module", {"root", "module a :: K", "dict", 50, 0, 0},
				 {"value", NULL, "class a.M7", U, 0, 0}),
			    "classes-created");
	assert_string_equal(HINT("module", {"root", "module a :: K", "dict", 50, 9, 0},
				 {"key", NULL, "class a.M7", U, 0, 0},
				 {"attribute", "__mro__", "tuple", 2, 0, 0}),
			    "classes-created");
	assert_string_equal(HINT("module", {"root", "module gc :: garbage", "list", 50, 0, 0},
				 {"item", NULL, "a.S", U, 0, 0}),
			    "gc-garbage");
}

/* New classes fill the table of subclasses of the class they are derived from, which is no dict to
 * be emptied; nor is another that Python keeps for itself. */
static void tables_of_python(void **state)
{
	static const struct {
		const char *root, *path, *edge, *type, *code;
	} way[] = {
		{"static", "static data of python3.11 (dict)", "key", "int", "classes-created"},
		{"static", "static data of libpython3.13.so.1.0 (dict)", "value",
		 "weakref.ReferenceType", "classes-created"},
		{"interpreter", "interpreter (dict)", "key", "int", "classes-created"},
		{"interpreter", "interpreter (dict)", "value", "a.S", "none"},
		{"static", "static data of python3.11 (dict)", "key", "str", "none"},
		{"static", "static data of _ext.so (dict)", "key", "int", "unbounded-container"},
		{"module", "module a :: D (dict)", "key", "int", "unbounded-container"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(way); i++) {
		struct report_holder_step v[] = {{"root", way[i].path, "dict", 6000, 400, 0},
						 {way[i].edge, NULL, way[i].type, U, 0, 0}};
		const struct report_holder h = {
			.root = way[i].root, .path = way[i].path, .share = 0.2, .step = v, .n = 2};

		assert_string_equal(hint_of(&h), way[i].code);
	}
	assert_string_equal(HINT("module", {"root", "module a :: B", "class a.B", U, 0, 0},
				 {"field", NULL, "dict", 6000, 400, 0},
				 {"value", NULL, "weakref.ReferenceType", U, 0, 0}),
			    "classes-created");
	assert_string_equal(HINT("module", {"root", "module a :: B", "class a.B", U, 0, 0},
				 {"attribute", "seen", "dict", 6000, 400, 0},
				 {"value", NULL, "weakref.ReferenceType", U, 0, 0}),
			    "unbounded-container");
}

/* A third each are tasks, their coroutines and the futures they wait for, all in one set. */
static void ways_that_part_behind_a_container(void **state)
{
	struct report_holder_step way[] = {{"root", "module a :: WAITING", "set", 2766, 44, 0},
					   {"item", NULL, "_asyncio.Task", U, 0, 0}};
	struct report_holder h = {
		.root = "module", .path = "p", .share = 0.35, .step = way, .n = 2};
	struct report_site site = {0};
	struct report *r;

	(void)state;
	assert_int_equal(report_new(&r), 0);
	report_hold(r, &h, &site);
	assert_true(site.held_by.share == 0.35);
	h.in_container = 0.98;
	report_hold(r, &h, &site);
	assert_true(site.held_by.share == 0.98);
	report_free(r);
}

static void nobody_and_cycles(void **state)
{
	struct report_holder_step one = {"root", "cycle", "a.S", U, 0, 0};
	struct report_holder h = {
		.root = "unreferenced", .path = "p", .step = &one, .n = 1, .share = 1};

	(void)state;
	assert_string_equal(hint_of(&h), "unreferenced");
	h.share = 0.4; /* who holds most of them is not known */
	assert_string_equal(hint_of(&h), "none");
	h.share = 1;
	h.root = "cycle";
	assert_string_equal(hint_of(&h), "none"); /* nothing is known of the collector */
	h.gc_known = h.gc_enabled = true;
	assert_string_equal(hint_of(&h), "none"); /* it will be collected */
	h.gc_enabled = false;
	assert_string_equal(hint_of(&h), "cycle-gc-disabled");
	h.frozen = true;
	assert_string_equal(hint_of(&h), "frozen-garbage");
	h.uncollectable = true;
	assert_string_equal(hint_of(&h), "cycle-uncollectable");
}

/* A container that will be full one day needs no remedy. */
static void bounded(void **state)
{
	struct report_holder_step v[] = {{"root", "module a :: D", "collections.deque", 500, 9, 0},
					 {"item", NULL, "a.S", U, 0, 0}};
	struct report_holder h = {.root = "module", .path = "p", .share = 1, .step = v, .n = 2};

	(void)state;
	assert_int_equal(report_holder_container(&h), 0);
	assert_string_equal(hint_of(&h), "unbounded-container");
	h.bounded = true;
	assert_string_equal(hint_of(&h), "none");
}

/* C code lost this block: the hint goes by the function that took it. */
static void lost_block(void **state)
{
	struct report_holder_step one = {"root", "unreferenced", "memory of C code", U, 0, 0};
	const struct report_holder h = {
		.root = "unreferenced", .path = "p", .share = 1, .step = &one, .n = 1};
	struct report_frame frames[] = {
		{.native = true, .function = "xmalloc", .module = "/l/libc.so.6", .minor = true},
		{.native = true, .function = "take", .module = "/l/ext.so"},
		{.function = "f", .file = "a.py", .line = 1},
	};
	struct report_site site = {
		.kind = KIND_HEAP, .stack = frames, .n_frames = ARRAY_SIZE(frames)};
	struct report *r;

	(void)state;
	assert_int_equal(report_new(&r), 0);
	report_hold(r, &h, &site);
	assert_string_equal(site.hint.code, "unreferenced");
	assert_non_null(strstr(site.hint.text, "take in ext.so"));
	report_free(r);
}

static void kept_hint(void **state)
{
	struct report_holder_step one = {"root", "unreferenced", "a.S", U, 0, 0};
	const struct report_holder h = {
		.root = "unreferenced", .path = "p", .step = &one, .n = 1, .share = 1};
	struct report_site site = {.hint = {"native-leak", "said already"}};
	struct report *r;

	(void)state;
	assert_int_equal(report_new(&r), 0);
	report_hold(r, &h, &site);
	assert_string_equal(site.hint.code, "native-leak");
	report_free(r);
}

/* Objects that Python made and C code keeps: its extension need not be on the stack. */
static void lost_object(void **state)
{
	struct report_holder_step one = {"root", "unreferenced", "dict", U, 0, 0};
	const struct report_holder h = {
		.root = "unreferenced", .path = "p", .step = &one, .n = 1, .share = 1};
	struct report_frame frames[] = {
		{.native = true,
		 .function = "PyDict_New",
		 .module = "/usr/bin/python3.11",
		 .minor = true},
		{.native = true, .function = "echo", .module = "/l/ext.so"},
		{.function = "f", .file = "a.py", .line = 1},
	};

	(void)state;
	for (int has_extension = 0; has_extension < 2; has_extension++) {
		struct report_site site = {.stack = frames, .n_frames = 3};
		struct report *r;

		frames[1].minor = !has_extension;
		assert_int_equal(report_new(&r), 0);
		report_hold(r, &h, &site);
		assert_string_equal(site.hint.code, "unreferenced");
		assert_non_null(strstr(site.hint.text, has_extension
							       ? "the extension on this stack."
							       : "that get them later."));
		report_free(r);
	}
}

static void figures(void **state)
{
	struct report_holder_step v[] = {
		{"root", "class matplotlib._pylab_helpers.Gcf", "type", U, 0, 0},
		{"attribute", "figs", "collections.OrderedDict", 50, 3, 0},
		{"value", NULL, "matplotlib.backend_bases.FigureManagerBase", U, 0, 0},
		{"attribute", "canvas", "matplotlib.backends.backend_agg.FigureCanvasAgg", U, 0,
		 0}};
	struct report_holder h = {.root = "class", .path = "p", .share = 1, .step = v, .n = 4};
	struct report_site site = {0};
	struct report *r;

	(void)state;
	assert_int_equal(report_new(&r), 0);
	report_hold(r, &h, &site);
	assert_string_equal(site.hint.code, "unbounded-container");
	assert_non_null(strstr(site.hint.text, "plt.close(fig)"));
	report_free(r);
}

/* A line can call several functions that leak: who is named did not take all of it. */
static void native_part(void **state)
{
	struct report_frame frame = {.native = true, .function = "take", .module = "/lib/x.so"};
	struct report_site site = {.kind = KIND_HEAP, .stack = &frame, .n_frames = 1};
	struct report *r;

	(void)state;
	assert_int_equal(report_new(&r), 0);
	site.native_share = 0.95;
	report_native_hint(r, &site);
	assert_non_null(strstr(site.hint.text, "memory that take in x.so took is not given back"));
	site.hint.code = NULL;
	site.native_share = 0.125;
	report_lost_hint(r, &site);
	assert_non_null(
		strstr(site.hint.text, "take in x.so took (12 % of this; other calls below"));
	/* nobody's own code among the frames, as below ctypes */
	site.hint.code = NULL;
	frame.minor = true;
	report_lost_hint(r, &site);
	assert_string_equal(site.hint.code, "unreferenced");
	assert_non_null(strstr(site.hint.text, "C code took when this line called it"));
	report_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connections_are_closed),
		cmocka_unit_test(containers_of_the_library),
		cmocka_unit_test(a_few_samples_name_no_container_that_rests),
		cmocka_unit_test(mappings_of_callbacks),
		cmocka_unit_test(children_are_counted_in_words),
		cmocka_unit_test(callbacks_at_exit),
		cmocka_unit_test(modules),
		cmocka_unit_test(containers),
		cmocka_unit_test(what_an_entry_has_is_not_what_is_kept),
		cmocka_unit_test(a_queue_that_grows_slowly_is_one),
		cmocka_unit_test(what_holds_a_few_is_not_to_blame),
		cmocka_unit_test(a_container_in_a_container_has_a_name),
		cmocka_unit_test(what_grows_behind_a_container),
		cmocka_unit_test(attributes_or_what_is_in_one),
		cmocka_unit_test(what_is_held_weakly),
		cmocka_unit_test(buffers_that_get_bigger),
		cmocka_unit_test(by_what_is_on_the_path),
		cmocka_unit_test(tables_of_python),
		cmocka_unit_test(ways_that_part_behind_a_container),
		cmocka_unit_test(nobody_and_cycles),
		cmocka_unit_test(bounded),
		cmocka_unit_test(lost_block),
		cmocka_unit_test(kept_hint),
		cmocka_unit_test(native_part),
		cmocka_unit_test(lost_object),
		cmocka_unit_test(figures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
