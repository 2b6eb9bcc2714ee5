/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/origins.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct origins *known;

static void setup(void)
{
	known = origins_new();
}

static void teardown(void)
{
	origins_free(known);
}

TestSuite(origins, .init = setup, .fini = teardown);

static void add(enum origin_kind kind, const char *value)
{
	cr_assert_eq(origins_add(known, kind, span_of(value)), 0);
}

typedef size_t (*finder)(const struct origins *, struct span, size_t, const char **);

/* The text with its first value in brackets and that value's mark after it; "": none. */
static const char *shown(finder find, const char *text)
{
	static char out[512];
	const char *mark = "";

	for (size_t at = 0; text[at]; at++) {
		size_t len = find(known, span_of(text), at, &mark);

		if (!len)
			continue;
		snprintf(out, sizeof(out), "%.*s[%.*s]%s%s", (int)at, text, (int)len, text + at,
			text + at + len, mark);
		return out;
	}
	return "";
}

/* ---- paths ---- */

static void is_path(const char *text, const char *expected)
{
	cr_expect_str_eq(
		shown(origins_path, text), expected, "'%s': '%s'", text, shown(origins_path, text));
}

Test(origins, paths_in_text)
{
	add(ORIGIN_FOLDER, "/home/me/proj");
	add(ORIGIN_HOME, "/home/me/");
	add(ORIGIN_TEMPORARY, "/tmp/x7");
	is_path("in /home/me/proj.", "in [/home/me/proj].{{cwd}}");
	is_path("file:///home/me/proj/a.c", "file://[/home/me/proj]/a.c{{cwd}}");
	is_path("\"/home/me/.config\"", "\"[/home/me]/.config\"{{home}}");
	is_path("/home/me", "[/home/me]{{home}}");
	is_path("cat /tmp/x7/y", "cat [/tmp/x7]/y{{tmp}}");
	is_path("/home/me/project", "[/home/me]/project{{home}}");
	is_path("/home/me/proj-2", "[/home/me]/proj-2{{home}}");
	is_path("/home/me/proj.old/x", "[/home/me]/proj.old/x{{home}}");
	is_path("/home/mercury", "");
	is_path("/home/me\xc3\xa9", "");
	is_path("../home/me", "");
	is_path("~/home/me", "");
	is_path("/tmp/x71", "");
}

Test(origins, paths_as_slugs_and_in_urls)
{
	add(ORIGIN_FOLDER, "/home/me/my_proj");
	is_path("projects/-home-me-my-proj/1", "projects/[-home-me-my-proj]/1{{cwd}}");
	is_path("projects/-home-me-my_proj", "projects/[-home-me-my_proj]{{cwd}}");
	is_path("--home-me-my_proj--", "-[-home-me-my_proj]--{{cwd}}");
	is_path("home-me-my_proj", "[home-me-my_proj]{{cwd}}");
	is_path("-home-me-my_project", "");
	is_path("?f=%2Fhome%2Fme%2Fmy_proj%2Fa", "?f=[%2Fhome%2Fme%2Fmy_proj]%2Fa{{cwd}}");
	is_path("?f=%2fhome%2fme%2fmy_proj", "?f=[%2fhome%2fme%2fmy_proj]{{cwd}}");
}

Test(origins, a_working_directory_that_is_home)
{
	add(ORIGIN_FOLDER, "/home/me");
	add(ORIGIN_HOME, "/home/me");
	is_path("cwd: /home/me", "cwd: [/home/me]{{cwd}}");
	is_path("/home/me/.cache", "[/home/me]/.cache{{home}}");
	cr_expect(origins_kinds(known, span_of("/home/me")) & 1 << ORIGIN_FOLDER);
	cr_expect(origins_kinds(known, span_of("/home/me")) & 1 << ORIGIN_HOME);
}

Test(origins, paths_that_say_too_little)
{
	add(ORIGIN_FOLDER, "/");
	add(ORIGIN_HOME, "");
	add(ORIGIN_HOME, "relative");
	is_path("/ /etc relative", "");
	add(ORIGIN_FOLDER, "/app");
	is_path("/app/x /application", "[/app]/x /application{{cwd}}");
}

/* ---- draws ---- */

static const uint8_t sixteen[16] = {0x3f, 0x2a, 0x9c, 0x1d, 0x88, 0x01, 0xf7, 0x20, 0x0b, 0x55,
	0xe1, 0x9a, 0x4c, 0x6d, 0x77, 0xfe};

static void draw(const void *bytes, size_t len)
{
	cr_assert_eq(origins_add_draw(known, (struct span){bytes, len}), 0);
}

static void is_drawn(const char *text, const char *expected)
{
	cr_expect_str_eq(shown(origins_drawn, text), expected, "'%s': '%s'", text,
		shown(origins_drawn, text));
}

Test(origins, draws_in_hexadecimal)
{
	draw(sixteen, 4);
	draw(sixteen, 16);
	is_drawn("run 3f2a9c1d!", "run [3f2a9c1d]!{{random}}");
	is_drawn("RUN 3F2A9C1D", "RUN [3F2A9C1D]{{random}}");
	is_drawn(
		"3f2a9c1d8801f7200b55e19a4c6d77fe", "[3f2a9c1d8801f7200b55e19a4c6d77fe]{{random}}");
	/* Its beginning: uuid4().hex[:12]. */
	is_drawn("id_3f2a9c1d8801", "id_[3f2a9c1d8801]{{random}}");
	is_drawn("3f2a9c1d88", "[3f2a9c1d88]{{random}}");
	is_drawn("3f2a9c1dxy", "");
	is_drawn("3f2a9c1", "");
	is_drawn("3f2a9c1e", "");
	is_drawn("3f2a9c1d8801f7200b55e19a4c6d77fe00", "");
}

Test(origins, draws_as_uuids)
{
	draw(sixteen, 16);
	is_drawn("\"3f2a9c1d-8801-4720-8b55-e19a4c6d77fe\"",
		"\"[3f2a9c1d-8801-4720-8b55-e19a4c6d77fe]\"{{random}}");
	is_drawn(
		"3f2a9c1d880147208b55e19a4c6d77fe", "[3f2a9c1d880147208b55e19a4c6d77fe]{{random}}");
	is_drawn("3f2a9c1d-8801-4720-8b55-e19a4c6d77ff",
		"[3f2a9c1d]-8801-4720-8b55-e19a4c6d77ff{{random}}");
	is_drawn("4f2a9c1d-8801-4720-8b55-e19a4c6d77fe", "");
}

Test(origins, draws_in_base64)
{
	draw("\x93\xb8\x3b\x9b\xe1\x27\xac\x2d\xe2", 9);
	draw("\x13\xb8\x3b\x9b\xe1\x27\xac\x2d\xe2\xff", 10);
	is_drawn("k7g7m-EnrC3i", "[k7g7m-EnrC3i]{{random}}");
	is_drawn("k=k7g7m+EnrC3i;", "k=[k7g7m+EnrC3i];{{random}}");
	is_drawn("k7g7m+EnrC3ix", "");
	is_drawn("E7g7m+EnrC3i/w==", "[E7g7m+EnrC3i/w==]{{random}}");
	is_drawn("E7g7m-EnrC3i_w", "[E7g7m-EnrC3i_w]{{random}}");
}

Test(origins, draws_in_decimal_and_raw)
{
	draw("\x72\xed\x1f\x7a\x5c\x04\xfb\x48", 8);
	draw("\x96\x49\x02\xd2", 4);
	is_drawn("n=8281309900194511688", "n=[8281309900194511688]{{random}}");
	is_drawn("n=5258801785117601138.", "n=[5258801785117601138].{{random}}");
	is_drawn("2521367250", "[2521367250]{{random}}");
	is_drawn("3523365270", "[3523365270]{{random}}");
	is_drawn("25213672501", "");
	is_drawn("a\x72\xed\x1f\x7a\x5c\x04\xfb\x48z",
		"a[\x72\xed\x1f\x7a\x5c\x04\xfb\x48]z{{random}}");
}

Test(origins, pools_are_cut_into_pieces)
{
	uint8_t pool[256];

	for (size_t i = 0; i < sizeof(pool); i++)
		pool[i] = (uint8_t)(i * 37 + 11);
	draw(pool, sizeof(pool));
	/* The second piece: bytes 16 … 31. */
	is_drawn(
		"5b80a5caef14395e83a8cdf2173c6186", "[5b80a5caef14395e83a8cdf2173c6186]{{random}}");
}

Test(origins, what_says_too_little_is_no_draw)
{
	draw("\x01\x02\x03", 3);
	draw("\0\0\0\0\0\0\0\0", 8);
	cr_expect_not(origins_has_draws(known));
	is_drawn("00000000 0000000000000000", "");
}

Test(origins, the_oldest_draws_are_dropped)
{
	for (uint32_t i = 1; i <= 65537; i++) {
		uint32_t bytes[2] = {i, ~i};

		draw(bytes, sizeof(bytes));
	}
	is_drawn("01000000feffffff", "");
	is_drawn("02000000fdffffff", "[02000000fdffffff]{{random}}");
	is_drawn("01000100fefffeff", "[01000100fefffeff]{{random}}");
}

Test(origins, words_that_were_recorded)
{
	add(ORIGIN_RANDOM, "3f2a9c1d");
	add(ORIGIN_RANDOM, "k7g7m+EnrC3i==");
	add(ORIGIN_RANDOM, "short");
	is_drawn("run 3f2a9c1d.", "run [3f2a9c1d].{{random}}");
	is_drawn("3f2a9c1d8", "");
	is_drawn("k7g7m+EnrC3i==/x", "[k7g7m+EnrC3i==]/x{{random}}");
	is_drawn("short", "");
}

static int count(void *context, struct span value)
{
	(*(int *)context)++;
	return 0;
}

Test(origins, a_text_is_searched)
{
	struct span text =
		SPAN_LITERAL("{\"a\":\"3f2a9c1d\",\"b\":\"x3f2a9c1d\",\"c\":\"3f2a9c1d\"}");
	struct span raw = SPAN_LITERAL("\0x\x3f\x2a\x9c\x1d\x88\x01\xf7\x20");
	int found = 0;

	draw(sixteen, 4);
	draw(sixteen, 8);
	cr_assert_eq(origins_search(known, text, count, &found), 0);
	cr_expect_eq(found, 1, "%d", found);
	cr_assert_eq(origins_search(known, raw, count, &found), 0);
	cr_expect_eq(found, 2, "%d", found);
}

Test(origins, what_is_searched_may_be_escaped)
{
	int found = 0;

	draw(sixteen, 4);
	draw("\x13\xb8\x3b\x9b\xe1\x27\xac\x2d\xe2\xff", 10);
	origins_search(known, SPAN_LITERAL("\"line\\n3f2a9c1d\\n\""), count, &found);
	cr_expect_eq(found, 1, "%d", found);
	origins_search(known, SPAN_LITERAL("query k=E7g7m%2BEnrC3i%2Fw%3D%3D"), count, &found);
	cr_expect_eq(found, 2, "%d", found);
	/* Known by now. */
	origins_search(known, SPAN_LITERAL("3f2a9c1d"), count, &found);
	cr_expect_eq(found, 2, "%d", found);
}

/* ---- for comparing ---- */

static bool is_kind(const char *word, enum origin_kind kind)
{
	return origins_kinds(known, span_of(word)) == 1u << kind;
}

Test(origins, names_and_numbers)
{
	add(ORIGIN_PID, "7 4711 32768");
	add(ORIGIN_USER, "me");
	add(ORIGIN_HOST, "box.example.com");
	add(ORIGIN_FOLDER, "/srv/work/deep/proj");
	cr_expect(is_kind("4711", ORIGIN_PID));
	cr_expect(is_kind("32768", ORIGIN_PID));
	cr_expect_eq(origins_kinds(known, span_of("7")), 0);
	cr_expect_eq(origins_kinds(known, span_of("471")), 0);
	cr_expect(is_kind("me", ORIGIN_USER));
	cr_expect(is_kind("box", ORIGIN_HOST));
	cr_expect(is_kind("box.example.com", ORIGIN_HOST));
	cr_expect(is_kind("proj", ORIGIN_FOLDER));
	cr_expect(is_kind("/srv/work/deep/proj", ORIGIN_FOLDER));
	cr_expect(is_kind("/srv/work/deep", ORIGIN_FOLDER));
	cr_expect_eq(origins_kinds(known, span_of("/srv")), 0);
	cr_expect_eq(origins_kinds(known, span_of("")), 0);
}

Test(origins, times_of_the_run)
{
	/* 2026-11-21T12:00:00Z and an hour on. */
	add(ORIGIN_CLOCK, "1795262400000000000-1795266000000000000");
	cr_expect(is_kind("1795263000", ORIGIN_CLOCK));
	cr_expect(is_kind("1795263000.25", ORIGIN_CLOCK));
	cr_expect(is_kind("1795263000123", ORIGIN_CLOCK));
	cr_expect(is_kind("1795263000123456", ORIGIN_CLOCK));
	cr_expect(is_kind("1795263000123456789", ORIGIN_CLOCK));
	cr_expect(is_kind("2026-11-21", ORIGIN_CLOCK));
	cr_expect(is_kind("2026-11-22T01:00:00Z", ORIGIN_CLOCK));
	cr_expect(is_kind("Sat Nov 21 12:00:00 2026", ORIGIN_CLOCK));
	cr_expect(is_kind("November 21, 2026", ORIGIN_CLOCK));
	cr_expect(is_kind("12:34:56", ORIGIN_CLOCK));
	cr_expect_eq(origins_kinds(known, span_of("1795003000")), 0);
	cr_expect_eq(origins_kinds(known, span_of("179526300012")), 0);
	cr_expect_eq(origins_kinds(known, span_of("2026-11-25")), 0);
	cr_expect_eq(origins_kinds(known, span_of("2024-11-21")), 0);
	cr_expect_eq(origins_kinds(known, span_of("2026-11-21 x")), 0);
	cr_expect_eq(origins_kinds(known, span_of("May 21, 2026")), 0);
}

Test(origins, times_of_day_of_a_short_run)
{
	/* 12:00:00 to 12:01:00 UTC: zones differ by quarters of an hour. */
	add(ORIGIN_CLOCK, "1795262400000000000-1795262460000000000");
	cr_expect(is_kind("12:00:30", ORIGIN_CLOCK));
	cr_expect(is_kind("17:45:10", ORIGIN_CLOCK));
	cr_expect_eq(origins_kinds(known, span_of("12:07:00")), 0);
}

Test(origins, a_clock_that_is_days_away_is_the_clock)
{
	int64_t from, to;

	cr_expect_not(origins_clock(known, &from, &to));
	add(ORIGIN_CLOCK, "1795262400000000000-1795266000000000000");
	add(ORIGIN_CLOCK, "1795270000000000000-1795271000000000000");
	cr_expect(origins_clock(known, &from, &to));
	cr_expect_eq(from, 1795262400000000000);
	cr_expect_eq(to, 1795271000000000000);
	add(ORIGIN_CLOCK, "1800000000000000000-1800000100000000000");
	cr_expect(origins_clock(known, &from, &to));
	cr_expect_eq(from, 1800000000000000000);
}

Test(origins, a_clock_that_is_none)
{
	add(ORIGIN_CLOCK, "17-x");
	add(ORIGIN_CLOCK, "-");
	add(ORIGIN_CLOCK, "20-10");
	cr_expect_eq(origins_kinds(known, span_of("2026-11-21")), 0);
}

Test(origins, kinds_have_names)
{
	for (unsigned kind = 0; kind < ORIGIN_KIND_MAX; kind++) {
		enum origin_kind got = ORIGIN_KIND_MAX;

		cr_expect(origin_by_name(span_of(origin_name(kind)), &got));
		cr_expect_eq(got, kind);
	}
}

Test(origins, nothing_is_known)
{
	const char *mark;

	cr_expect_eq(origins_path(NULL, span_of("/x"), 0, &mark), 0);
	cr_expect_eq(origins_drawn(known, span_of("3f2a9c1d"), 0, &mark), 0);
	cr_expect_eq(origins_kinds(known, span_of("3f2a9c1d")), 0);
}

/* What the user said is no value of one run; a part of it is nothing he said. */
Test(origins, said)
{
	add(ORIGIN_PID, "4711");
	add(ORIGIN_PID, "4712");
	add(ORIGIN_USER, "casey");
	cr_assert_eq(
		origins_add_said(known, SPAN_LITERAL("agent\0delete 4711 of casey, 2026-11-20")),
		0);
	cr_assert(origins_said(known, SPAN_LITERAL("2026-11-20")));
	cr_assert(origins_said(known, SPAN_LITERAL("agent")));
	cr_assert_not(origins_said(known, SPAN_LITERAL("2026-11-2")));
	cr_assert_not(origins_said(known, SPAN_LITERAL("elete")));
	cr_assert_not(origins_said(known, SPAN_LITERAL("")));
	cr_assert_eq(origins_kinds(known, SPAN_LITERAL("4711")), 0);
	cr_assert_eq(origins_kinds(known, SPAN_LITERAL("4712")), 1u << ORIGIN_PID);
	cr_assert_eq(origins_kinds(known, SPAN_LITERAL("casey")), 1u << ORIGIN_USER);
	/* The first program's arguments alone. */
	cr_assert_eq(origins_add_said(known, SPAN_LITERAL("tool\04712")), 0);
	cr_assert_not(origins_said(known, SPAN_LITERAL("4712")));
}
