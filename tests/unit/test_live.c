/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/live.h"

#include <criterion/criterion.h>
#include <errno.h>

static void wake(void *context)
{
}

static void expect_head(
	bool bodiless, int minor, const char *received, enum http1_body framing, const char *wanted)
{
	struct live_answer a;

	live_answer_init(&a, wake, NULL);
	cr_assert_eq(live_answer_head(&a, bodiless, minor, span_of(received)), 0, "%s", received);
	cr_expect_eq(a.framing, framing, "%s: %d", received, a.framing);
	cr_expect(a.head.len == strlen(wanted) && memcmp(a.head.data, wanted, a.head.len) == 0,
		"'%.*s'", (int)a.head.len, (char *)a.head.data);
	live_answer_free(&a);
}

Test(live, what_is_of_the_connection_is_left_out)
{
	expect_head(false, 1,
		"HTTP/1.1 200 OK\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nx-hopper: 2\r\n"
		"Keep-Alive: timeout=5\r\nContent-Length: 3\r\nTrailer: X\r\n\r\n",
		HTTP1_BODY_LENGTH, "HTTP/1.1 200 OK\r\nx-hopper: 2\r\nContent-Length: 3\r\n\r\n");
}

Test(live, framing_is_the_clients)
{
	expect_head(false, 1, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		HTTP1_BODY_CHUNKED, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
	expect_head(false, 1, "HTTP/1.1 200 \r\n\r\n", HTTP1_BODY_CHUNKED,
		"HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n");
	expect_head(false, 0, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		HTTP1_BODY_UNTIL_CLOSE, "HTTP/1.1 200 OK\r\n\r\n");
	expect_head(true, 1, "HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n", HTTP1_BODY_NONE,
		"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n");
	expect_head(false, 1, "HTTP/1.1 204 No Content\r\n\r\n", HTTP1_BODY_NONE,
		"HTTP/1.1 204 No Content\r\n\r\n");
}

Test(live, bodies_are_framed_as_said)
{
	struct buffer out = BUFFER(1 << 10);

	cr_expect_eq(live_frame(HTTP1_BODY_CHUNKED, span_of("hello hello hello"), &out), 0);
	cr_expect_eq(live_frame(HTTP1_BODY_CHUNKED, (struct span){0}, &out), 0);
	cr_expect_eq(live_frame_end(HTTP1_BODY_CHUNKED, span_of("X: 1\r\n"), &out), 0);
	cr_expect(span_equal((struct span){out.data, out.len},
		span_of("11\r\nhello hello hello\r\n0\r\nX: 1\r\n\r\n")));
	buffer_reset(&out);
	cr_expect_eq(live_frame(HTTP1_BODY_LENGTH, span_of("hello"), &out), 0);
	cr_expect_eq(live_frame_end(HTTP1_BODY_LENGTH, (struct span){0}, &out), 0);
	cr_expect_eq(live_frame(HTTP1_BODY_NONE, span_of("never"), &out), 0);
	cr_expect(span_equal((struct span){out.data, out.len}, span_of("hello")));
	buffer_free(&out);
}

Test(live, what_is_no_head_is_refused)
{
	struct live_answer a;

	live_answer_init(&a, wake, NULL);
	cr_expect_eq(live_answer_head(&a, false, 1, span_of("ICY 200 OK\r\n\r\n")), -EBADMSG);
	cr_expect_eq(live_answer_head(&a, false, 1, span_of("HTTP/1.1 200 OK\r\n")), -EBADMSG);
	cr_expect_not(a.headed);
	live_answer_free(&a);
}
