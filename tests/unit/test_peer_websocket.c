/* SPDX-License-Identifier: Apache-2.0 */
#include "peer_world.h"
#include "replay/websocket.h"

/* WebSocket in replay: the handshake, then the recorded messages. */

static const struct peer_timing as_fast_as_possible = {.none = true, .factor = 1};
static const struct peer_timing as_recorded = {.factor = 1};

#define ASK(key)                                                                                   \
	"GET /ws HTTP/1.1\r\nHost: " HOST "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"      \
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " key "\r\n\r\n"
#define ACCEPTED(accept)                                                                           \
	"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"        \
	"Sec-WebSocket-Accept: " accept "\r\nX-Server: 1\r\n\r\n"
/* RFC 6455, 1.3 */
#define KEY    "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
#define SHAKEN ACCEPTED(ACCEPT)

static void begin(struct world *w)
{
	record_begin(w);
	record_connect(w, 1, false, 0);
	record_out(w, 1, ASK("cmVjb3JkZWQgYmVmb3JlIQ=="), 1 * MS);
	record_in(w, 1, ACCEPTED("bm90IHRoaXMgb25lLCBvdGhlcg=="), 2 * MS);
}

static void record_message(struct world *w, enum event_direction direction, uint32_t opcode,
	const char *text, uint64_t time_ns)
{
	struct trace_event e = record_event(EVENT_MESSAGE, 1, time_ns);
	e.message.direction = direction;
	e.message.opcode = opcode;
	e.message.bytes = span_of(text);
	cr_assert_eq(recording_append(w->writer, &e), 0);
}

static void record_text(
	struct world *w, enum event_direction direction, const char *text, uint64_t time_ns)
{
	record_message(w, direction, WEBSOCKET_TEXT, text, time_ns);
}

/* ---- the client ---- */

static void send_frame(struct client *c, enum websocket_opcode opcode, const char *text)
{
	static const uint8_t mask[4] = {1, 2, 3, 4};
	uint8_t frame[256] = {(uint8_t)(0x80 | opcode), (uint8_t)(0x80 | strlen(text))};
	size_t len = strlen(text);
	cr_assert_lt(len, 126);
	memcpy(frame + 2, mask, 4);
	for (size_t i = 0; i < len; i++)
		frame[6 + i] = (uint8_t)text[i] ^ mask[i % 4];
	c->sent_ns = clock_ns();
	cr_expect_eq(send(c->fd, frame, 6 + len, MSG_NOSIGNAL), (ssize_t)(6 + len));
}

static void expect_bytes(struct client *c, const void *bytes, size_t len)
{
	client_read_next(c, len);
	cr_expect_eq(c->len, len, "%zu", c->len);
	cr_expect_eq(memcmp(c->bytes, bytes, len), 0, "%.*s", (int)c->len, c->bytes);
}

/* Unmasked, whole and short. */
static void expect_frame(struct client *c, enum websocket_opcode opcode, const char *text)
{
	size_t len = strlen(text);
	uint8_t frame[256] = {(uint8_t)(0x80 | opcode), (uint8_t)len};
	memcpy(frame + 2, text, len);
	client_read_next(c, 2 + len);
	cr_expect_eq(c->len, 2 + len, "'%s': %zu", text, c->len);
	cr_expect_eq(
		memcmp(c->bytes, frame, 2 + len), 0, "%s, got %.*s", text, (int)c->len, c->bytes);
}

static void expect_end(struct client *c)
{
	client_read_next(c, 1);
	cr_expect_eq(c->len, 0);
	cr_expect_eq(c->end, 0);
}

static void shake(struct client *c)
{
	client_send(c, ASK(KEY));
	expect_bytes(c, SHAKEN, strlen(SHAKEN));
}

static void run(struct world *w, void (*body)(struct client *))
{
	struct client *c = calloc(1, sizeof(*c));
	c->fd = connect_announced(w, false);
	with_client(w, c, body);
	client_close(c);
	free(c);
}

static void ask_and_answer(struct client *c)
{
	shake(c);
	expect_frame(c, WEBSOCKET_TEXT, "welcome");
	send_frame(c, WEBSOCKET_TEXT, "{\"b\": 2, \"a\":1}");
	expect_frame(c, WEBSOCKET_TEXT, "one");
	expect_frame(c, WEBSOCKET_BINARY, "two");
	send_frame(c, WEBSOCKET_CLOSE, "\003\350");
	expect_frame(c, WEBSOCKET_CLOSE, "\003\350bye");
	expect_end(c);
}

static void talk(struct peer_timing timing)
{
	struct world w;
	begin(&w);
	record_text(&w, EVENT_IN, "welcome", 3 * MS);
	record_text(&w, EVENT_OUT, "{\"a\":1,\"b\":2}", 4 * MS);
	record_text(&w, EVENT_IN, "one", 5 * MS);
	record_message(&w, EVENT_IN, WEBSOCKET_BINARY, "two", 6 * MS);
	record_message(&w, EVENT_OUT, WEBSOCKET_CLOSE, "\003\350", 7 * MS);
	record_message(&w, EVENT_IN, WEBSOCKET_CLOSE, "\003\350bye", 8 * MS);
	record_end(&w, 1, EVENT_END_FIN, 0, 9 * MS);
	play(&w, timing);
	run(&w, ask_and_answer);
	cr_expect_str_empty(w.missed, "%s", w.explained);
	world_free(&w);
}

Test(peer_websocket, messages_follow_each_other)
{
	for (size_t i = 0; i < TIMINGS; i++)
		talk(every_timing[i]);
}

static void ask_in_time(struct client *c)
{
	shake(c);
	send_frame(c, WEBSOCKET_TEXT, "ask");
	c->read_count = 0;
	expect_frame(c, WEBSOCKET_TEXT, "answer");
	uint64_t gap = c->reads[0].at_ns - c->sent_ns;
	cr_expect(gap >= 50 * MS, "%f ms", (double)gap / 1e6);
}

Test(peer_websocket, the_server_takes_its_time)
{
	struct world w;
	begin(&w);
	record_text(&w, EVENT_OUT, "ask", 10 * MS);
	record_text(&w, EVENT_IN, "answer", 60 * MS);
	play(&w, as_recorded);
	run(&w, ask_in_time);
	world_free(&w);
}

static void ping(struct client *c)
{
	shake(c);
	send_frame(c, WEBSOCKET_PONG, "unasked");
	send_frame(c, WEBSOCKET_PING, "alive?");
	expect_frame(c, WEBSOCKET_PONG, "alive?");
	send_frame(c, WEBSOCKET_TEXT, "ask");
	expect_frame(c, WEBSOCKET_PING, "theirs");
	expect_frame(c, WEBSOCKET_TEXT, "answer");
}

Test(peer_websocket, pings_are_answered_and_wait_for_nothing)
{
	struct world w;
	begin(&w);
	record_message(&w, EVENT_OUT, WEBSOCKET_PING, "once", 3 * MS);
	record_message(&w, EVENT_IN, WEBSOCKET_PONG, "once", 4 * MS);
	record_text(&w, EVENT_OUT, "ask", 5 * MS);
	record_message(&w, EVENT_IN, WEBSOCKET_PING, "theirs", 6 * MS);
	record_message(&w, EVENT_OUT, WEBSOCKET_PONG, "theirs", 7 * MS);
	record_text(&w, EVENT_IN, "answer", 8 * MS);
	play(&w, as_fast_as_possible);
	run(&w, ping);
	cr_expect_str_empty(w.missed);
	world_free(&w);
}

static void send_out_of_order(struct client *c)
{
	shake(c);
	send_frame(c, WEBSOCKET_TEXT, "second");
	send_frame(c, WEBSOCKET_TEXT, "first");
	expect_frame(c, WEBSOCKET_TEXT, "both");
}

Test(peer_websocket, messages_of_one_turn_come_in_any_order)
{
	struct world w;
	begin(&w);
	record_text(&w, EVENT_OUT, "first", 3 * MS);
	record_text(&w, EVENT_OUT, "second", 4 * MS);
	record_text(&w, EVENT_IN, "both", 5 * MS);
	play(&w, as_fast_as_possible);
	run(&w, send_out_of_order);
	cr_expect_str_empty(w.missed);
	world_free(&w);
}

static void send_secret(struct client *c)
{
	shake(c);
	send_frame(c, WEBSOCKET_TEXT, "{\"token\": \"sk-ant-api03-abc\", \"x\": 1}");
	expect_frame(c, WEBSOCKET_TEXT, "ok");
}

Test(peer_websocket, any_secret_is_taken_for_the_recorded_one)
{
	struct world w;
	begin(&w);
	record_text(&w, EVENT_OUT, "{\"token\":\"rr-redacted-token-0123abcd\",\"x\":1}", 3 * MS);
	record_text(&w, EVENT_IN, "ok", 4 * MS);
	play(&w, as_fast_as_possible);
	run(&w, send_secret);
	cr_expect_str_empty(w.missed, "%s", w.explained);
	world_free(&w);
}

#define AFTER(id) "{\"previous_response_id\":\"" id "\",\"input\":\"hi\"}"

static void send_other_ids(struct client *c)
{
	shake(c);
	send_frame(c, WEBSOCKET_TEXT, AFTER("resp_0cb1d2e3f4051627"));
	expect_frame(c, WEBSOCKET_TEXT, "one");
	send_frame(c, WEBSOCKET_TEXT, AFTER("resp_9a8b7c6d5e4f3021"));
	expect_frame(c, WEBSOCKET_TEXT, "two");
}

Test(peer_websocket, ids_of_another_run_are_taken_in_order)
{
	struct peer_stats stats;
	struct world w;
	begin(&w);
	record_text(&w, EVENT_OUT, AFTER("resp_11f1e1d1c1b1a191"), 3 * MS);
	record_text(&w, EVENT_IN, "one", 4 * MS);
	record_text(&w, EVENT_OUT, AFTER("resp_9a8b7c6d5e4f3021"), 5 * MS);
	record_text(&w, EVENT_IN, "two", 6 * MS);
	play(&w, as_fast_as_possible);
	run(&w, send_other_ids);
	cr_expect_str_empty(w.missed, "%s", w.explained);
	peer_stats(w.peer, &stats);
	cr_expect_eq(stats.messages, 2);
	cr_expect_eq(stats.messages_normalised, 1);
	world_free(&w);
}

#define REFUSED "\003\360not what was recorded"

static void send_other(struct client *c)
{
	shake(c);
	send_frame(c, WEBSOCKET_TEXT, "{\"a\":{\"b\":3}}");
	expect_frame(c, WEBSOCKET_CLOSE, REFUSED);
	expect_end(c);
}

Test(peer_websocket, another_message_is_a_miss_that_says_where)
{
	struct world w;
	struct peer_stats stats;
	begin(&w);
	record_text(&w, EVENT_OUT, "{\"a\":{\"b\":2}}", 3 * MS);
	record_text(&w, EVENT_IN, "ok", 4 * MS);
	play(&w, as_fast_as_possible);
	run(&w, send_other);
	cr_expect_str_eq(w.missed, "different");
	cr_expect(strstr(w.explained, "{\"at\":\"$.a.b\",\"expected\":2,\"actual\":3}"), "%s",
		w.explained);
	cr_expect(strstr(w.explained, "\"url\":\"ws://" HOST "/ws\""), "%s", w.explained);
	peer_stats(w.peer, &stats);
	cr_expect_eq(stats.websockets_missed, 1);
	world_free(&w);
}

static void send_more(struct client *c)
{
	shake(c);
	send_frame(c, WEBSOCKET_TEXT, "ask");
	expect_frame(c, WEBSOCKET_TEXT, "answer");
	send_frame(c, WEBSOCKET_TEXT, "more");
	expect_frame(c, WEBSOCKET_CLOSE, REFUSED);
	expect_end(c);
}

Test(peer_websocket, more_than_was_recorded_is_a_miss)
{
	struct world w;
	begin(&w);
	record_text(&w, EVENT_OUT, "ask", 3 * MS);
	record_text(&w, EVENT_IN, "answer", 4 * MS);
	play(&w, as_fast_as_possible);
	run(&w, send_more);
	cr_expect_str_eq(w.missed, "used_up");
	world_free(&w);
}

static void be_closed(struct client *c)
{
	shake(c);
	expect_frame(c, WEBSOCKET_CLOSE, "\003\351going");
	send_frame(c, WEBSOCKET_CLOSE, "\003\351");
	expect_end(c);
}

Test(peer_websocket, a_recorded_close_is_served)
{
	struct world w;
	begin(&w);
	record_message(&w, EVENT_IN, WEBSOCKET_CLOSE, "\003\351going", 3 * MS);
	record_message(&w, EVENT_OUT, WEBSOCKET_CLOSE, "\003\351", 4 * MS);
	record_end(&w, 1, EVENT_END_FIN, 0, 5 * MS);
	play(&w, as_fast_as_possible);
	run(&w, be_closed);
	world_free(&w);
}

static void leave_early(struct client *c)
{
	shake(c);
	send_frame(c, WEBSOCKET_CLOSE, "\003\350");
	expect_frame(c, WEBSOCKET_CLOSE, "\003\350");
	expect_end(c);
}

Test(peer_websocket, a_client_may_leave_early)
{
	struct world w;
	begin(&w);
	record_text(&w, EVENT_OUT, "ask", 3 * MS);
	play(&w, as_fast_as_possible);
	run(&w, leave_early);
	cr_expect_str_empty(w.missed);
	world_free(&w);
}

static void send_garbage(struct client *c)
{
	shake(c);
	client_send(c, "GET / HTTP/1.1\r\n\r\n");
	expect_frame(c, WEBSOCKET_CLOSE, "\003\352not WebSocket");
	expect_end(c);
}

Test(peer_websocket, what_is_no_frame_closes)
{
	struct world w;
	begin(&w);
	play(&w, as_fast_as_possible);
	run(&w, send_garbage);
	world_free(&w);
}

static void be_cut(struct client *c)
{
	shake(c);
	expect_frame(c, WEBSOCKET_TEXT, "wel");
	client_read_next(c, 1);
	cr_expect_eq(c->end, ECONNRESET);
}

Test(peer_websocket, a_recorded_reset_comes_after_the_last_message)
{
	struct world w;
	begin(&w);
	record_text(&w, EVENT_IN, "wel", 3 * MS);
	record_end(&w, 1, EVENT_END_ERROR, ECONNRESET, 4 * MS);
	play(&w, as_fast_as_possible);
	run(&w, be_cut);
	world_free(&w);
}
