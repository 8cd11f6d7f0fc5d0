/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "report/notes.h"

#include <ctype.h>
#include <stdio.h>

/* Do two notes say the same, numbers aside? */
static bool is_alike(const char *a, const char *b)
{
	while (*a && *b) {
		if (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
			a += strspn(a, "0123456789.");
			b += strspn(b, "0123456789.");
		} else if (*a++ != *b++) {
			return false;
		}
	}
	return *a == *b;
}

/* "births are not watched: too many open files" has its cause behind the first colon; "" = none. */
static const char *cause_of(const char *note)
{
	const char *at = note ? strstr(note, ": ") : NULL;

	return at ? at + 2 : "";
}

const char *report_note_text(const struct report_process *p, size_t i, char *buf, size_t size)
{
	const char *note = p->notes[i], *cause = cause_of(note);
	int n;

	/* notes of a merged report have a process before the first colon */
	if (p->n_members || !*cause || !i || strcmp(cause_of(p->notes[i - 1]), cause) != 0)
		return note;
	n = snprintf(buf, size, "%.*sfor the same reason", (int)(cause - note), note);
	return n >= 0 && (size_t)n < size ? buf : note;
}

/* The note that says the same, or a new one; NULL: there is no room. */
static struct report_note *find(struct report_notes *v, const char *text)
{
	size_t i = 0;

	while (i < v->n && !is_alike(v->v[i].text, text))
		i++;
	if (i == v->n && i < REPORT_NOTES)
		v->v[v->n++] = (struct report_note){.text = text};
	return i < v->n ? &v->v[i] : NULL;
}

void report_note_add(struct report_notes *to, const struct report_process *p, const char *host,
		     const char *text)
{
	struct report_note *note = find(to, text);

	if (!note) {
		to->left++;
		return;
	}
	note->n += note->last != p;
	note->host = note->first ? note->host : host;
	note->first = note->first ? note->first : p;
	note->last = p;
	note->is_varied |= strcmp(note->text, text) != 0;
}

void report_notes_add(struct report_notes *to, const struct report_process *p, const char *host)
{
	for (size_t i = 0; i < p->n_notes; i++)
		report_note_add(to, p, host, p->notes[i] ? p->notes[i] : "");
}

/* "3 processes, the first pid 12 on web: births are not watched". A merged report, which has no
 * pid, has said it of its processes. */
static const char *told(struct report *r, const struct report_note *note)
{
	char many[64] = "";

	if (!note->first->pid)
		return report_strdup(r, note->text);
	if (note->n > 1)
		snprintf(many, sizeof(many), "%zu processes, %s ", note->n,
			 note->is_varied ? "with the numbers of" : "the first");
	return report_printf(r, "%spid %d%s%s: %s", many, note->first->pid,
			     *note->host ? " on " : "", note->host, note->text);
}

int report_notes_give(struct report *r, const struct report_notes *v, struct report_process *to)
{
	size_t n = v->n + (v->left > 0);
	bool is_short = !(to->notes = report_alloc(r, (n + 1) * sizeof(*to->notes)));

	for (size_t i = 0; !is_short && i < n; i++) {
		to->notes[i] = i < v->n ? told(r, &v->v[i])
					: report_printf(r,
							"%zu more are in the reports that were "
							"merged",
							v->left);
		is_short = !to->notes[i];
	}
	to->n_notes = is_short ? 0 : n;
	return is_short ? fail(-ENOMEM, "out of memory") : 0;
}
