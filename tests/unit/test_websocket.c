/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/websocket.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define F(s) SPAN_LITERAL(s)

static const struct websocket_terms plain = {.client_bits = 15, .server_bits = 15};
static const struct websocket_terms deflated = {
	.deflate = true, .client_bits = 15, .server_bits = 15};
static const struct websocket_terms deflated_afresh = {
	true, .client_no_context = true, .server_no_context = true, 15, 15};

/* "opcode:bytes(wire bytes);" each, or the error. */
static int read_all(struct websocket_reader *r, struct span input, struct buffer *out)
{
	struct websocket_message m;
	int result;

	while ((result = websocket_read(r, &input, &m)) == 1) {
		buffer_printf(out, "%d:", m.opcode);
		buffer_append(out, m.bytes.data, m.bytes.len);
		buffer_printf(out, "(%zu);", m.wire_bytes);
	}
	cr_assert(result < 0 || !input.len);
	return result;
}

static void check(const char *what, const struct websocket_terms *terms, bool from_client,
	struct span input, int expected_result, const char *expected)
{
	for (size_t step = 1; step <= input.len + 1; step++) {
		struct websocket_reader *r = websocket_reader_new(terms, from_client);
		struct buffer out = BUFFER(1 << 20);
		int result = 0;

		for (size_t at = 0; at < input.len && !result; at += step) {
			size_t n = input.len - at < step ? input.len - at : step;

			result = read_all(r, (struct span){input.data + at, n}, &out);
		}
		cr_expect_eq(result, expected_result, "%s in steps of %zu: %d", what, step, result);
		cr_expect(span_equal((struct span){out.data, out.len}, span_of(expected)),
			"%s in steps of %zu: %.*s", what, step, (int)out.len, (char *)out.data);
		buffer_free(&out);
		websocket_reader_free(r);
	}
}

Test(websocket, frames_of_a_server)
{
	static const struct {
		const char *what;
		struct span input;
		int result;
		const char *expected;
	} cases[] = {
		{"one", F("\x81\5Hello"), 0, "1:Hello(7);"},
		{"an empty one", F("\x82\0\x81\0"), 0, "2:(2);1:(2);"},
		{"fragments", F("\1\3Hel\0\0\x80\2lo"), 0, "1:Hello(11);"},
		{"control frames between fragments", F("\1\3Hel\x89\2hi\x8a\0\x80\2lo\x88\2\3\xe8"),
			0, "9:hi(4);10:(2);1:Hello(9);8:\3\xe8(4);"},
		{"16 bits of length", F("\x81\x7e\0\2ab\x81\1c"), 0, "1:ab(6);1:c(3);"},
		{"64 bits of length", F("\x81\x7f\0\0\0\0\0\0\0\1x"), 0, "1:x(11);"},
		{"half a message", F("\1\3Hel"), 0, ""},
		{"masked", F("\x81\x81\0\0\0\0x"), -EBADMSG, ""},
		{"a reserved bit", F("\x91\0"), -EBADMSG, ""},
		{"compressed without having said so", F("\xc1\0"), -EBADMSG, ""},
		{"a reserved opcode", F("\x81\1a\x83\0"), -EBADMSG, "1:a(3);"},
		{"a reserved control opcode", F("\x8b\0"), -EBADMSG, ""},
		{"nothing to continue", F("\x80\1a"), -EBADMSG, ""},
		{"a message in a message", F("\1\1a\x81\1b"), -EBADMSG, ""},
		{"a fragmented ping", F("\x09\0"), -EBADMSG, ""},
		{"a long ping", F("\x89\x7e\0\x7e"), -EBADMSG, ""},
		{"a negative length", F("\x81\x7f\xff\0\0\0\0\0\0\1"), -EBADMSG, ""},
		{"a length past the limit", F("\x81\x7f\0\0\0\0\4\0\0\1"), -E2BIG, ""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		check(cases[i].what, &plain, false, cases[i].input, cases[i].result,
			cases[i].expected);
}

Test(websocket, frames_of_a_client_are_masked)
{
	/* RFC 6455, 5.7 */
	check("masked", &plain, true, F("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"), 0,
		"1:Hello(11);");
	check("in fragments", &plain, true,
		F("\1\x81\1\2\3\4\x49\x89\x80\0\0\0\0\x80\x82\1\2\3\4\x68\x23"), 0,
		"9:(6);1:Hi!(15);");
	check("unmasked", &plain, true, F("\x81\5Hello"), -EBADMSG, "");
}

Test(websocket, permessage_deflate)
{
	/* RFC 7692, 7.2.3 */
	check("one", &deflated, false, F("\xc1\7\xf2\x48\xcd\xc9\xc9\7\0"), 0, "1:Hello(9);");
	check("in fragments", &deflated, false, F("\x41\3\xf2\x48\xcd\x80\4\xc9\xc9\7\0"), 0,
		"1:Hello(11);");
	check("the window is kept", &deflated, false,
		F("\xc1\7\xf2\x48\xcd\xc9\xc9\7\0\xc1\5\xf2\0\x11\0\0"), 0,
		"1:Hello(9);1:Hello(7);");
	check("the window is not kept", &deflated_afresh, false,
		F("\xc1\7\xf2\x48\xcd\xc9\xc9\7\0\xc1\5\xf2\0\x11\0\0"), -EBADMSG, "1:Hello(9);");
	check("not compressed", &deflated, false,
		F("\xc1\x0b\0\5\0\xfa\xff\x48\x65\x6c\x6c\x6f\0\x81\2hi"), 0,
		"1:Hello(13);1:hi(4);");
	check("a final block", &deflated, false,
		F("\xc1\10\xf3\x48\xcd\xc9\xc9\7\0\0\xc1\5\xf2\0\x11\0\0"), 0,
		"1:Hello(10);1:Hello(7);");
	check("a final block and no more", &deflated, false,
		F("\xc1\7\xf3\x48\xcd\xc9\xc9\7\0\x81\1x"), 0, "1:Hello(9);1:x(3);");
	check("two blocks", &deflated, false, F("\xc1\x0d\xf2\x48\5\0\0\0\xff\xff\xca\xc9\xc9\7\0"),
		0, "1:Hello(15);");
	check("empty", &deflated, false, F("\xc1\1\0\xc1\0"), 0, "1:(3);1:(2);");
	check("a control frame between", &deflated, false,
		F("\x41\3\xf2\x48\xcd\x89\1x\x80\4\xc9\xc9\7\0"), 0, "9:x(3);1:Hello(11);");
	check("not deflate", &deflated, false, F("\xc1\2\xff\xff"), -EBADMSG, "");
	check("cut short", &deflated, false, F("\xc1\3\xf2\x48\xcd"), -EBADMSG, "");
	check("RSV1 on a continuation", &deflated, false, F("\x41\1\xf2\xc0\1\x48"), -EBADMSG, "");
	check("RSV1 on a ping", &deflated, false, F("\xc9\0"), -EBADMSG, "");
}

/* One frame of a server; its deflate state is the caller's. */
static void deflate_frame(z_stream *z, struct span text, struct buffer *out)
{
	struct buffer body = BUFFER(SIZE_MAX / 2), frame = BUFFER(SIZE_MAX / 2);

	buffer_reserve(&body, deflateBound(z, text.len) + 16);
	z->next_in = (Bytef *)text.data;
	z->avail_in = (uInt)text.len;
	z->next_out = body.data;
	z->avail_out = (uInt)body.capacity;
	cr_assert_eq(deflate(z, Z_SYNC_FLUSH), Z_OK);
	websocket_write(
		&frame, WEBSOCKET_TEXT, (struct span){body.data, body.capacity - z->avail_out - 4});
	frame.data[0] |= 0x40;
	buffer_append(out, frame.data, frame.len);
	buffer_free(&frame);
	buffer_free(&body);
}

Test(websocket, small_windows_and_long_streams)
{
	for (int bits = 9; bits <= 15; bits += 3) {
		struct websocket_reader *r = websocket_reader_new(&deflated, false);
		z_stream z = {0};

		cr_assert_eq(deflateInit2(&z, 6, Z_DEFLATED, -bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
		for (int i = 0; i < 200; i++) {
			struct buffer text = BUFFER(1 << 20), frames = BUFFER(1 << 20);
			struct websocket_message m;
			struct span input;

			for (int k = 0; k < i; k++)
				buffer_printf(&text, "{\"type\":\"delta\",\"n\":%d}", i * k);
			deflate_frame(&z, (struct span){text.data, text.len}, &frames);
			input = (struct span){frames.data, frames.len};
			cr_assert_eq(websocket_read(r, &input, &m), 1);
			cr_assert(span_equal(m.bytes, (struct span){text.data, text.len}));
			cr_assert_eq(m.wire_bytes, frames.len);
			buffer_free(&text);
			buffer_free(&frames);
		}
		deflateEnd(&z);
		websocket_reader_free(r);
	}
}

static int inflate_zeros(size_t len)
{
	struct websocket_reader *r = websocket_reader_new(&deflated, false);
	struct buffer frame = BUFFER(1 << 20);
	uint8_t *zeros = calloc(1, len);
	struct websocket_message m;
	struct span input;
	z_stream z = {0};
	int result;

	deflateInit2(&z, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
	deflate_frame(&z, (struct span){zeros, len}, &frame);
	deflateEnd(&z);
	input = (struct span){frame.data, frame.len};
	result = websocket_read(r, &input, &m);
	if (result == 1)
		cr_expect_eq(m.bytes.len, len);
	else
		cr_expect_eq(websocket_read(r, &input, &m), result, "sticky");
	buffer_free(&frame);
	free(zeros);
	websocket_reader_free(r);
	return result;
}

Test(websocket, a_message_is_bounded_also_inflated)
{
	cr_expect_eq(inflate_zeros(WEBSOCKET_MESSAGE_MAX), 1);
	cr_expect_eq(inflate_zeros(WEBSOCKET_MESSAGE_MAX + 1), -E2BIG);
}

Test(websocket, fragments_are_bounded_together)
{
	struct websocket_reader *r = websocket_reader_new(&plain, false);
	size_t len = 1 << 20;
	uint8_t *frame = calloc(1, len + 10);
	struct websocket_message m;
	int result = 0;

	memcpy(frame, "\2\x7f\0\0\0\0\0\x10\0\0", 10);
	for (int i = 0; i < 65 && !result; i++) {
		struct span input = {frame, len + 10};

		result = websocket_read(r, &input, &m);
		frame[0] = 0;
	}
	cr_expect_eq(result, -E2BIG);
	free(frame);
	websocket_reader_free(r);
}

Test(websocket, what_is_written_can_be_read)
{
	static const size_t lengths[] = {0, 1, 125, 126, 65535, 65536, 100000};

	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		struct websocket_reader *r = websocket_reader_new(&deflated, false);
		uint8_t *bytes = calloc(1, lengths[i] + 1);
		struct buffer out = BUFFER(1 << 20);
		struct websocket_message m;
		struct span input;

		bytes[0] = 'x';
		cr_assert_eq(
			websocket_write(&out, WEBSOCKET_BINARY, (struct span){bytes, lengths[i]}),
			0);
		input = (struct span){out.data, out.len};
		cr_assert_eq(websocket_read(r, &input, &m), 1);
		cr_expect_eq(m.opcode, WEBSOCKET_BINARY);
		cr_expect(span_equal(m.bytes, (struct span){bytes, lengths[i]}));
		cr_expect_eq(m.wire_bytes, out.len);
		buffer_free(&out);
		free(bytes);
		websocket_reader_free(r);
	}
}

Test(websocket, a_frame_is_written_whole_or_not_at_all)
{
	struct buffer out = BUFFER(4);
	char long_ping[126] = {0};

	cr_expect_eq(websocket_write(&out, WEBSOCKET_TEXT, F("abc")), -E2BIG);
	cr_expect_eq(out.len, 0);
	cr_expect_eq(websocket_write(&out, WEBSOCKET_PING,
			     (struct span){(uint8_t *)long_ping, sizeof(long_ping)}),
		-EINVAL);
	buffer_free(&out);
}

Test(websocket, accept_key)
{
	char key[29];

	/* RFC 6455, 1.3 */
	websocket_accept_key(F("dGhlIHNhbXBsZSBub25jZQ=="), key);
	cr_expect_str_eq(key, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

Test(websocket, terms_of_the_handshake)
{
	static const struct {
		const char *headers;
		bool accepted;
		struct websocket_terms terms;
	} cases[] = {
		{"Upgrade: websocket\r\n", true, {.client_bits = 15, .server_bits = 15}},
		{"Upgrade: h2c\r\n", false, {.client_bits = 15, .server_bits = 15}},
		{"upgrade: WebSocket\r\nsec-websocket-extensions: permessage-deflate\r\n", true,
			{true, .client_bits = 15, .server_bits = 15}},
		{"Upgrade: websocket\r\nSec-WebSocket-Extensions: x-other;a=b, "
		 "permessage-deflate ; server_no_context_takeover;client_max_window_bits=12 ;"
		 "server_max_window_bits = \"9\"\r\n",
			true, {true, false, true, 12, 9}},
		{"Upgrade: websocket\r\nSec-WebSocket-Extensions: foo\r\n"
		 "Sec-WebSocket-Extensions: "
		 "permessage-deflate;client_no_context_takeover;server_max_window_bits=99\r\n",
			true, {true, true, false, 15, 15}},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		static struct http1_head head;
		struct websocket_terms t;
		char raw[512];

		snprintf(raw, sizeof(raw), "HTTP/1.1 101 x\r\nConnection: upgrade\r\n%s\r\n",
			cases[i].headers);
		cr_assert_eq(http1_parse_head(HTTP1_RESPONSE, span_of(raw), &head), 0);
		cr_expect_eq(websocket_accepted(&head, &t), cases[i].accepted);
		cr_expect(t.deflate == cases[i].terms.deflate &&
				t.client_no_context == cases[i].terms.client_no_context &&
				t.server_no_context == cases[i].terms.server_no_context &&
				t.client_bits == cases[i].terms.client_bits &&
				t.server_bits == cases[i].terms.server_bits,
			"case %zu", i);
	}
}

static struct span capture(const char *name, uint8_t *bytes, size_t room)
{
	char path[512];
	FILE *f;
	size_t len;

	snprintf(path, sizeof(path), "%s/fuzz/corpus/fuzz_websocket/%s", TEST_DATA, name);
	f = fopen(path, "re");
	cr_assert(f, "%s", path);
	len = fread(bytes, 1, room, f);
	fclose(f);
	return (struct span){bytes + 2, len - 2}; /* after the fuzz target's own two */
}

#define REQUEST(n) "{\"type\":\"response.create\",\"n\":" n "}"

/* The `ws` of Node with both window policies. */
Test(websocket, real_streams)
{
	static const struct {
		const char *name;
		const struct websocket_terms *terms;
		bool from_client;
		const char *expected[11];
	} streams[] = {
		{"node_client", &deflated, true,
			{REQUEST("1"), REQUEST("2"), "\1\2\3", "{\"type\":\"x\"}", "p", "p", "p",
				"p",
				"\3\xe8"
				"bye"}},
		{"node_afresh_client", &deflated_afresh, true, {REQUEST("1"), REQUEST("2")}},
		{"python_client", &deflated, true, {REQUEST("1"), NULL}},
		{"node_server", &deflated, false,
			{"echo " REQUEST("1"), "echo " REQUEST("1") REQUEST("1"), "p",
				"echo " REQUEST("2"), "echo " REQUEST("2") REQUEST("2"), "p"}},
		{"python_server", &deflated, false, {"echo " REQUEST("1")}},
		{"python_afresh_server", &deflated_afresh, false, {"echo " REQUEST("1")}},
	};

	for (size_t i = 0; i < sizeof(streams) / sizeof(*streams); i++) {
		struct websocket_reader *r =
			websocket_reader_new(streams[i].terms, streams[i].from_client);
		struct websocket_message m;
		uint8_t bytes[4096];
		struct span input = capture(streams[i].name, bytes, sizeof(bytes));
		size_t at = 0;
		int result;

		while ((result = websocket_read(r, &input, &m)) == 1) {
			const char *expected = at < 11 ? streams[i].expected[at++] : NULL;

			cr_expect(!expected ||
					(m.bytes.len >= strlen(expected) &&
						!memcmp(m.bytes.data, expected, strlen(expected))),
				"%s, message %zu: %.*s", streams[i].name, at, (int)m.bytes.len,
				(char *)m.bytes.data);
		}
		cr_expect(result == 0 && !input.len && at > 3, "%s", streams[i].name);
		websocket_reader_free(r);
	}
}
