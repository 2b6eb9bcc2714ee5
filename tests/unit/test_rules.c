/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/rules.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "replay/rules_private.h"

static struct rules *rules;
static struct rules_error error;
static struct rules_view view;

static void end(void)
{
	rules_free(rules);
	rules = NULL;
}

TestSuite(rules, .fini = end);

static int add(const char *text)
{
	if (!rules)
		cr_assert_eq(rules_new_empty(&rules), 0);
	error.message[0] = '\0';
	return rules_add(rules, "f.yaml", span_of(text), &error);
}

static void have(const char *text)
{
	cr_assert_eq(add(text), 0, "%s", error.message);
}

static void look_at(const char *line)
{
	rules_view(rules, span_of(line), &view);
}

/* ---- bad files ---- */

static const struct {
	const char *text, *expected;
} bad[] = {
	{"rules:\n  - name: x\n    header: {ignore: [a]}\n",
		"f.yaml:3:5: unknown key 'header'; did you mean 'headers'?"},
	{"rulez: []\n", "f.yaml:1:1: unknown key 'rulez'; did you mean 'rules'?"},
	{"rules: [{colour: red}]\n", "f.yaml:1:10: unknown key 'colour'"},
	{"rules: [{name: a, name: b}]\n", "f.yaml:1:19: the key 'name' is there twice"},
	{"rules: {}\n", "f.yaml:1:8: 'rules' must be a list"},
	{"- rules\n", "f.yaml:1:1: the file must be a mapping"},
	{"rules: [a]\n", "f.yaml:1:9: each rule must be a mapping"},
	{"rules: [{match: {host: {a: b}}}]\n", "f.yaml:1:24: a host must be a text or a list"},
	{"rules: [{match: {host: ['']}}]\n",
		"f.yaml:1:25: a host must be a text that is not empty"},
	{"rules: [{sink: yes}]\n", "f.yaml:1:16: this must be false or true"},
	{"rules: [{repeat: twice}]\n", "f.yaml:1:18: this must be once, loop or last"},
	{"rules: [{json: {ignore: [metadata]}}]\n",
		"f.yaml:1:26: a path begins with '$', in the path 'metadata'"},
	{"rules: [{json: {ignore: [\"$.a..\"]}}]\n",
		"f.yaml:1:32: a name or '*' must follow, in the path '$.a..'"},
	{"rules: [{json: {ignore: ['$.a[x]']}}]\n",
		"f.yaml:1:31: an index, '*' or a quoted name must follow, in the path '$.a[x]'"},
	{"rules: [{json: {ignore: ['$.a[1']}}]\n",
		"f.yaml:1:32: ']' must follow, in the path '$.a[1'"},
	{"rules: [{json: {ignore: ['$[\"a]']}}]\n",
		"f.yaml:1:30: a quote is not closed, in the path '$[\"a]'"},
	{"rules: [{json: {ignore: [$]}}]\n",
		"f.yaml:1:27: this names the whole body, in the path '$'"},
	{"rules: [{json: {mark: {$.a: 'b c'}}}]\n",
		"f.yaml:1:29: a mark is a word of letters, digits, '-' and '_'"},
	{"rules: [{text: [{pattern: 'a(b'}]}]\n",
		"f.yaml:1:31: the pattern is wrong: missing closing parenthesis"},
	{"rules: [{text: [{mark: a}]}]\n", "f.yaml:1:17: a 'pattern' is missing here"},
	{"rules: [{text: a}]\n",
		"f.yaml:1:16: 'text' must be a list, such as [{pattern: 'run-[0-9]+', mark: run}]"},
	{"rules: [{text: [{pattern: a, sort: yes}]}]\n", "f.yaml:1:36: this must be false or true"},
	{"rules: [{text: [{pattern: a, sort: true, mark: b}]}]\n",
		"f.yaml:1:17: what is sorted has no 'mark'"},
	{"rules: [{text: [{sort: true}]}]\n", "f.yaml:1:17: a 'pattern' is missing here"},
	{"rules: [{json: {unordered: [set]}}]\n",
		"f.yaml:1:29: a path begins with '$', in the path 'set'"},
	{"rules: [{json: {unordered: {$.a: b}}}]\n",
		"f.yaml:1:28: what is unordered must be a text or a list"},
	{"rules: [{headers: {unordered: [a]}}]\n", "f.yaml:1:20: unknown key 'unordered'"},
	{"rules: [{query: {unordered: [a]}}]\n", "f.yaml:1:18: unknown key 'unordered'"},
	{"rules: [{provider: a, match: {provider: b}}]\n",
		"f.yaml:1:9: a rule that says which provider it is cannot ask for one"},
	{"replay: {mode: loose}\n", "f.yaml:1:16: this must be strict, warn or hybrid"},
	{"replay: {modes: warn}\n", "f.yaml:1:10: unknown key 'modes'; did you mean 'mode'?"},
	{"replay: {set: [a]}\n", "f.yaml:1:15: 'set' must be a mapping, such as {llm.model: NAME}"},
	{"rules: *x\n", "f.yaml:1:8: there is no anchor 'x' before this"},
	{"rules: &x [*x]\n", "f.yaml:1:12: an alias of what it is in"},
	{"rules: !!seq []\n", "f.yaml:1:8: tags have no meaning here"},
	{"rules: []\n---\nrules: []\n", "f.yaml:2:1: a second document"},
	{"rules: [\n", "f.yaml:2:1: did not find expected node content"},
	{"rules:\n\t- a\n", "f.yaml:2:1: found character that cannot start any token"},
	{"rules: [{name: \"a\\0b\"}]\n", "f.yaml:1:16: a zero byte"},
	{"a: [[[[[[[[[[[[[[[[[[[[\n", "f.yaml:1:19: nested too deep"},
	{"rules: []\nx: \xff\n", "f.yaml:2:4: invalid leading UTF-8 octet"},
};

Test(rules, bad_files_are_one_error_with_its_place)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		cr_expect_eq(add(bad[i].text), -EINVAL, "%s", bad[i].text);
		cr_expect_str_eq(error.message, bad[i].expected);
		end();
	}
}

/* Each line is ten of the one before. */
Test(rules, aliases_do_not_multiply)
{
	char text[2048] = "a: &a [x, x, x, x, x, x, x, x, x, x]\n";

	for (char c = 'b'; c < 'i'; c++) {
		char line[128];

		snprintf(line, sizeof(line), "%c: &%c [", c, c);
		strcat(text, line);
		for (int i = 0; i < 10; i++) {
			snprintf(line, sizeof(line), "*%c%s", c - 1, i < 9 ? ", " : "]\n");
			strcat(text, line);
		}
	}
	cr_assert_eq(add(text), -EINVAL);
	cr_assert(strstr(error.message, "too many values"), "%s", error.message);
}

Test(rules, a_file_too_large)
{
	size_t len = RULES_FILE_MAX + 1;
	uint8_t *text = malloc(len);

	memset(text, '\n', len);
	cr_assert_eq(rules_new_empty(&rules), 0);
	cr_assert_eq(rules_add(rules, "f", (struct span){text, len}, &error), -EINVAL);
	cr_assert_str_eq(error.message, "f:1:1: the file is larger than 256 KiB");
	free(text);
}

Test(rules, nothing_is_no_error)
{
	have("");
	have("# nothing\n");
	have("rules:\nreplay:\n");
	have("rules: [{match: , headers: {ignore: }}]\n");
	cr_assert_eq(rules_count(rules), 1);
}

Test(rules, anchors_may_be_used)
{
	const char *mark = NULL;

	have("rules:\n- {match: {host: a}, headers: &h {mark: {X-Foo: id}}}\n"
	     "- {match: {host: b}, headers: *h}\n");
	look_at("POST https://b/");
	cr_assert_eq(rules_header(&view, SPAN_LITERAL("x-foo"), &mark), RULE_MARK);
	cr_assert_str_eq(mark, "{{id}}");
	cr_assert_eq(rules_header(&view, SPAN_LITERAL("x-bar"), &mark), RULE_NONE);
}

/* ---- which apply ---- */

static const struct {
	const char *match, *line;
	bool applies;
} matches[] = {
	{"{}", "GET http://any/", true},
	{"{host: api.example.com}", "GET https://api.example.com/x", true},
	{"{host: API.example.com}", "GET https://api.example.com/x", true},
	{"{host: api.example.com}", "GET https://api.example.com:8443/x", true},
	{"{host: 'api.example.com:443'}", "GET https://api.example.com:8443/x", false},
	{"{host: 'api.example.com:8443'}", "GET https://api.example.com:8443/x", true},
	{"{host: api.example.com}", "GET https://api.example.com.evil/x", false},
	{"{host: '*.example.com'}", "GET https://a.b.example.com/x", true},
	{"{host: '*.example.com'}", "GET https://example.com/x", false},
	{"{host: '[::1]'}", "GET http://[::1]:80/x", true},
	{"{host: '[::1]'}", "GET http://[::1]/x", true},
	{"{host: [a, b]}", "GET http://b/", true},
	{"{host: [a, b], path: /x}", "GET http://b/", false},
	{"{path: /v1/*}", "GET http://b/v1/chat/completions", true},
	{"{path: /v1/*/x}", "GET http://b/v1/a/b/x", true},
	{"{path: /v?/}", "GET http://b/v1/", true},
	{"{path: /v1}", "GET http://b/v1/", false},
	{"{method: [PUT, POST]}", "POST http://b/", true},
	{"{method: GET}", "POST http://b/", false},
};

Test(rules, match)
{
	for (size_t i = 0; i < sizeof(matches) / sizeof(*matches); i++) {
		char *text;

		cr_assert_geq(asprintf(&text, "rules: [{match: %s}]\n", matches[i].match), 0);
		have(text);
		look_at(matches[i].line);
		cr_expect_eq(rules_applies(&view, 0), matches[i].applies, "%s: %s",
			matches[i].match, matches[i].line);
		free(text);
		end();
	}
}

Test(rules, providers_are_asked_for)
{
	have("rules:\n- {match: {provider: 'anth*'}, repeat: loop}\n"
	     "- {provider: anthropic, match: {host: a}}\n"
	     "- {provider: other}\n");
	look_at("POST https://a/");
	cr_assert_str_eq(rules_provider(&view), "anthropic");
	cr_assert_eq(rules_repeat(&view), RULE_REPEAT_LOOP);
	look_at("POST https://b/");
	cr_assert_str_eq(rules_provider(&view), "other");
	cr_assert_eq(rules_repeat(&view), RULE_REPEAT_DEFAULT);
}

/* The file added last comes first; in one rule, what keeps more. */
Test(rules, the_first_is_heard)
{
	const char *mark = NULL;

	have("rules: [{headers: {ignore: ['x-*'], exact: [x-a]}, json: {ignore: [$.*], exact: "
	     "[$.a]}}]");
	look_at("GET http://a/");
	cr_assert_eq(rules_header(&view, SPAN_LITERAL("x-a"), &mark), RULE_EXACT);
	cr_assert_eq(rules_header(&view, SPAN_LITERAL("x-b"), &mark), RULE_IGNORE);
	have("rules: [{match: {host: b}}, {headers: {mark: [x-a]}, json: {mark: {$.a: x}}}]");
	look_at("GET http://a/");
	cr_assert_eq(rules_header(&view, SPAN_LITERAL("x-a"), &mark), RULE_MARK);
	cr_assert_str_eq(mark, "{{value}}");
	cr_assert_str_eq(rules_source(rules, 0), "f.yaml:1");
}

Test(rules, queries)
{
	const char *mark = NULL;

	have("rules: [{query: {ignore: [ts], mark: {Cursor: id}}}]");
	look_at("GET http://a/");
	cr_assert_eq(rules_query(&view, SPAN_LITERAL("ts"), &mark), RULE_IGNORE);
	cr_assert_eq(rules_query(&view, SPAN_LITERAL("cursor"), &mark), RULE_NONE);
	cr_assert_eq(rules_query(&view, SPAN_LITERAL("Cursor"), &mark), RULE_MARK);
	cr_assert_str_eq(mark, "{{id}}");
}

/* A sink is asked by POST unless the rule says otherwise. */
Test(rules, sinks)
{
	have("rules: [{sink: true, match: {host: a}}, {sink: true, match: {host: b, method: GET}}]");
	look_at("POST http://a/x");
	cr_assert(rules_is_sink(&view));
	look_at("GET http://a/x");
	cr_assert_not(rules_is_sink(&view));
	look_at("GET http://b/x");
	cr_assert(rules_is_sink(&view));
	cr_assert(rules_is_sink_host(rules, SPAN_LITERAL("a")));
	cr_assert_not(rules_is_sink_host(rules, SPAN_LITERAL("c")));
}

Test(rules, none_apply_without_rules)
{
	struct rules_path path, next;
	const char *mark = NULL;
	size_t at, len;

	rules_view(NULL, SPAN_LITERAL("POST http://a/"), &view);
	path = rules_json_root(&view);
	cr_assert_eq(rules_header(&view, SPAN_LITERAL("a"), &mark), RULE_NONE);
	cr_assert_eq(rules_query(&view, SPAN_LITERAL("a"), &mark), RULE_NONE);
	cr_assert_eq(rules_json_step(&view, &path, SPAN_LITERAL("a"), 0, &next, &mark), RULE_NONE);
	cr_assert_not(rules_text(&view, SPAN_LITERAL("a"), 0, &at, &len, &mark));
	cr_assert_null(rules_provider(&view));
	cr_assert_null(rules_setting(NULL, "mode", 0));
}

/* ---- JSON paths ---- */

/* What a path says of a place: "a/b/3/c", where a number is an element. */
static enum rule_action walk(const char *place)
{
	struct rules_path path = rules_json_root(&view);
	enum rule_action action = RULE_NONE;
	const char *mark;

	while (*place) {
		size_t len = strcspn(place, "/");
		bool element = strspn(place, "0123456789") == len && len;
		struct span name = {element ? NULL : (const uint8_t *)place, element ? 0 : len};

		action = rules_json_step(&view, &path, name, (size_t)atoi(place), &path, &mark);
		place += len + (place[len] == '/');
	}
	return action;
}

static const struct {
	const char *path, *place;
	bool named;
} paths[] = {
	{"$.a", "a", true},
	{"$.a", "b", false},
	{"$.a", "a/a", false},
	{"$.a.b[*].c", "a/b/0/c", true},
	{"$.a.b[*].c", "a/b/7/c", true},
	{"$.a.b[*].c", "a/b/c", false},
	{"$.a[2]", "a/2", true},
	{"$.a[2]", "a/1", false},
	{"$[\"odd key.\"].x", "odd key./x", true},
	{"$['a']", "a", true},
	{"$[0].a", "0/a", true},
	{"$.*", "a", true},
	{"$.*", "0", true},
	{"$..id", "id", true},
	{"$..id", "a/b/0/id", true},
	{"$..id", "id/id", true},
	{"$..id", "id/x", false},
	{"$.a..id", "id", false},
	{"$.a..id", "a/b/id", true},
	{"$..a.b", "x/a/b", true},
	{"$..a.b", "a/a/b", true},
	{"$..a.b", "a/x/b", false},
	{"$..[1]", "a/1", true},
	{"$..*", "a/b", true},
	{"$.a..b..c", "a/x/b/y/c", true},
	{"$.a..b..c", "a/x/c", false},
	{"$.x-codex-turn-metadata.$id", "x-codex-turn-metadata/$id", true},
};

Test(rules, json_paths)
{
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		char *text;

		cr_assert_geq(
			asprintf(&text, "rules:\n- json:\n    ignore:\n    - %s\n", paths[i].path),
			0);
		have(text);
		look_at("POST http://a/");
		cr_expect_eq(walk(paths[i].place), paths[i].named ? RULE_IGNORE : RULE_NONE,
			"%s: %s", paths[i].path, paths[i].place);
		free(text);
		end();
	}
}

Test(rules, paths_of_rules_that_do_not_apply)
{
	have("rules:\n- {match: {host: b}, json: {ignore: [$.a]}}\n- {json: {exact: [$.b]}}\n");
	look_at("POST http://a/");
	cr_assert_eq(walk("a"), RULE_NONE);
	cr_assert_eq(walk("b"), RULE_EXACT);
}

/* In one rule it is stronger than all that would take its elements away. */
Test(rules, unordered_paths)
{
	have("rules:\n- json: {unordered: [$.a, $.b, $.d, $.f], exact: [$.b], mark: [$.d, $.e]}\n"
	     "- json: {unordered: [$.c, $.e], ignore: [$.f]}\n");
	look_at("POST http://a/");
	cr_assert_eq(walk("a"), RULE_UNORDERED);
	cr_assert_eq(walk("a/0"), RULE_NONE);
	cr_assert_eq(walk("b"), RULE_EXACT);
	cr_assert_eq(walk("c"), RULE_UNORDERED);
	cr_assert_eq(walk("d"), RULE_UNORDERED);
	cr_assert_eq(walk("e"), RULE_MARK);
	cr_assert_eq(walk("f"), RULE_UNORDERED);
}

/* More than one word of bits, and an end to it. */
Test(rules, many_paths)
{
	struct buffer text = BUFFER(1 << 20);

	cr_assert_eq(buffer_printf(&text, "rules:\n- json:\n    ignore:\n"), 0);
	for (int i = 0; i < RULES_STATES_MAX / 2; i++)
		cr_assert_eq(buffer_printf(&text, "    - $.a%d.b\n", i), 0);
	cr_assert_eq(rules_new_empty(&rules), 0);
	cr_assert_eq(rules_add(rules, "f", (struct span){text.data, text.len}, &error), 0, "%s",
		error.message);
	look_at("POST http://a/");
	cr_assert_eq(walk("a511/b"), RULE_IGNORE);
	cr_assert_eq(walk("a511/a"), RULE_NONE);
	cr_assert_eq(add("rules: [{json: {ignore: [$.a]}}]"), -EINVAL);
	cr_assert(strstr(error.message, "more JSON paths"));
	buffer_free(&text);
}

/* ---- regular expressions ---- */

/* `text` with every match replaced by its mark. */
static void check_text(const char *text, const char *expected)
{
	struct buffer out = BUFFER(1 << 20);
	struct span s = span_of(text);
	size_t from = 0, at, len;
	const char *mark;

	while (rules_text(&view, s, from, &at, &len, &mark)) {
		cr_assert_geq(at, from);
		cr_assert_gt(len, 0);
		cr_assert_eq(buffer_append(&out, text + from, at - from), 0);
		cr_assert_eq(buffer_append(&out, mark, strlen(mark)), 0);
		from = at + len;
	}
	cr_assert_eq(buffer_append(&out, text + from, s.len - from + 1), 0);
	cr_expect_str_eq((const char *)out.data, expected);
	buffer_free(&out);
}

Test(rules, texts)
{
	have("rules:\n- text:\n"
	     "  - {pattern: 'run-[0-9]+', mark: run}\n"
	     "  - {pattern: 'Chunk (?<value>[a-f]+)(?= end)', mark: id}\n"
	     "  - {pattern: 'x(?<value>y)?'}\n"
	     "  - {pattern: 'z*', mark: z}\n");
	look_at("POST http://a/");
	cr_assert(rules_has_text(&view));
	check_text("run-1, run-22 and run-", "{{run}}, {{run}} and run-");
	check_text("Chunk abc end, Chunk abc", "Chunk {{id}} end, Chunk abc");
	check_text("x xy run-1", "x x{{value}} {{run}}");
	check_text("azzb", "a{{z}}b");
	check_text("", "");
}

Test(rules, sorted_texts)
{
	const struct span text = SPAN_LITERAL("<b> <a> [c] <d>");
	const void *set, *first;
	size_t at, len;

	have("rules:\n- text:\n"
	     "  - {pattern: '<(?<value>[a-z])>', sort: true}\n"
	     "  - {pattern: '\\[.\\]', sort: true}\n"
	     "  - {pattern: '[a-c]', mark: x, sort: false}\n");
	look_at("POST http://a/");
	cr_assert(rules_has_sorted_text(&view));
	check_text("<b>", "<{{x}}>");
	cr_assert(rules_sorted_text(&view, text, 0, &at, &len, &first));
	cr_assert(at == 1 && len == 1);
	cr_assert(rules_sorted_text(&view, text, 2, &at, &len, &set));
	cr_assert(at == 5 && len == 1 && set == first);
	cr_assert(rules_sorted_text(&view, text, 6, &at, &len, &set));
	cr_assert(at == 8 && len == 3 && set != first);
	cr_assert(rules_sorted_text(&view, text, 11, &at, &len, &set));
	cr_assert_not(rules_sorted_text(&view, text, 14, &at, &len, &set));
	end();
	have("rules: [{text: [{pattern: a}]}, {match: {host: b}, text: [{pattern: a, sort: true}]}]");
	look_at("POST http://a/");
	cr_assert_not(rules_has_sorted_text(&view));
	cr_assert_not(rules_sorted_text(&view, text, 0, &at, &len, &set));
	look_at("POST http://b/");
	cr_assert(rules_sorted_text(&view, text, 0, &at, &len, &set));
}

Test(rules, texts_far_away)
{
	char *text = malloc(100001);

	memset(text, '-', 100000);
	strcpy(text + 99990, "run-7 end.");
	have("rules: [{text: [{pattern: never}, {pattern: 'run-[0-9]', mark: run}]}]");
	look_at("POST http://a/");
	{
		size_t at, len;
		const char *mark;

		cr_assert(rules_text(&view, span_of(text), 0, &at, &len, &mark));
		cr_assert_eq(at, 99990);
		cr_assert_eq(len, 5);
		cr_assert_not(rules_text(&view, span_of(text), at + len, &at, &len, &mark));
	}
	free(text);
}

/* Bytes are matched, characters are marked. */
Test(rules, texts_keep_utf8_whole)
{
	have("rules: [{text: [{pattern: 'a.', mark: x}, {pattern: '\\xa9', mark: y}]}]");
	look_at("POST http://a/");
	check_text("a\xc3\xa9 \xe2\x82\xa9", "{{x}} {{y}}");
}

/* Without a limit this takes longer than anybody waits. */
Test(rules, no_pattern_hangs, .timeout = 60)
{
	char text[4096];

	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	have("rules: [{text: [{pattern: '(a+)+$b'}, {pattern: '^(a|aa)+$c'}]}]");
	look_at("POST http://a/");
	check_text(text, text);
	have("rules: [{text: [{pattern: '((a{0,5}){0,5}){0,5}[c]'}]}]");
	look_at("POST http://a/");
	check_text(text, text);
}

/* ---- settings ---- */

Test(rules, settings)
{
	have("replay: {mode: warn, live: [host=a, kind=llm], set: {llm.model: m, x: y}}\n");
	cr_assert_str_eq(rules_setting(rules, "mode", 0), "warn");
	cr_assert_null(rules_setting(rules, "mode", 1));
	cr_assert_null(rules_setting(rules, "on_missing", 0));
	cr_assert_str_eq(rules_setting(rules, "live", 1), "kind=llm");
	cr_assert_str_eq(rules_setting(rules, "set", 0), "llm.model=m");
	cr_assert_str_eq(rules_setting(rules, "set", 1), "x=y");
	cr_assert_str_eq(rules_setting_at(rules, "live", 1), "f.yaml:1:37");
	have("replay: {mode: strict, live: host=b, on_missing: live}\n");
	cr_assert_str_eq(rules_setting(rules, "mode", 0), "strict");
	cr_assert_str_eq(rules_setting(rules, "live", 0), "host=b");
	cr_assert_str_eq(rules_setting(rules, "live", 1), "host=a");
	cr_assert_str_eq(rules_setting(rules, "on_missing", 0), "live");
}

/* ---- built in ---- */

#define FOLDER TEST_DATA "/../replay/rules"

/* Each file of the folder alone, and every one is in the program. */
Test(rules, built_in_files)
{
	DIR *dir = opendir(FOLDER);
	struct dirent *entry;
	size_t count = 0;

	cr_assert_not_null(dir);
	while ((entry = readdir(dir))) {
		char path[PATH_MAX];

		if (!strstr(entry->d_name, ".yaml"))
			continue;
		snprintf(path, sizeof(path), FOLDER "/%s", entry->d_name);
		cr_assert_eq(rules_new_empty(&rules), 0);
		cr_assert_eq(rules_add_file(rules, path, &error), 0, "%s", error.message);
		count += rules_count(rules);
		end();
	}
	closedir(dir);
	cr_assert_eq(rules_new(&rules), 0);
	cr_assert_eq(rules_count(rules), count);
	for (size_t i = 0; i < count; i++) {
		cr_assert_not_null(rules_name(rules, i), "%s", rules_source(rules, i));
		cr_assert_eq(strncmp(rules_source(rules, i), "built-in ", 9), 0);
	}
}

static const struct {
	const char *line;
	bool sink;
} addresses[] = {
	{"POST https://api.anthropic.com/api/event_logging/v2/batch", true},
	{"POST https://api.anthropic.com/api/eval/sdk-zAZezfDKGoZuXXKe", true},
	{"POST https://api.anthropic.com/v1/messages", false},
	{"GET https://api.anthropic.com/api/event_logging/v2/batch", false},
	{"POST https://api.anthropic.com.evil.example/api/event_logging/v2/batch", false},
	{"POST https://play.googleapis.com/log", true},
	{"POST https://play.googleapis.com:443/log", true},
	{"POST https://ab.chatgpt.com/otlp/v1/metrics", true},
	{"POST http://localhost:4318/v1/traces", true},
	{"POST https://example.com/api/public/otel/v1/traces", true},
	{"POST https://example.com/api/v1/logs", false},
	{"POST http://collector/opentelemetry.proto.collector.trace.v1.TraceService/Export", true},
	{"POST https://o1.ingest.us.sentry.io/api/2/envelope/", true},
	{"POST https://mcp.sentry.dev/mcp", false},
	{"POST https://http-intake.logs.us5.datadoghq.com/api/v2/logs", true},
	{"POST https://browser-intake-us5-datadoghq.com/api/v2/logs", true},
	{"POST https://api.datadoghq.com/mcp", false},
	{"POST https://chatgpt.com/backend-api/codex/responses", false},
	{"POST https://", false},
	{"", false},
};

Test(rules, built_in_sinks)
{
	cr_assert_eq(rules_new(&rules), 0);
	for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++) {
		look_at(addresses[i].line);
		cr_expect_eq(rules_is_sink(&view), addresses[i].sink, "%s", addresses[i].line);
	}
	cr_assert(rules_is_sink_host(rules, SPAN_LITERAL("o1.ingest.us.sentry.io")));
	cr_assert(rules_is_sink_host(rules, SPAN_LITERAL("events.statsig.com")));
	cr_assert_not(rules_is_sink_host(rules, SPAN_LITERAL("statsig.com")));
	cr_assert_not(rules_is_sink_host(rules, SPAN_LITERAL("api.anthropic.com")));
	cr_assert_not(rules_is_sink_host(rules, SPAN_LITERAL("")));
}

static const struct {
	const char *line, *provider;
} providers[] = {
	{"POST https://api.openai.com/v1/chat/completions", "openai"},
	{"POST http://localhost:8080/v1/chat/completions", "openai"},
	{"POST https://x.openai.azure.com/openai/deployments/d/chat/completions", "azure"},
	{"POST https://api.anthropic.com/v1/messages", "anthropic"},
	{"POST http://127.0.0.1:9/v1/messages/count_tokens", "anthropic"},
	{"POST https://generativelanguage.googleapis.com/v1beta/models/g:generateContent",
		"gemini"},
	{"POST https://europe-west1-aiplatform.googleapis.com/v1/projects/p/locations/l/publishers/"
	 "google/models/m:streamGenerateContent",
		"vertex"},
	{"POST https://bedrock-runtime.us-east-1.amazonaws.com/model/m/converse", "bedrock"},
	{"POST http://localhost:11434/api/chat", "ollama"},
	{"POST https://mcp.example.com/mcp", "mcp"},
	{"GET https://example.com/", NULL},
};

Test(rules, built_in_providers)
{
	cr_assert_eq(rules_new(&rules), 0);
	for (size_t i = 0; i < sizeof(providers) / sizeof(*providers); i++) {
		const char *p;

		look_at(providers[i].line);
		p = rules_provider(&view);
		cr_expect(p && providers[i].provider ? strcmp(p, providers[i].provider) == 0
						     : p == providers[i].provider,
			"%s: %s", providers[i].line, p ? p : "(none)");
	}
}

/* What says which answer is meant is left alone. */
Test(rules, built_in_rules_keep_what_means_something)
{
	static const char *const places[] = {"messages/0/content", "messages/0/content/0/text",
		"messages/0/content/0/tool_use_id", "messages/1/tool_call_id", "model",
		"tools/0/name", "input/0/call_id", "input/0/content/0/text", "previous_response_id",
		"temperature", "system/0/text", "contents/0/parts/0/text", "tools", "input", "id"};

	cr_assert_eq(rules_new(&rules), 0);
	for (size_t i = 0; i < sizeof(providers) / sizeof(*providers); i++) {
		look_at(providers[i].line);
		for (size_t k = 0; k < sizeof(places) / sizeof(*places); k++) {
			enum rule_action action = walk(places[k]);

			cr_expect(action == RULE_NONE || action == RULE_EXACT, "%s: %s",
				providers[i].line, places[k]);
		}
	}
}

Test(rules, built_in_texts)
{
	cr_assert_eq(rules_new(&rules), 0);
	look_at("POST https://api.anthropic.com/v1/messages");
	check_text("cc_version=2.1; cch=0ab3f;", "cc_version=2.1; cch={{checksum}};");
	look_at("POST https://api.openai.com/v1/responses");
	check_text("Chunk ID: 0ab3f\nWall time: 0.0521 seconds\nOutput:",
		"Chunk ID: {{id}}\nWall time: {{duration}} seconds\nOutput:");
	look_at("POST https://generativelanguage.googleapis.com/v1beta/models/g:generateContent");
	check_text("run_shell_command_1795272799123_0 Process Group PGID: 4711",
		"run_shell_command_{{time}}_0 Process Group PGID: {{pid}}");
	check_text("the shell command of 1795272799123", "the shell command of 1795272799123");
}
