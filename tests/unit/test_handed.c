/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "replay/handed.h"

static struct handed *h;

static void begin(void)
{
	h = handed_new();
}

static void end(void)
{
	handed_free(h);
}

TestSuite(handed, .init = begin, .fini = end);

/* Exchange n is asked at 10 n, and answered at 10 n + 5. */
static void requested(uint64_t exchange, const char *text)
{
	handed_request(h, 10 * exchange, span_of(text));
}

static void responded(uint64_t exchange, const char *text)
{
	cr_assert_eq(handed_response(h, exchange, 10 * exchange + 5, span_of(text)), 0);
}

/* Of exchange `expected`; 0: it was not handed out. */
static void check_from(const char *value, unsigned expected)
{
	char mark[HANDED_MARK_MAX] = "", start[32];

	cr_assert_eq(handed_mark(h, span_of(value), mark), expected != 0, "%s: '%s'", value, mark);
	snprintf(start, sizeof(start), "{{from %u.", expected);
	cr_assert(!expected || strncmp(mark, start, strlen(start)) == 0, "%s: %s", value, mark);
}

Test(handed, ids_in_json_and_event_streams)
{
	responded(3,
		"{\"id\":\"resp_68a1f0c2b4d88190\",\"output\":[{\"call_id\":\"call_9aZx31Qk\"}]}");
	responded(4, "event: a\ndata: {\"id\":\"toolu_01A09q90qw90lq917835lq9\"}\n\n");
	responded(5, "/files/file-6F2ksmvXxt4VdoqmHRw6kL");
	responded(6, "cursor=eyJvZmZzZXQiOjEwMH0; 01a1fe99-466d-72d0-bb2d-eaf45bed72e4");
	check_from("resp_68a1f0c2b4d88190", 3);
	check_from("call_9aZx31Qk", 3);
	check_from("toolu_01A09q90qw90lq917835lq9", 4);
	check_from("file-6F2ksmvXxt4VdoqmHRw6kL", 5);
	check_from("eyJvZmZzZXQiOjEwMH0", 6);
	check_from("01a1fe99-466d-72d0-bb2d-eaf45bed72e4", 6);
	check_from("resp_68a1f0c2b4d88191", 0);
}

Test(handed, a_value_is_the_one_s_who_said_it_first)
{
	responded(2, "{\"turn\":\"turn_82a7c1\"}");
	responded(1, "{\"session\":\"5bd8ed6c2cb7\",\"turn\":\"turn_82a7c1\"}");
	requested(1, "{\"session\":\"5bd8ed6c2cb7\"}");
	requested(2, "{\"session\":\"5bd8ed6c2cb7\",\"turn\":\"turn_82a7c1\"}");
	check_from("5bd8ed6c2cb7", 0);
	check_from("turn_82a7c1", 1);
}

Test(handed, two_values_never_have_one_mark)
{
	char one[HANDED_MARK_MAX], other[HANDED_MARK_MAX];

	responded(7, "abcdefg1");
	responded(8, "abcdefg2");
	responded(7, "abcdefg3");
	cr_assert(handed_mark(h, span_of("abcdefg1"), one));
	cr_assert(handed_mark(h, span_of("abcdefg3"), other));
	cr_assert_str_neq(one, other);
}

Test(handed, words_numbers_and_times_are_no_ids)
{
	responded(1,
		"conversation 1234567890123 abc123 2026-11-21T10:15:00Z 20261121T101500Z "
		"2026-11-21T10 __________");
	check_from("conversation", 0);
	check_from("1234567890123", 0);
	check_from("abc123", 0);
	check_from("2026-11-21T10", 0);
	check_from("20261121T101500Z", 0);
	check_from("__________", 0);
}

Test(handed, what_json_escapes_is_no_part_of_a_word)
{
	responded(1, "{\"text\":\"see\\nitem_4f2a9c\\tand\\u000aitem_77c0de\"}");
	responded(2, "{\"json\":\"{\\\"text\\\":\\\"\\\\nitem_90ab12\\\"}\"}");
	check_from("item_4f2a9c", 1);
	check_from("item_77c0de", 1);
	check_from("item_90ab12", 2);
}

Test(handed, what_stands_around_a_word)
{
	responded(1, "--item_4f2a9c- (item_77c0de_)");
	check_from("item_4f2a9c", 1);
	check_from("item_77c0de", 1);
	cr_assert_eq(handed_word(span_of("item_4f2a9c-"), 0), strlen("item_4f2a9c"));
	cr_assert_eq(handed_word(span_of("-item_4f2a9c"), 0), 0);
	cr_assert_eq(handed_word(span_of(""), 0), 0);
}

Test(handed, an_image_does_not_fill_the_memory)
{
	enum { WORDS = 40000, LEN = 12 };
	char *text = malloc(WORDS * LEN + 1);

	for (int i = 0; i < WORDS; i++)
		snprintf(text + (size_t)i * LEN, LEN + 1, "w%09d/+", i);
	responded(1, text);
	check_from("w000000001", 1);
	check_from("w000039999", 0);
	responded(2, "item_4f2a9c");
	check_from("item_4f2a9c", 2);
	free(text);
}
