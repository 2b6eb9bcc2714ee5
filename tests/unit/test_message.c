/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/message.h"

#include <criterion/criterion.h>

/* Messages of one tool on two machines. */
static struct match_options options;
static struct origins *here, *there;

static void know(struct origins *o, enum origin_kind kind, const char *value)
{
	cr_assert_eq(origins_add(o, kind, span_of(value)), 0);
}

static void setup(void)
{
	here = origins_new();
	there = origins_new();
	cr_assert(here && there);
	cr_assert_eq(origins_add_usual(here), 0);
	cr_assert_eq(origins_add_usual(there), 0);
	know(here, ORIGIN_USER, "casey");
	know(here, ORIGIN_PID, "1534");
	know(here, ORIGIN_CLOCK, "1795282339000000000-1795282399000000000");
	know(there, ORIGIN_USER, "mrowan");
	know(there, ORIGIN_PID, "20719");
	know(there, ORIGIN_TEMPORARY, "/media/scratch");
	know(there, ORIGIN_CLOCK, "1798745591000000000-1798745600000000000");
	options = (struct match_options){.recorded.origins = here, .live.origins = there};
}

static void teardown(void)
{
	origins_free(here);
	origins_free(there);
}

TestSuite(message, .init = setup, .fini = teardown);

static enum match_outcome outcome(const char *recorded, const char *actual)
{
	return message_match(&options, span_of(recorded), span_of(actual));
}

Test(message, what_is_known_of_both_sides_explains)
{
	cr_expect_eq(outcome("{\"output\":\"pid 1534 of casey\"}",
			     "{\"output\":\"pid 20719 of mrowan\"}"),
		MATCH_EXPLAINED);
	cr_expect_eq(outcome("pid 1534", "pid 20719"), MATCH_EXPLAINED);
}

Test(message, anything_else_is_another)
{
	cr_expect_eq(outcome("{\"output\":\"pid 1534 of casey\"}",
			     "{\"output\":\"pid 20720 of mrowan\"}"),
		MATCH_DIFFERENT);
	cr_expect_eq(outcome("pid 1534", "pid mrowan"), MATCH_DIFFERENT);
	cr_expect_eq(outcome("1534 tests, 1534 passed", "20719 tests, 3 passed"), MATCH_DIFFERENT);
	options.recorded.origins = NULL;
	cr_expect_eq(outcome("pid 1534", "pid 20719"), MATCH_DIFFERENT);
}

Test(message, folders_for_temporary_files)
{
	cr_expect_eq(outcome("in /tmp/work", "in /media/scratch/work"), MATCH_NORMALISED);
	cr_expect_eq(outcome("in /tmp/work", "in /media/scratch/play"), MATCH_DIFFERENT);
	cr_expect_eq(outcome("in /tmp/work", "in /media/work"), MATCH_DIFFERENT);
	/* As mktemp makes them. */
	cr_expect_eq(outcome("to /tmp/tmp.5G1IYG3zmJ/out", "to /media/scratch/tmp.1N09FSUW5P/out"),
		MATCH_NORMALISED);
	cr_expect_eq(outcome("to /tmp/tmp.5G1IYG3zmJ/out", "to /media/scratch/tmp.1N09FSUW5P/in"),
		MATCH_DIFFERENT);
}

Test(message, a_listing_says_when_a_copy_was_made)
{
	/* Before the run, on one side. */
	cr_expect_eq(outcome("{\"output\":\"a\\n-rw-r--r-- 1 me me 8 Nov 21 17:33 a.c\"}",
			     "{\"output\":\"a\\n-rw-r--r-- 1 me me 8 Nov 22 02:33 a.c\"}"),
		MATCH_NORMALISED);
	cr_expect_eq(outcome("drwxr-xr-x 2 me me 4096 Nov 21 17:33 src",
			     "drwxr-xr-x 2 me me 4096 Mar  3  2024 src"),
		MATCH_NORMALISED);
	cr_expect_eq(outcome("drwxr-xr-x 2 me me 4096 Nov 21 17:33 src",
			     "drwxr-xr-x 2 me me 4097 Nov 21 17:33 src"),
		MATCH_DIFFERENT);
	/* What people write of stays. */
	cr_expect_eq(
		outcome("the flight on Nov 21 17:33", "the flight on Mar 3 2024"), MATCH_DIFFERENT);
	cr_expect_eq(outcome("drwxr-xr-x src\nthe flight on Mar 4 2024",
			     "drwxr-xr-x src\nthe flight on Mar 3 2024"),
		MATCH_DIFFERENT);
}
