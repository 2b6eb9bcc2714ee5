/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/live_set.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <zlib.h>

struct changed {
	struct buffer head, body;
};

static struct changed change(const char *const *sets, bool llm, const char *head, struct span body)
{
	char why[LIVE_SET_MESSAGE_MAX];
	static struct http1_head in;
	struct live_set s = {0};
	struct changed c = {.head = {0}};

	for (; *sets; sets++)
		cr_assert_eq(live_set_add(&s, *sets, why), 0, "%s: %s", *sets, why);
	cr_assert_eq(http1_parse_head(HTTP1_REQUEST, span_of(head), &in), 0);
	cr_assert_eq(live_set_apply(&s, llm, &in, body, &c.head, &c.body), 0);
	live_set_free(&s);
	return c;
}

static void expect(struct changed *c, const char *head, const char *body)
{
	cr_expect(c->head.len == strlen(head) && memcmp(c->head.data, head, c->head.len) == 0,
		"'%.*s'", (int)c->head.len, (char *)c->head.data);
	cr_expect(c->body.len == strlen(body) &&
			(!c->body.len || memcmp(c->body.data, body, c->body.len) == 0),
		"'%.*s'", (int)c->body.len, (char *)c->body.data);
	buffer_free(&c->head);
	buffer_free(&c->body);
}

#define SETS(...) ((const char *const[]){__VA_ARGS__, NULL})

Test(live_set, a_model_in_the_body_or_in_the_path)
{
	struct changed c = change(SETS("llm.model=large"), true,
		"POST /v1/messages HTTP/1.1\r\nHost: a\r\n\r\n", SPAN_LITERAL("{\"model\":\"x\"}"));

	expect(&c, "POST /v1/messages HTTP/1.1\r\nHost: a\r\n\r\n", "{\"model\":\"large\"}");
	c = change(SETS("llm.model=large"), true,
		"POST /v1beta/models/small:generateContent?alt=sse HTTP/1.1\r\n\r\n",
		SPAN_LITERAL("{}"));
	expect(&c, "POST /v1beta/models/large:generateContent?alt=sse HTTP/1.1\r\n\r\n", "{}");
	c = change(SETS("llm.model=large"), false, "POST /v1/x HTTP/1.1\r\n\r\n",
		SPAN_LITERAL("{\"model\":\"x\"}"));
	expect(&c, "POST /v1/x HTTP/1.1\r\n\r\n", "{\"model\":\"x\"}");
}

Test(live_set, headers)
{
	struct changed c =
		change(SETS("header.x-a=1", "header.X-New=2", "header.Gone=", "header.x-a=3"),
			false, "GET / HTTP/1.1\r\nX-A: 0\r\nX-B: b\r\nX-A: 9\r\nGone: x\r\n\r\n",
			(struct span){0});

	expect(&c, "GET / HTTP/1.1\r\nX-A: 3\r\nX-B: b\r\nX-New: 2\r\n\r\n", "");
}

Test(live_set, values_are_json_or_else_text)
{
	struct changed c = change(SETS("json.$.n=0.50", "json.$.s=plain text", "json.$['a=b']=[1]"),
		false, "POST / HTTP/1.1\r\n\r\n", SPAN_LITERAL("{\"n\":1,\"s\":2,\"a=b\":3}"));

	expect(&c, "POST / HTTP/1.1\r\n\r\n", "{\"n\":0.50,\"s\":\"plain text\",\"a=b\":[1]}");
	c = change(SETS("json.$.n=1"), false, "POST / HTTP/1.1\r\nContent-Type: text/plain\r\n\r\n",
		SPAN_LITERAL("{\"n\":0}"));
	expect(&c, "POST / HTTP/1.1\r\nContent-Type: text/plain\r\n\r\n", "{\"n\":0}");
}

Test(live_set, a_coded_body_is_read)
{
	uint8_t coded[256];
	z_stream z = {.next_in = (uint8_t *)"{\"model\":\"x\"}",
		.avail_in = 13,
		.next_out = coded,
		.avail_out = sizeof(coded)};

	cr_assert_eq(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	cr_assert_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
	struct changed c = change(SETS("llm.model=y"), true,
		"POST /v1/messages HTTP/1.1\r\nContent-Encoding: gzip\r\nX: y\r\n\r\n",
		(struct span){coded, z.total_out});
	deflateEnd(&z);
	expect(&c, "POST /v1/messages HTTP/1.1\r\nX: y\r\n\r\n", "{\"model\":\"y\"}");
}

Test(live_set, nonsense_is_explained)
{
	static const char *const bad[] = {"color=red", "llm.model", "llm.model=", "header.=x",
		"header.A B=x", "header.A=x\r\ny: z", "json.=1", "json.$=1"};
	char why[LIVE_SET_MESSAGE_MAX];
	struct live_set s = {0};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		why[0] = '\0';
		cr_expect_eq(live_set_add(&s, bad[i], why), -EINVAL, "%s", bad[i]);
		cr_expect(why[0], "%s", bad[i]);
	}
	live_set_free(&s);
}
