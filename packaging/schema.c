/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The schema of the report, from the tables that the report is written by. */
#include <stdarg.h>
#include <stdio.h>

#include "compare/compare.h"
#include "report/shape.h"

#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* they are all in this file */

/* Fields of these kinds are the same anywhere. */
static const char *const by_kind[] = {
	[FIELD_COUNT] = "'$ref': '#/$defs/count'",
	[FIELD_TALLY] = "'$ref': '#/$defs/count'",
	[FIELD_TRIMMABLE] = "'$ref': '#/$defs/count'",
	[FIELD_NUMBER] = "'$ref': '#/$defs/number'",
	[FIELD_AMOUNT] = "'$ref': '#/$defs/unsigned'",
	[FIELD_SHARE] = "'$ref': '#/$defs/share'",
	[FIELD_TIME] = "'$ref': '#/$defs/time'",
	[FIELD_LINE] = "'$ref': '#/$defs/line'",
	[FIELD_CLASS] = "'$ref': '#/$defs/class'",
	[FIELD_KIND] = "'$ref': '#/$defs/kind'",
	[FIELD_PARTS] = "'$ref': '#/$defs/parts'",
	[FIELD_INT] = "'type': 'integer'",
	[FIELD_PID] = "'type': ['integer', 'null']",
	[FIELD_FLAG] = "'type': 'boolean'",
	[FIELD_EARLY] = "'const': true",
	[FIELD_TEXT] = "'type': 'string'",
	[FIELD_MAYBE] = "'type': ['string', 'null']",
	[FIELD_HEX] = "'type': 'string', 'pattern': '^0x[0-9a-f]+$'",
	[FIELD_ID] = "'type': 'string', 'pattern': '^[0-9a-f]{16}$'",
	[FIELD_ENDED] = "'enum': ['running', 'exited']",
	[FIELD_STRINGS] = "'type': 'array', 'items': {'type': 'string'}",
	[FIELD_BY_GENERATION] = "'type': 'array', 'items': {'$ref': '#/$defs/count'}",
	[FIELD_LOST] = "'type': 'object', 'propertyNames': {'pattern': '^[a-z][a-z0-9_]*$'}, "
		       "'additionalProperties': {'$ref': '#/$defs/count'}",
	[FIELD_GROUP] = "'$ref': '#/$defs/%s'",
	[FIELD_OWNED] = "'$ref': '#/$defs/%s'",
	[FIELD_INSIDE] = "'anyOf': [{'$ref': '#/$defs/%s'}, {'type': 'null'}]",
	[FIELD_POINTED] = "'anyOf': [{'$ref': '#/$defs/%s'}, {'type': 'null'}]",
	[FIELD_ARRAY] = "'type': 'array', 'items': {'$ref': '#/$defs/%s'}",
	[FIELD_FINDINGS] = "'type': 'array', 'items': {'$ref': '#/$defs/%s'}",
	[FIELD_FRAMES] = "'type': 'array', 'items': {'oneOf': [{'$ref': '#/$defs/%s'}, "
			 "{'$ref': '#/$defs/%s'}]}",
};

static const char head[] =
	"{\n"
	" '$schema': 'https://json-schema.org/draft/2020-12/schema',\n"
	" 'title': 'pyleak-bpf report',\n"
	" 'description': 'Sizes are bytes, rates per second, times seconds. A number that is not "
	"known is null, never 0. Strings are UTF-8; a byte 0xNN of the target that is not part of "
	"valid UTF-8 is written as the character U+00NN.'";
static const char diff_head[] = "{\n"
				" '$schema': 'https://json-schema.org/draft/2020-12/schema',\n"
				" 'title': 'pyleak-bpf diff',\n"
				" 'description': 'Two watches, a and b, site by site. Units and "
				"unknown numbers are as in a "
				"report.'";
static const char values[] =
	",\n '$defs': {\n"
	"  'time': {'description': 'RFC 3339, UTC', 'type': ['string', 'null'], 'pattern': "
	"'^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\\\.[0-9]+)?Z$'},\n"
	"  'number': {'type': ['number', 'null']},\n"
	"  'unsigned': {'type': ['number', 'null'], 'minimum': 0},\n"
	"  'count': {'type': ['integer', 'null'], 'minimum': 0},\n"
	"  'share': {'type': ['number', 'null'], 'minimum': 0, 'maximum': 1},\n"
	"  'line': {'type': ['integer', 'null'], 'minimum': 1},\n"
	"  'class': {'description': 'leak: grows on and on; growing: grew, too little evidence "
	"yet; warmup: grew and levelled off; bloat: given back; retention: RSS grew, live bytes "
	"did not; steady: nothing grows', 'enum': [%s]},\n"
	"  'kind': {'enum': [%s]},\n"
	"  'parts': {'type': 'object', 'propertyNames': {'enum': [%s]}, 'additionalProperties': "
	"{'type': 'object', 'additionalProperties': false, 'required': ['bytes', "
	"'growth_bytes_per_s'], 'properties': {'bytes': {'$ref': '#/$defs/count'}, "
	"'growth_bytes_per_s': {'$ref': '#/$defs/number'}}}}";

/* As printf, with " for each '. */
static __attribute__((format(printf, 1, 2))) void say(const char *fmt, ...)
{
	char text[8192];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (const char *c = text; *c; c++)
		putchar(*c == '\'' ? '"' : *c);
}

static void say_text(const char *key, const char *text)
{
	say("'%s': \"", key);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putchar('\\');
		putchar(*text);
	}
	putchar('"');
}

/* "a|b", or "1|2" as numbers. */
static void say_words(const struct field *f)
{
	const char *quote = f->kind == FIELD_INT ? "" : "'", *word = f->is;

	say("'enum': [");
	for (size_t n; *word; word += n + (word[n] == '|')) {
		n = strcspn(word, "|");
		say("%s%s%.*s%s", word == f->is ? "" : ", ", quote, (int)n, word, quote);
	}
	say("%s]", f->kind == FIELD_MAYBE ? ", null" : "");
}

static void say_field(const struct field *f)
{
	if (f->about) {
		say_text("description", f->about);
		say(", ");
	}
	if (f->kind == FIELD_CONST)
		say_text("const", f->is);
	else if (f->kind == FIELD_TALLY && f->least)
		say("'type': 'integer'");
	else if (f->is && *f->is == '#')
		say("'$ref': '#/$defs/%s'", f->is + 1);
	else if (f->is && *f->is != '^')
		say_words(f);
	else if (f->of)
		say(by_kind[f->kind], f->of[0].name, f->of[f->kind == FIELD_FRAMES].name);
	else
		say("%s", by_kind[f->kind]);
	if (f->is && *f->is == '^') {
		say(", ");
		say_text("pattern", f->is);
	}
	if (f->kind == FIELD_PID || f->least)
		say(", 'minimum': %d", f->least);
}

/* @named: as "required" has them. */
static void say_members(const struct shape *s, const char *indent, bool named, bool *some)
{
	shape_each(f, s)
	{
		if (f->kind == FIELD_PART) {
			say_members(f->of, indent, named, some);
		} else if (named && !f->is_optional) {
			say("%s'%s'", *some ? ", " : "", f->name);
			*some = true;
		} else if (!named) {
			say("%s\n%s '%s': {", *some ? "," : "", indent, f->name);
			say_field(f);
			say("}");
			*some = true;
		}
	}
}

static void say_shape(const struct shape *s, const char *indent)
{
	bool some = false;

	say("\n%s'type': 'object',\n%s'additionalProperties': false,\n%s'required': [", indent,
	    indent, indent);
	say_members(s, indent, true, &some);
	say("],\n%s'properties': {", indent);
	some = false;
	say_members(s, indent, false, &some);
	say("\n%s}", indent);
}

/* The shapes inside of @s, each once. */
static void say_defs(const struct shape *s)
{
	static const struct shape *said[64];
	static size_t n;

	shape_each(f, s)
	{
		for (size_t i = 0; f->of && i <= (f->kind == FIELD_FRAMES); i++) {
			bool is_new = true;

			for (size_t k = 0; k < n; k++)
				is_new = is_new && said[k] != &f->of[i];
			if (!is_new || n == ARRAY_SIZE(said))
				continue;
			said[n++] = &f->of[i];
			if (f->kind != FIELD_PART) {
				say(",\n  '%s': {", f->of[i].name);
				say_shape(&f->of[i], "   ");
				say("\n  }");
			}
			say_defs(&f->of[i]);
		}
	}
}

#define WORDS(out, type, name, max)                                                       \
	for (int i = 0; i < (max); i++)                                                   \
	snprintf((out) + strlen(out), sizeof(out) - strlen(out), "%s'%s'", i ? ", " : "", \
		 name((type)i))

static void say_diff(const char *classes, const char *kinds, const char *parts)
{
	say("%s,", diff_head);
	say_shape(&shape_compare, " ");
	say(values, classes, kinds, parts);
	say_defs(&shape_compare);
	say("\n }\n}\n");
}

static void say_report(const char *classes, const char *kinds, const char *parts)
{
	say("%s,", head);
	say_shape(&shape_report, " ");
	say(values, classes, kinds, parts);
	say_defs(&shape_report);
	say("\n }\n}\n");
}

/* The schema of the report, or with a word behind the command that of a comparison. */
int main(int argc, char **argv)
{
	(void)argv;
	char classes[512] = "", kinds[512] = "", parts[512] = "";

	WORDS(classes, enum report_class, report_class_name, CLASS_MAX);
	WORDS(kinds, enum report_kind, report_kind_name, KIND_MAX);
	WORDS(parts, enum report_part, report_part_name, PART_MAX);
	(argc > 1 ? say_diff : say_report)(classes, kinds, parts);
	return ferror(stdout) || fflush(stdout) ? 1 : 0;
}
