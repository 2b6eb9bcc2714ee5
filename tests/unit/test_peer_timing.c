/* SPDX-License-Identifier: Apache-2.0 */
#include "http2_client.h"

/*
 * Whatever --timing says, a stream has the framing it was recorded with: what was one read is one
 * write, events are neither merged nor split otherwise. WebSocket messages and dialogues have the
 * same tests among theirs.
 */

#define HEAD                                                                                       \
	"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"

/* An event split in two, within a character; two events at once; a comment; no end to the last. */
static const char *const reads[] = {"data: caf\xc3", "\xa9\n\n", "data: 1\n\ndata: 2\n\n",
	": still here\n\n", "data: [DONE]\n"};
#define READS (sizeof(reads) / sizeof(*reads))

static struct buffer wire;

/* Each read a chunk of its own, its framing with it. */
static void record_events(struct world *w)
{
	record_begin(w);
	record_connect(w, 1, false, 0);
	record_out(w, 1, REQUEST("/a"), MS);
	record_in(w, 1, HEAD, 2 * MS);
	wire = BUFFER(1 << 16);
	cr_assert_eq(buffer_append(&wire, HEAD, strlen(HEAD)), 0);
	for (size_t i = 0; i < READS; i++) {
		size_t start = wire.len;
		cr_assert_eq(buffer_printf(&wire, "%zx\r\n%s\r\n", strlen(reads[i]), reads[i]), 0);
		record_bytes(w, 1, EVENT_IN, wire.data + start, wire.len - start, (3 + 3 * i) * MS);
	}
	cr_assert_eq(buffer_append(&wire, "0\r\n\r\n", 5), 0);
	record_in(w, 1, "0\r\n\r\n", 20 * MS);
}

static void get_a(struct client *c)
{
	client_send(c, REQUEST("/a"));
	client_read_next(c, wire.len);
}

Test(peer_timing, http1_has_the_recorded_bytes)
{
	for (size_t i = 0; i < TIMINGS; i++) {
		struct world w;
		record_events(&w);
		play(&w, every_timing[i]);
		struct client c = {.fd = connect_announced(&w, false)};
		with_client(&w, &c, get_a);
		cr_expect_eq(c.len, wire.len);
		cr_expect_eq(memcmp(c.bytes, wire.data, wire.len), 0, "%s", c.bytes);
		client_close(&c);
		buffer_free(&wire);
		world_free(&w);
	}
}

static struct http2_client h2;

static void http2_get_a(struct client *c)
{
	http2_get(&h2, "/a");
	http2_run(&h2);
}

Test(peer_timing, http2_has_a_frame_for_each_read)
{
	for (size_t i = 0; i < TIMINGS; i++) {
		struct world w;
		record_events(&w);
		play(&w, every_timing[i]);
		struct client c = {.fd = connect_announced(&w, false)};
		http2_begin(&h2, &c);
		with_client(&w, &c, http2_get_a);
		cr_expect_eq(h2.answers[0].frame_count, READS);
		for (size_t j = 0; j < READS; j++)
			cr_expect_eq(h2.answers[0].frames[j], strlen(reads[j]), "read %zu", j);
		cr_expect_str_eq(h2.answers[0].content,
			"data: caf\xc3\xa9\n\ndata: 1\n\ndata: 2\n\n: still here\n\ndata: [DONE]\n");
		nghttp2_session_del(h2.session);
		client_close(&c);
		buffer_free(&wire);
		world_free(&w);
	}
}
