/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/shapes.h"

#include <criterion/criterion.h>
#include <string.h>
#include "replay/canon_private.h"

static struct canon_normal plain; /* nothing known but how values are spelled */

static void check(const char *text, enum shape_context context, const char *expected)
{
	struct buffer out = BUFFER(1 << 20);

	cr_assert_eq(canon_normal_text(&plain, span_of(text), context, false, &out), 0);
	cr_assert(span_equal((struct span){out.data, out.len}, span_of(expected)),
		"%s:\n got: %.*s\nwant: %s", text, (int)out.len, (const char *)out.data, expected);
	buffer_free(&out);
}

static const struct {
	const char *text, *normal;
} everywhere[] = {
	/* UUIDs */
	{"01a1fe99-466d-72d0-bb2d-eaf45bed72e4", "{{uuid}}"},
	{"01A1FE99-466D-72D0-BB2D-EAF45BED72E4:0", "{{uuid}}:0"},
	{"/home/u/sessions/bc78ef82-88ab-43dc-a5d9-bfe0c969adcd.jsonl",
		"/home/u/sessions/{{uuid}}.jsonl"},
	{"user_a_session_bc78ef82-88ab-43dc-a5d9-bfe0c969adcd", "user_a_session_{{uuid}}"},
	{"bc78ef82-88ab-43dc-a5d9-bfe0c969adc", "bc78ef82-88ab-43dc-a5d9-bfe0c969adc"},
	{"bc78ef82-88ab-43dc-a5d9-bfe0c969adcdx", "bc78ef82-88ab-43dc-a5d9-bfe0c969adcdx"},
	{"bc78ef82-88ab-43dc-a5d9+bfe0c969adcd", "bc78ef82-88ab-43dc-a5d9+bfe0c969adcd"},
	/* hexadecimal */
	{"42b71817bc152e3650418ea68e273b3effaa8e8894c74c3bc3c21ece37e92172", "{{hex}}"},
	{"3cb749cc029b73d0d100a824157f6ce3-f119b0e6b6edb1ef-1", "{{hex}}-{{hex}}-1"},
	{"trace_f119b0e6b6edb1ef", "{{id}}"},
	{"f119b0e6b6edb1e", "f119b0e6b6edb1e"},
	{"seed-8ac507aa1c00", "seed-8ac507aa1c00"},
	{"deadbeefdeadbeefdeadbeef", "deadbeefdeadbeefdeadbeef"},
	{"4111111111111111", "4111111111111111"},
	{"f119b0e6b6edb1efg", "f119b0e6b6edb1efg"},
	/* ids */
	{"ses_e01655864ffeLm09e1Mlo5jZgW", "{{id}}"},
	{"toolu_01A09q90qw90lq917835lq9", "{{id}}"},
	{"call_AbCdEfGhIjKlMnOpQrStUvWx", "{{id}}"},
	{"chatcmpl-9sKq2LmN4pQrStUvWxYz", "{{id}}"},
	{"session_01JX8Z3K4M5N6P7Q8R9S", "{{id}}"},
	{"call_internationalization", "call_internationalization"},
	{"get_user2factorauthentication", "get_user2factorauthentication"},
	{"toolu_01A09q", "toolu_01A09q"},
	{"exec_command", "exec_command"},
	/* times */
	{"2026-11-21T14:49:15Z", "{{time}}"},
	{"2026-11-21T14:49:15.123456+01:00 x", "{{time}} x"},
	{"2026-11-21 14:49:15,123", "{{time}}"},
	{"rollout-2026-11-21T14-49-15-bc78ef82-88ab-43dc-a5d9-bfe0c969adcd.jsonl",
		"rollout-{{time}}-{{uuid}}.jsonl"},
	{"20261121T144915Z", "{{time}}"},
	{"Sat, 21 Nov 2026 14:49:15 GMT", "{{time}}"},
	{"Sat Nov 21 2026 14:49:15 GMT+0100 (Central European Standard Time)", "{{time}}"},
	{"Sat Nov 21 14:49:15 UTC 2026", "{{time}}"},
	{"11/21/2026, 2:49:15 PM", "{{time}}"},
	{"11/21/2026, 2:49:15\xe2\x80\xafPM", "{{time}}"},
	{"1795272799", "{{time}}"},
	{"1795272799.123", "{{time}}"},
	{"1795272799123", "{{time}}"},
	{"1795272799123456789", "{{time}}"},
	{"2026-13-21T14:49:15Z", "2026-13-21T14:49:15Z"},
	{"179527279", "179527279"},
	{"9795272799", "9795272799"},
	{"a1795272799", "a1795272799"},
	/* temporary names */
	{"/tmp/build-x7Gh2k/out", "{{tmp}}/out"},
	{"/tmp/tmp.wfjwozyLrt/out", "{{tmp}}/out"}, /* of mktemp(1), by chance without a digit */
	{"/tmp/tmp.wfjwozyLr/out", "/tmp/tmp.wfjwozyLr/out"},
	{"see /tmp/tmpk3j2x9a_.", "see {{tmp}}"},
	{"/var/tmp/a.QwErTy.txt:3", "{{tmp}}:3"},
	{"/tmp/project/out", "/tmp/project/out"},
	{"/home/u/build-x7Gh2k", "/home/u/build-x7Gh2k"},
	{"/tmp/", "/tmp/"},
	/* nothing */
	{"", ""},
	{"claude-sonnet-4-5-20250929", "claude-sonnet-4-5-20250929"},
	{"gpt-4o-2024-08-06", "gpt-4o-2024-08-06"},
	{"oauth-2025-04-20,files-api-2025-04-14", "oauth-2025-04-20,files-api-2025-04-14"},
	{"sdk-zAZezfDKGoZuXXKe", "sdk-zAZezfDKGoZuXXKe"},
	{"max_tokens: 32000, 42 of 64", "max_tokens: 32000, 42 of 64"},
	{"text/event-stream; q=0.9", "text/event-stream; q=0.9"},
};

Test(shapes, everywhere)
{
	for (size_t i = 0; i < sizeof(everywhere) / sizeof(*everywhere); i++) {
		check(everywhere[i].text, SHAPES_HEADER, everywhere[i].normal);
		check(everywhere[i].text, SHAPES_TEXT, everywhere[i].normal);
	}
}

static const struct {
	const char *text, *normal;
} in_text[] = {
	{"Today is Saturday, November 21, 2026.", "Today is {{date}}."},
	{"Today's date: 2026-11-21", "Today's date: {{date}}"},
	{"Sat Nov 21 2026", "{{date}}"},
	{"Saturday, 21 November 2026", "{{date}}"},
	{"November 21st, 2026", "{{date}}"},
	{"The month is November 2026", "The month is {{date}}"},
	{"[21/Nov/2026:14:49:15 +0000] GET", "[{{time}}] GET"},
	{"11/21/2026", "{{date}}"},
	{"-rw-r--r-- 1 root root 12 Nov 21 14:49 a", "-rw-r--r-- 1 root root 12 {{date}} a"},
	{"at 14:49:15 UTC", "at {{time}}"},
	{"at 2:49 PM", "at {{time}}"},
	{"x; cch=e142f; y", "x; cch={{checksum}}; y"},
	{"Chunk ID: 3fa9c1\nWall time: 0.0512 seconds",
		"Chunk ID: {{id}}\nWall time: {{duration}} seconds"},
	{"Process Group PGID: 1234", "Process Group PGID: {{pid}}"},
	{"cch=hello", "cch=hello"},
	{"May I march in 2026? Sat down. Second 3.", "May I march in 2026? Sat down. Second 3."},
	{"16:9, 3:4:5, 00:11:22:33:44:55", "16:9, 3:4:5, 00:11:22:33:44:55"},
	{"2026-21-11", "2026-21-11"},
	{"1/2/3", "1/2/3"},
	{"model-2026-11-21", "model-2026-11-21"},
	{"Marching 21 2026", "Marching 21 2026"},
};

Test(shapes, in_text)
{
	for (size_t i = 0; i < sizeof(in_text) / sizeof(*in_text); i++)
		check(in_text[i].text, SHAPES_TEXT, in_text[i].normal);
}

/* "anthropic-version: 2023-06-01", "?api-version=2024-10-21": another version is another call. */
Test(shapes, a_date_in_a_header_is_a_version)
{
	check("2023-06-01", SHAPES_HEADER, "2023-06-01");
	check("November 2026", SHAPES_HEADER, "November 2026");
}

/* A run on the 21st of November 2026 from 10:00 to 10:05, in no zone anybody knows. */
static const struct {
	const char *text;
	bool inside;
} in_window[] = {
	{"2026-11-21", true},
	{"2026-11-20", true},
	{"2026-11-22", true},
	{"2026-11-24", false},
	{"2026-11-21T23:59:59+14:00", true},
	{"2025-11-21T10:00:00Z", false},
	{"November 2026", true},
	{"October 2026", false},
	{"Nov 21 10:02", true},
	{"Nov 10 10:02", false},
	{"11/21/2026", true},
	{"21/11/2026", true},
	{"3/4/2026", false},
	{"10:04:11", true},
	{"12:34 PM", true}, /* half an hour east */
	{"10:10 AM", false},
	{"1795255200", true},
	{"1795255200123", true},
	{"1705255200", false},
};

Test(shapes, times_of_a_run)
{
	static const struct shape_window window = {1795255200, 1795255500};

	for (size_t i = 0; i < sizeof(in_window) / sizeof(*in_window); i++) {
		struct span text = span_of(in_window[i].text);
		const char *mark = "";

		cr_expect_eq(shapes_match_in(text, 0, SHAPES_TEXT, &window, &mark), text.len, "%s",
			in_window[i].text);
		cr_expect_eq(mark != NULL, in_window[i].inside, "%s", in_window[i].text);
	}
}

Test(shapes, a_long_text_takes_its_length)
{
	static const char *const hard[] = {"a", "0", "f0", "/tmp/", "a_", "Nov ", "2026-", "-"};
	size_t len = 4u << 20;
	uint8_t *text = malloc(len);

	for (size_t i = 0; i < sizeof(hard) / sizeof(*hard); i++) {
		struct buffer out = BUFFER(2 * len);

		for (size_t at = 0; at < len; at++)
			text[at] = (uint8_t)hard[i][at % strlen(hard[i])];
		cr_assert_eq(canon_normal_text(
				     &plain, (struct span){text, len}, SHAPES_TEXT, false, &out),
			0);
		buffer_free(&out);
	}
	free(text);
}
