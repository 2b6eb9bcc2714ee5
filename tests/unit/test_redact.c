/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/redact.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef int redact_fn(struct redactor *r, struct span text, struct buffer *out);

#define MAX_BYTES (64 << 20)

static char *redact(struct redactor *r, redact_fn *fn, const char *text)
{
	struct buffer out = BUFFER(MAX_BYTES);
	char *result;

	cr_assert_eq(fn(r, span_of(text), &out), 0);
	result = span_dup((struct span){out.data, out.len});
	buffer_free(&out);
	return result;
}

/* Replaces what follows each "rr-redacted-<kind>-" by '*', so that a row can say what it expects.
 */
static void star(char *s)
{
	char *at = s;

	while ((at = strstr(at, "rr-redacted-"))) {
		char *digest = at + 12;

		while (strspn(digest, "0123456789abcdef") < 8 || digest[-1] != '-')
			digest++;
		*at = '*';
		memmove(at + 1, digest + 8, strlen(digest + 8) + 1);
	}
}

struct row {
	const char *text, *expected; /* NULL: as it was */
};

static void check(redact_fn *fn, const struct row *rows, size_t count)
{
	struct redactor *r = redactor_new();

	for (size_t i = 0; i < count; i++) {
		const char *expected = rows[i].expected ? rows[i].expected : rows[i].text;
		char *once = redact(r, fn, rows[i].text), *twice = redact(r, fn, once);

		cr_expect_str_eq(once, twice, "not idempotent: %s", rows[i].text);
		star(once);
		cr_expect_str_eq(
			once, expected, "%s\ngives  %s\nwanted %s", rows[i].text, once, expected);
		free(once);
		free(twice);
	}
	redactor_free(r);
}

#define CHECK(fn, rows) check(fn, rows, sizeof(rows) / sizeof(rows[0]))

Test(redact, heads)
{
	static const struct row rows[] = {
		{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", NULL},
		{"", NULL},
		{"Authorization: Bearer abc\r\n\r\n", "Authorization: Bearer *\r\n\r\n"},
		{"a\r\nAuthorization: Bearer abc\r\n\r\n", "a\r\nAuthorization: Bearer *\r\n\r\n"},
		{"a\nauthorization:basic  YTpi \nb: c\n\n", "a\nauthorization:basic  * \nb: c\n\n"},
		{"a\r\nPROXY-AUTHORIZATION: sesame open\r\n\r\n",
			"a\r\nPROXY-AUTHORIZATION: *\r\n\r\n"},
		{"a\r\nAuthorization: AWS4-HMAC-SHA256 Credential=A/b, Signature=c\r\n\r\n",
			"a\r\nAuthorization: AWS4-HMAC-SHA256 *\r\n\r\n"},
		{"a\r\nAuthorization: Bearer\r\n  folded\r\n\tmore\r\nb: c\r\n\r\n",
			"a\r\nAuthorization: Bearer\r\n  *\r\nb: c\r\n\r\n"},
		{"a\r\nAuthorization:\r\n\r\n", NULL},
		{"a\r\nX-Api-Key : abc", "a\r\nX-Api-Key : *"},
		{"a\r\nx-goog-api-key: abc\r\napi-key: abc\r\nxi-api-key: d\r\n\r\n",
			"a\r\nx-goog-api-key: *\r\napi-key: *\r\nxi-api-key: *\r\n\r\n"},
		{"a\r\nDD-API-KEY: abc\r\nX-Shopify-Access-Token: abc\r\n\r\n",
			"a\r\nDD-API-KEY: *\r\nX-Shopify-Access-Token: *\r\n\r\n"},
		{"a\r\nopenai-organization: org-abc\r\n\r\n",
			"a\r\nopenai-organization: *\r\n\r\n"},
		{"a\r\nCookie: a=b; c=\"d e\";f\r\n\r\n", "a\r\nCookie: a=*; c=*;*\r\n\r\n"},
		{"a\r\nSet-Cookie: sid=abc=; Path=/x; Expires=Wed, 09 Jun 2027 10:18:14 GMT; "
		 "HttpOnly; x=y\r\n\r\n",
			"a\r\nSet-Cookie: sid=*; Path=/x; Expires=Wed, 09 Jun 2027 10:18:14 GMT; "
			"HttpOnly; x=*\r\n\r\n"},
		{"a\r\nSec-WebSocket-Protocol: realtime, openai-insecure-api-key.abc, v1\r\n\r\n",
			"a\r\nSec-WebSocket-Protocol: realtime, openai-insecure-api-key.*, "
			"v1\r\n\r\n"},
		/* What looks like a credential and must not be touched. */
		{"a\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nIdempotency-Key: "
		 "0123456789abcdef0123\r\nmcp-session-id: 0123456789abcdef\r\nETag: "
		 "\"abcdefabcdef\"\r\nx-request-id: req_0123456789abcdefghij\r\n\r\n",
			NULL},
		{"a\r\nno colon here\r\n: empty\r\n\x01\xff: \xfe\r\n\r\n", NULL},
		{"a\r\nX-Other: Bearer abc\r\n\r\n", NULL},
		/* Request targets and URLs in headers. */
		{"GET /v1?key=AIzaSyA1234567890&alt=sse HTTP/1.1\r\n\r\n",
			"GET /v1?key=*&alt=sse HTTP/1.1\r\n\r\n"},
		{"GET /?api_key=a&API-KEY=b&client%5Fsecret=c&x=d HTTP/1.1\r\n\r\n",
			"GET /?api_key=*&API-KEY=*&client%5Fsecret=*&x=d HTTP/1.1\r\n\r\n"},
		{"GET /?key=name&code=200&token=abc&sid=1 HTTP/1.1\r\n\r\n", NULL},
		{"GET /?key=a%20sentence%20of%20words&code=0123456789abcdef HTTP/1.1\r\n\r\n",
			"GET /?key=a%20sentence%20of%20words&code=* HTTP/1.1\r\n\r\n"},
		{"GET /?code=ab%2Bcd%2Fef%3D%3Dabcdefgh HTTP/1.1\r\n\r\n",
			"GET /?code=* HTTP/1.1\r\n\r\n"},
		{"GET /?password=&x HTTP/1.1\r\n\r\n", NULL},
		{"GET /key=0123456789abcdef HTTP/1.1\r\n\r\n", NULL},
		{"PUT /b/o?X-Amz-Credential=A%2Fb&X-Amz-Date=1&X-Amz-Signature=ab HTTP/1.1\r\n\r\n",
			"PUT /b/o?X-Amz-Credential=*&X-Amz-Date=1&X-Amz-Signature=* "
			"HTTP/1.1\r\n\r\n"},
		{"GET http://user:pw@host/ HTTP/1.1\r\n\r\n",
			"GET http://*@host/ HTTP/1.1\r\n\r\n"},
		{"HTTP/1.1 302 Found\r\nLocation: https://h/cb#access_token=abc&state=x\r\n\r\n",
			"HTTP/1.1 302 Found\r\nLocation: https://h/cb#access_token=*&state=x\r\n\r\n"},
		{"a\r\nReferer: https://u:p@h/?sig=a\r\nOrigin: https://h:443\r\n\r\n",
			"a\r\nReferer: https://*@h/?sig=*\r\nOrigin: https://h:443\r\n\r\n"},
		{"a\r\nX-Git: ghp_abcdefghijklmnopqrstuvwxyz0123456789\r\n\r\n",
			"a\r\nX-Git: *\r\n\r\n"},
	};

	CHECK(redact_head, rows);
}

#define B64_40 "abcdefghijABCDEFGHIJabcdefghijABCDEFGHIJ"

Test(redact, texts)
{
	static const struct row rows[] = {
		{"", NULL},
		{"ls -la /tmp/key=a", NULL},
		{"Authorization: Bearer abc", "Authorization: Bearer *"},
		{"X-Api-Key:abc", "X-Api-Key:*"},
		{"-HX-Api-Key: abc", "-HX-Api-Key: *"},
		{"Cookie: a=b; c=d", "Cookie: a=*; c=*"},
		{"--header=Authorization: Bearer abc def", "--header=Authorization: Bearer * def"},
		{"curl -H \"Authorization: Bearer a b\" -H 'x-api-key: c' https://h/",
			"curl -H \"Authorization: Bearer *\" -H 'x-api-key: *' https://h/"},
		{"sh -c \"curl -H \\\"Authorization: Bearer abc\\\" https://h\"",
			"sh -c \"curl -H \\\"Authorization: Bearer *\\\" https://h\""},
		{"{\"Authorization\": \"Bearer abc\", \"model\": \"gpt\"}",
			"{\"Authorization\": \"Bearer *\", \"model\": \"gpt\"}"},
		{"{\\\"api_key\\\":\\\"abcdefgh\\\",\\\"n\\\":1}",
			"{\\\"api_key\\\":\\\"*\\\",\\\"n\\\":1}"},
		{"{\"password\": \"abc\\\"defgh\", \"n\": 1}", "{\"password\": \"*\", \"n\": 1}"},
		{"{\"key\": \"customer_name\", \"sort_by\": \"key\"}", NULL},
		{"{\"key\": \"0123456789abcdef\"}", "{\"key\": \"*\"}"},
		{"echo Bearer 0123456789abcdef", "echo Bearer *"},
		{"the Bearer authentication scheme, Basic authentication", NULL},
		{"Basic dXNlcjpwYXNzd29yZA==", "Basic *"},
		{"Basic understanding", NULL},
		{"https://user:pw@host/x", "https://*@host/x"},
		{"git clone https://ghp_0123456789@github.com/x git@github.com:x ssh://git@h/x",
			"git clone https://ghp_0123456789@github.com/x git@github.com:x "
			"ssh://git@h/x"},
		{"https://0123456789abcdefghij@github.com/x", "https://*@github.com/x"},
		{"postgres://me:pw@[::1]:5432/db?sslmode=require&password=x",
			"postgres://*@[::1]:5432/db?sslmode=require&password=*"},
		{"https://h/?token=abcdefgh&a=b 'https://h/?sig=c'",
			"https://h/?token=*&a=b 'https://h/?sig=*'"},
		{"OPENAI_API_KEY=abcdefgh cmd", "OPENAI_API_KEY=* cmd"},
		{"export DB_PASSWORD='hunter2 hunter2'; x", "export DB_PASSWORD='*'; x"},
		{"--auth-token=abcdefgh", "--auth-token=*"},
		{"--auth-token abcdefgh --verbose", "--auth-token * --verbose"},
		{"--use-token --verbose", NULL},
		{"KEY=short", NULL},
		{"MONKEY_ISLAND=abcdefgh", NULL},
		{"client_secret=abcdefgh&grant_type=x", "client_secret=*&grant_type=x"},
		{"sk-abcdefghijklmnopqrst", "*"},
		{"sk-abcdefghij", NULL},
		{"task-abcdefghijklmnopqrstuvwxyz", NULL},
		{"x=sk-ant-api03-" B64_40 "/y", "x=*/y"},
		{"(ghp_abcdefghijklmnopqrstuvwxyz0123456789)", "(*)"},
		{"a%3Dghp_abcdefghijklmnopqrstuvwxyz0123456789", "a%3D*"},
		{"github_pat_" B64_40 B64_40, "*"},
		{"AIza"
		 "abcdefghijklmnopqrstuvwxyz012345678",
			"*"},
		{"xoxb-1234567890-abc", "*"},
		{"hf_" B64_40, "*"},
		{"gsk_" B64_40 B64_40, "*"},
		{"AKIAABCDEFGHIJKLMNOP", "*"},
		{"AKIAABCDEFGHIJKLMNOPQ", NULL},
		{"eyJhbGciOiJIUzI1NiIsInR5.eyJzdWIiOiIxMjM0NTY3ODkw.c2lnbmF0dXJlMTIz", "*"},
		{"eyJhbGciOiJIUzI1NiIsInR5.notajwt", NULL},
		{"a\n-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----\nb",
			"a\n*\nb"},
		{"-----BEGIN PRIVATE KEY-----\nMIIcut", "*"},
		{"-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----", NULL},
	};

	CHECK(redact_text, rows);
}

Test(redact, an_argument_vector_with_its_nuls)
{
	struct redactor *r = redactor_new();
	struct buffer out = BUFFER(1000);

	cr_assert_eq(
		redact_text(r, SPAN_LITERAL("a\0--api-key\0hunter2hunter2\0-H\0X-Api-Key: a b\0z"),
			&out),
		0);
	cr_assert_null(memmem(out.data, out.len, "hunter2", 7));
	cr_assert_null(memmem(out.data, out.len, "a b", 3));
	cr_assert_eq(memcmp(out.data + out.len - 2, "\0z", 2), 0);
	buffer_free(&out);
	redactor_free(r);
}

Test(redact, one_secret_one_placeholder)
{
	struct redactor *r = redactor_new(), *other = redactor_new();
	char *a = redact(r, redact_head, "a\r\nAuthorization: Bearer one\r\n\r\n");
	char *b = redact(r, redact_text, "Authorization: Bearer one");
	char *c = redact(r, redact_text, "Authorization: Bearer two");
	char *d = redact(other, redact_text, "Authorization: Bearer one");
	char placeholder[64];

	cr_assert_eq(sscanf(b, "Authorization: Bearer %60s", placeholder), 1);
	cr_assert_eq(strlen(placeholder), strlen("rr-redacted-authorization-01234567"));
	cr_assert_not_null(strstr(a, placeholder));
	cr_assert_null(strstr(c, placeholder));
	cr_assert_null(strstr(d, placeholder), "the key is the recording's own");
	free(a);
	free(b);
	free(c);
	free(d);
	redactor_free(r);
	redactor_free(other);
}

Test(redact, what_only_begins_like_a_placeholder_is_a_secret)
{
	static const struct row rows[] = {
		{"X-Api-Key: rr-redacted-hunter2-01234567", "X-Api-Key: *"},
		{"X-Api-Key: rr-redacted-api-key-0123456z", "X-Api-Key: *"},
		{"X-Api-Key: rr-redacted-api-key-01234567 x", "X-Api-Key: *"},
	};

	CHECK(redact_text, rows);
}

Test(redact, counts_by_kind)
{
	struct redactor *r = redactor_new();
	json_t *counts;

	free(redact(r, redact_head,
		"GET /?sig=a HTTP/1.1\r\nAuthorization: Bearer b\r\nCookie: a=b; c=d\r\n\r\n"));
	free(redact(r, redact_text, "Authorization: Bearer rr-redacted-authorization-01234567"));
	counts = redactor_counts(r);
	cr_assert_eq(json_object_size(counts), 3);
	cr_assert_eq(json_integer_value(json_object_get(counts, "authorization")), 1);
	cr_assert_eq(json_integer_value(json_object_get(counts, "cookie")), 2);
	cr_assert_eq(json_integer_value(json_object_get(counts, "parameter")), 1);
	json_decref(counts);
	redactor_free(r);
	redactor_free(NULL);
}

Test(redact, no_room_leaves_the_output_as_it_was)
{
	struct redactor *r = redactor_new();
	struct buffer out = BUFFER(40);

	buffer_append(&out, "before", 6);
	cr_assert_eq(redact_head(r, SPAN_LITERAL("a: b\r\nx-api-key: 1\r\nx-api-key: 2\r\n"), &out),
		-E2BIG);
	cr_assert_eq(out.len, 6);
	cr_assert_eq(
		redact_text(r, SPAN_LITERAL("X_TOKEN=abcdefgh Y_TOKEN=abcdefgh"), &out), -E2BIG);
	cr_assert_eq(out.len, 6);
	buffer_free(&out);
	redactor_free(r);
}

Test(redact, predicates)
{
	cr_assert(redact_is_secret_header(SPAN_LITERAL("Authorization")));
	cr_assert(redact_is_secret_header(SPAN_LITERAL("SET-COOKIE")));
	cr_assert_not(redact_is_secret_header(SPAN_LITERAL("Content-Type")));
	cr_assert_not(redact_is_secret_header((struct span){0}));
	cr_assert(redact_is_secret_parameter(SPAN_LITERAL("Api_Key"), SPAN_LITERAL("x")));
	cr_assert_not(redact_is_secret_parameter(SPAN_LITERAL("Api_Key"), SPAN_LITERAL("")));
	cr_assert_not(redact_is_secret_parameter(SPAN_LITERAL("token"), SPAN_LITERAL("1234567")));
	cr_assert(redact_is_secret_parameter(SPAN_LITERAL("token"), SPAN_LITERAL("12345678")));
	cr_assert_not(redact_is_secret_parameter(SPAN_LITERAL("key"), SPAN_LITERAL("price")));
	cr_assert(
		redact_is_secret_parameter(SPAN_LITERAL("key"), SPAN_LITERAL("0123456789abcdef")));
}

/* Whatever a program says, looking at it costs time in proportion. */
Test(redact, a_megabyte_of_anything_takes_no_time)
{
	static const char *const patterns[] = {"?code=", "key=", "key=a!",
		"a=", "a:", "\"a\":", "://", "://a:", "Bearer ", "Bearer", "Basic a",
		"Authorization:", "-", "sk-", "eyJaaaaaaaaaaaaaaaaa.",
		"-----BEGIN PRIVATE KEY-----", "-----BEGIN ", "ABSK+", "?key=aaaaaaaaaaaaaaaaaaaa!",
		"\\\"", "token=\\", "'token='", "?&#", "%41", "Cookie:", ";", "\r\n ", "--token ",
		"?password", "x@://"};
	struct redactor *r = redactor_new();

	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		size_t len = strlen(patterns[i]), total = (1 << 20) / len * len;
		struct buffer text = BUFFER(2 << 20), out = BUFFER(MAX_BYTES);
		clock_t start = clock();
		double seconds;

		for (size_t n = 0; n < total; n += len)
			buffer_append(&text, patterns[i], len);
		cr_assert_eq(redact_text(r, (struct span){text.data, text.len}, &out), 0);
		buffer_reset(&out);
		cr_assert_eq(redact_head(r, (struct span){text.data, text.len}, &out), 0);
		seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
		cr_expect_lt(seconds, 3.0, "'%s' took %.1f s", patterns[i], seconds);
		buffer_free(&text);
		buffer_free(&out);
	}
	redactor_free(r);
}
