/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/rrshim/verb.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "replay/rules.h"
#include "replay/tape.h"
#include "tools/rrshim/message.h"
#include "tools/rrshim/output.h"
#include "tools/rrshim/pick.h"
#include "tools/rrshim/rule_files.h"

enum { OPT_HOST = OPT_OWN, OPT_PATH, OPT_METHOD, OPT_CHECK };

static const struct option options[] = {
	{"rules", required_argument, NULL, 'R'},
	{"host", required_argument, NULL, OPT_HOST},
	{"path", required_argument, NULL, OPT_PATH},
	{"method", required_argument, NULL, OPT_METHOD},
	{"check", required_argument, NULL, OPT_CHECK},
	{"json", no_argument, NULL, OPT_JSON},
	{"dir", required_argument, NULL, 'o'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

/* What was asked for. */
struct wish {
	struct verb_common common;
	struct rule_files files;
	const char *host, *path, *method, *check;
	const char *recording;
	uint64_t number;
	char *line; /* the call that is asked about: "POST https://host/path"; NULL: none */
};

/* ---- a rule, as it could stand in a file ---- */

static void print_value(const json_t *value);

static void print_text(const char *text)
{
	/* A quote is doubled; what needs none has none. */
	if (text[0] &&
		strspn(text,
			"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			"0123456789-_./$") == strlen(text)) {
		output_safe(span_of(text), 0);
		return;
	}
	putchar('\'');
	for (size_t len; *text; text += len) {
		len = strcspn(text, "'");
		output_safe((struct span){(const uint8_t *)text, len}, 0);
		for (; text[len] == '\''; len++)
			fputs("''", stdout);
	}
	putchar('\'');
}

static void print_members(const json_t *object)
{
	const char *key, *separator = "{";
	json_t *value;

	json_object_foreach((json_t *)object, key, value)
	{
		fputs(separator, stdout);
		print_text(key);
		fputs(": ", stdout);
		print_value(value);
		separator = ", ";
	}
	fputs(json_object_size(object) ? "}" : "{}", stdout);
}

static void print_value(const json_t *value)
{
	const char *separator = "[";
	json_t *entry;
	size_t i;

	if (json_is_string(value)) {
		print_text(json_string_value(value));
	} else if (json_is_object(value)) {
		print_members(value);
	} else if (json_is_array(value)) {
		json_array_foreach(value, i, entry)
		{
			fputs(separator, stdout);
			print_value(entry);
			separator = ", ";
		}
		fputs(json_array_size(value) ? "]" : "[]", stdout);
	} else {
		fputs(json_is_true(value) ? "true" : "false", stdout);
	}
}

static void print_rule(const struct rules *rules, size_t i)
{
	const char *name = rules_name(rules, i), *key;
	json_t *value;

	fputs(output_style(OUTPUT_BOLD), stdout);
	output_safe(span_of(name ? name : "(no name)"), 0);
	printf("%s  %s", output_plain(), output_style(OUTPUT_DIM));
	output_safe(span_of(rules_source(rules, i)), 0);
	printf("%s\n", output_plain());
	json_object_foreach(rules_definition(rules, i), key, value)
	{
		if (strcmp(key, "name") == 0)
			continue;
		printf("  %s: ", key);
		print_value(value);
		putchar('\n');
	}
}

static json_t *rule_json(const struct rules *rules, size_t i)
{
	json_t *json = json_deep_copy(rules_definition(rules, i));

	json_object_set_new(json, "source", output_json_text(span_of(rules_source(rules, i))));
	return json;
}

/* ---- which ---- */

static json_t *list_json(const struct rules *rules, const struct rules_view *view)
{
	json_t *list = json_array();

	for (size_t i = 0; i < rules_count(rules); i++) {
		if (!view || rules_applies(view, i))
			json_array_append_new(list, rule_json(rules, i));
	}
	return list;
}

static int tell_json(const struct wish *w, const struct rules *rules, const struct rules_view *view)
{
	json_t *json = json_pack("{s:o}", "rules", list_json(rules, view));

	if (view) {
		json_object_set_new(json, "call", output_json_text(span_of(w->line)));
		json_object_set_new(json, "provider",
			rules_provider(view) ? json_string(rules_provider(view)) : json_null());
		json_object_set_new(json, "sink", json_boolean(rules_is_sink(view)));
	}
	output_json(json);
	return 0;
}

static int tell(const struct wish *w, const struct rules *rules)
{
	struct rules_view storage, *view = w->line ? &storage : NULL;

	if (view)
		rules_view(rules, span_of(w->line), view);
	if (w->common.json)
		return tell_json(w, rules, view);
	for (size_t i = 0; i < rules_count(rules); i++) {
		if (!view || rules_applies(view, i))
			print_rule(rules, i);
	}
	if (!view)
		return 0;
	output_safe(span_of(w->line), 0);
	printf(": %zu rules%s%s%s\n", view->count, rules_provider(view) ? ", provider " : "",
		rules_provider(view) ? rules_provider(view) : "",
		rules_is_sink(view) ? ", telemetry" : "");
	return 0;
}

/* ---- which call ---- */

static char *line_of(const struct exchange *x)
{
	char *url = message_url(x), *line = NULL;

	if (!url ||
		asprintf(&line, "%.*s %.*s", (int)x->request.head->method.len,
			(const char *)x->request.head->method.data, (int)strcspn(url, "?"),
			url) < 0)
		line = NULL;
	free(url);
	return line;
}

static int find_recorded(struct wish *w)
{
	struct recording *recording = NULL;
	struct tape *tape = NULL;
	int r = pick_recording("rules", pick_folder(w->common.folder), w->recording, &recording);

	if (r)
		return r;
	r = tape_load(recording, &tape);
	if (r < 0)
		r = pick_failed("rules", recording_path(recording), r);
	else if (!w->number || w->number > tape->exchange_count)
		r = fail("rules: no exchange '%" PRIu64 "': the recording has %zu", w->number,
			tape->exchange_count);
	else if (!(w->line = line_of(tape->exchanges[w->number - 1])))
		r = fail("rules: out of memory");
	tape_free(tape);
	recording_close(recording);
	return r;
}

static int find_call(struct wish *w)
{
	const char *path = w->path ? w->path : "/";

	if (w->number)
		return find_recorded(w);
	if (!w->host && !w->path && !w->method)
		return 0;
	if (asprintf(&w->line, "%s https://%s%s%s", w->method ? w->method : "POST",
		    w->host ? w->host : "", path[0] == '/' ? "" : "/", path) < 0)
		return fail("rules: out of memory");
	return 0;
}

/* ---- one file alone ---- */

static int check(const char *path)
{
	struct rules_error error;
	struct rules *rules = NULL;
	int r = rules_new_empty(&rules);

	r = r ? r : rules_add_file(rules, path, &error);
	if (r == -EINVAL)
		fail("rules: %s", error.message);
	else if (r)
		fail("rules: cannot read '%s': %s", path, strerror(-r));
	else
		printf("%s: %zu rules, nothing wrong\n", path, rules_count(rules));
	rules_free(rules);
	return r ? 1 : 0;
}

static int run(struct wish *w)
{
	struct rules *rules = NULL;
	int r;

	if (w->check)
		return check(w->check);
	r = rule_files_load("rules", &w->files, &rules);
	r = r ? r : find_call(w);
	r = r ? r : tell(w, rules);
	rules_free(rules);
	free(w->line);
	return r;
}

static int take_arguments(struct wish *w, int argc, char **argv)
{
	char *end;

	if (optind == argc)
		return 0;
	if (argc - optind > 2)
		return verb_misused("rules", "'%s' is one argument too many", argv[optind + 2]);
	if (argc - optind == 2)
		w->recording = argv[optind];
	w->number = strtoull(argv[argc - 1], &end, 10);
	if (*end || end == argv[argc - 1] || !w->number)
		return verb_misused(
			"rules", "'%s' is not the number of an exchange", argv[argc - 1]);
	return 0;
}

int verb_rules(int argc, char **argv)
{
	struct wish w = {0};
	int c, r;

	while ((c = getopt_long(argc, argv, "o:d:h", options, NULL)) != -1) {
		switch (c) {
		case 'R':
			if (rule_files_add(&w.files, optarg) < 0)
				return verb_misused("rules", "too many --rules");
			break;
		case OPT_HOST:
			w.host = optarg;
			break;
		case OPT_PATH:
			w.path = optarg;
			break;
		case OPT_METHOD:
			w.method = optarg;
			break;
		case OPT_CHECK:
			w.check = optarg;
			break;
		default:
			if (!verb_common_option(&w.common, c, argv, &r))
				return r;
		}
	}
	r = take_arguments(&w, argc, argv);
	return r ? r : run(&w);
}
