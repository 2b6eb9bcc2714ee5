/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/buffer.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct span content(const struct buffer *b)
{
	return (struct span){b->data, b->len};
}

Test(buffer, appends_up_to_its_maximum_and_not_past_it)
{
	struct buffer b = BUFFER(1000);
	char block[400];

	memset(block, 'x', sizeof(block));
	cr_assert_eq(buffer_append(&b, block, sizeof(block)), 0);
	cr_assert_eq(buffer_append(&b, block, sizeof(block)), 0);
	cr_assert_eq(buffer_append(&b, block, sizeof(block)), -E2BIG);
	cr_assert_eq(b.len, 800);
	cr_assert_eq(buffer_append(&b, block, 200), 0);
	cr_assert_eq(buffer_append(&b, block, 1), -E2BIG);
	cr_assert_eq(buffer_append(&b, NULL, 0), 0);
	cr_assert_eq(buffer_reserve(&b, SIZE_MAX), -E2BIG);
	cr_assert_eq(b.len, 1000);
	cr_assert_leq(b.capacity, 1000);
	buffer_free(&b);
}

Test(buffer, printf_may_fill_it_to_the_last_byte)
{
	struct buffer b = BUFFER(8);

	cr_assert_eq(buffer_printf(&b, "%s", "1234567"), 0);
	cr_assert_eq(buffer_printf(&b, "%d", 89), -E2BIG);
	cr_assert_eq(buffer_printf(&b, "%d", 8), 0);
	cr_assert(span_equal(content(&b), SPAN_LITERAL("12345678")));
	buffer_free(&b);
}

Test(buffer, consume_drops_from_the_front)
{
	struct buffer b = BUFFER(100);

	buffer_append(&b, "hello world", 11);
	buffer_consume(&b, 6);
	cr_assert(span_equal(content(&b), SPAN_LITERAL("world")));
	buffer_consume(&b, 99);
	cr_assert_eq(b.len, 0);
	buffer_append(&b, "again", 5);
	buffer_reset(&b);
	cr_assert_eq(b.len, 0);
	buffer_free(&b);
	cr_assert_null(b.data);
}

Test(buffer, spans_compare_and_copy)
{
	char *copy = span_dup(SPAN_LITERAL("a\0b"));

	cr_assert_arr_eq(copy, "a\0b", 4);
	free(copy);
	cr_assert(span_equal((struct span){0}, SPAN_LITERAL("")));
	cr_assert_not(span_equal(SPAN_LITERAL("a"), SPAN_LITERAL("b")));
	cr_assert(span_equal_nocase(SPAN_LITERAL("X-Api-Key"), "x-aPI-key"));
	cr_assert_not(span_equal_nocase(SPAN_LITERAL("X-Api"), "x-api-key"));
	cr_assert_not(span_equal_nocase(SPAN_LITERAL("X-Api-Key"), "x-api"));
	cr_assert_not(span_equal_nocase(SPAN_LITERAL("["), "{"));
	cr_assert_eq(span_of(NULL).len, 0);
}
