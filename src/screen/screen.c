/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "screen/screen.h"

#include <langinfo.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include "screen/paint.h"
#include "screen/terminal.h"

#define LOG_LINES  200
#define EVERY_NS   1000000000ull /* for the clock in the title */
#define MESSAGE_NS 5000000000ull

struct screen {
	struct screen_opts o;
	struct paint paint;
	struct view view;
	struct report *shown, *newest; /* the same report, unless the view is paused */
	const char *doing;
	uint64_t doing_ns, drawn_ns, said_ns;
	bool is_open, is_changed;
};

/* The last lines that were logged; any thread may log. */
static struct {
	pthread_mutex_t lock;
	char *v[LOG_LINES];
	size_t n;
	bool is_new;
} said = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* A line that is there already becomes the last one: each moment of a recording may say the same.
 */
static void keep_line(const char *line)
{
	size_t i = 0;

	pthread_mutex_lock(&said.lock);
	while (i < said.n && strcmp(said.v[i], line) != 0)
		i++;
	if (i == LOG_LINES)
		i = 0;
	if (i < said.n) {
		free(said.v[i]);
		memmove(said.v + i, said.v + i + 1, (--said.n - i) * sizeof(*said.v));
	}
	said.v[said.n] = strdup(line);
	said.n += said.v[said.n] != NULL;
	said.is_new = true;
	pthread_mutex_unlock(&said.lock);
}

static void print_lines(void)
{
	pthread_mutex_lock(&said.lock);
	for (size_t i = 0; i < said.n; i++) {
		log_line("%s", said.v[i]);
		free(said.v[i]);
	}
	said.n = 0;
	pthread_mutex_unlock(&said.lock);
}

bool screen_is_possible(void)
{
	return terminal_is_usable();
}

int screen_new(const struct screen_opts *o, struct screen **out)
{
	struct screen *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return fail(-ENOMEM, "out of memory");
	s->o = *o;
	view_init(&s->view);
	s->view.is_ascii = strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
	err = terminal_keep(o->confine);
	if (err)
		free(s);
	else
		*out = s;
	return err;
}

int screen_open(struct screen *s)
{
	int err = paint_open(&s->paint, s->o.no_color);

	if (err)
		return err;
	terminal_enter();
	s->is_open = true;
	if (isatty(STDERR_FILENO))
		log_divert(keep_line);
	return 0;
}

void screen_free(struct screen *s)
{
	if (!s)
		return;
	paint_close(&s->paint);
	terminal_release();
	log_divert(NULL);
	print_lines();
	view_free(&s->view);
	if (s->newest != s->shown)
		report_free(s->newest);
	report_free(s->shown);
	free(s);
}

void screen_doing(struct screen *s, const char *what)
{
	s->doing = what;
	s->doing_ns = clock_ns();
	s->is_changed = true;
}

void screen_left(struct screen *s, double seconds)
{
	s->view.now.left_s = seconds;
}

void screen_moment(struct screen *s, size_t moment, size_t moments)
{
	s->view.now.moment = moment;
	s->view.now.moments = moments;
}

/* Shows the newest report, unless the view is paused. */
static void show_newest(struct screen *s)
{
	if (s->view.is_paused || s->shown == s->newest)
		return;
	view_show(&s->view, s->newest);
	report_free(s->shown);
	s->shown = s->newest;
	s->is_changed = true;
}

int screen_report(struct screen *s, const struct report *r)
{
	struct report *copy;
	int err = report_copy(r, &copy);

	if (err)
		return err;
	if (s->newest != s->shown)
		report_free(s->newest);
	s->newest = copy;
	show_newest(s);
	return 0;
}

static void save(struct screen *s)
{
	char name[256] = "";
	int err = s->shown ? s->o.save(s->o.save_ctx, s->view.save_as, s->shown, name, sizeof(name))
			   : 0;

	if (err)
		view_say(&s->view, "%s", fail_text());
	else
		view_say(&s->view, "saved: %s", name);
	s->said_ns = clock_ns();
}

static enum view_wish obey(struct screen *s)
{
	enum view_wish wish = VIEW_NOTHING;
	uint32_t key;

	while (wish == VIEW_NOTHING && paint_key(&s->paint, &key)) {
		wish = view_key(&s->view, key);
		s->said_ns = clock_ns();
		s->is_changed = true;
		if (wish == VIEW_SAVE) {
			save(s);
			wish = VIEW_NOTHING;
		}
	}
	show_newest(s);
	return wish;
}

static void draw(struct screen *s)
{
	struct canvas c;
	int rows, cols;

	paint_size(&rows, &cols);
	if (canvas_init(&c, rows, cols, s->view.is_ascii))
		return;
	s->view.now.doing = s->doing;
	s->view.now.doing_s = (double)(clock_ns() - s->doing_ns) / 1e9;
	pthread_mutex_lock(&said.lock);
	s->view.now.log = (const char *const *)said.v;
	s->view.now.n_log = said.n;
	if (said.is_new && said.n && !*s->view.message) {
		view_say(&s->view, "%s", said.v[said.n - 1]);
		s->said_ns = clock_ns();
	}
	said.is_new = false;
	view_draw(&s->view, &c);
	pthread_mutex_unlock(&said.lock);
	paint_draw(&s->paint, &c);
	canvas_free(&c);
	s->drawn_ns = clock_ns();
	s->is_changed = false;
}

/* May the terminal be drawn on? Not in the background. After Ctrl-Z and fg another program has
 * written on it, so all is drawn again. */
static bool has_terminal(struct screen *s)
{
	if (terminal_is_entered())
		return true;
	if (!terminal_is_ours())
		return false;
	terminal_enter();
	paint_again(&s->paint);
	s->is_changed = true;
	return true;
}

enum view_wish screen_step(struct screen *s, double max_s)
{
	struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
	enum view_wish wish;
	uint64_t now;

	if (max_s > 0)
		poll(&in, 1, (int)(max_s * 1000));
	if (!has_terminal(s))
		return VIEW_NOTHING;
	wish = obey(s);
	now = clock_ns();
	if (*s->view.message && now - s->said_ns > MESSAGE_NS) {
		*s->view.message = '\0';
		s->is_changed = true;
	}
	if (s->is_changed || now - s->drawn_ns > EVERY_NS)
		draw(s);
	return wish;
}
