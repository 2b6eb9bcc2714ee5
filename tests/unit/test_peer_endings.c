/* SPDX-License-Identifier: Apache-2.0 */
#include "peer_world.h"

/* How connections end in replay: as they did when recorded, and never before every byte came. */

static const struct peer_timing as_fast_as_possible = {.none = true, .factor = 1};
static const struct peer_timing as_recorded = {.factor = 1};

#define CUT_ANSWER RESPONSE("only a part", "1000")

static void ask_to_end(struct client *c)
{
	client_send(c, REQUEST("/a"));
	client_read(c, sizeof(c->bytes));
	c->argument = (void *)(uintptr_t)clock_ns();
}

static uint64_t ended_at(const struct client *c)
{
	return (uintptr_t)c->argument;
}

static void record_ending(
	struct world *w, bool tls, const char *response, enum event_end kind, int error)
{
	record_begin(w);
	record_connect(w, 1, tls, 0);
	record_out(w, 1, REQUEST("/a"), 10 * MS);
	record_in(w, 1, response, 20 * MS);
	record_end(w, 1, kind, error, 70 * MS);
}

static struct client ask(struct world *w, bool tls)
{
	struct client c = {.fd = connect_announced(w, tls)};
	if (tls)
		client_start_tls(&c, w->ca);
	with_client(w, &c, ask_to_end);
	client_close(&c);
	world_free(w);
	return c;
}

Test(peer_endings, a_reset_comes_after_the_last_byte)
{
	for (int tls = 0; tls < 2; tls++) {
		struct world w;
		record_ending(&w, tls, CUT_ANSWER, EVENT_END_ERROR, ECONNRESET);
		play(&w, as_fast_as_possible);
		struct client c = ask(&w, tls);
		cr_expect_str_eq(c.bytes, CUT_ANSWER);
		cr_expect_eq(c.end, ECONNRESET, "%d", c.end);
	}
}

Test(peer_endings, a_cut_without_close_notify_is_told_apart)
{
	struct world w;
	record_ending(&w, true, CUT_ANSWER, EVENT_END_FIN, 0);
	play(&w, as_fast_as_possible);
	struct client c = ask(&w, true);
	cr_expect_str_eq(c.bytes, CUT_ANSWER);
	cr_expect_eq(c.end, 0);
	cr_expect_not(c.notified);
}

Test(peer_endings, a_recorded_close_notify_is_sent)
{
	struct world w;
	record_ending(&w, true, CUT_ANSWER, EVENT_END_CLOSE_NOTIFY, 0);
	play(&w, as_fast_as_possible);
	struct client c = ask(&w, true);
	cr_expect_str_eq(c.bytes, CUT_ANSWER);
	cr_expect_eq(c.end, 0);
	cr_expect(c.notified);
}

Test(peer_endings, a_body_until_close_ends_with_it)
{
	struct world w;
	record_ending(&w, false, "HTTP/1.1 200 OK\r\n\r\nuntil close", EVENT_END_FIN, 0);
	play(&w, as_recorded);
	struct client c = ask(&w, false);
	cr_expect_str_eq(c.bytes, "HTTP/1.1 200 OK\r\n\r\nuntil close");
	uint64_t gap = ended_at(&c) - c.sent_ns;
	cr_expect(gap >= 60 * MS && gap < 160 * MS, "%f ms", (double)gap / 1e6);
}

Test(peer_endings, a_connection_that_died_unanswered_does_so_again)
{
	struct world w;
	record_begin(&w);
	record_connect(&w, 1, false, 0);
	record_out(&w, 1, REQUEST("/a"), 10 * MS);
	record_end(&w, 1, EVENT_END_ERROR, ECONNRESET, 60 * MS);
	play(&w, as_recorded);
	struct client c = ask(&w, false);
	cr_expect_eq(c.len, 0);
	cr_expect_eq(c.end, ECONNRESET);
	cr_expect_geq(ended_at(&c) - c.sent_ns, 50 * MS);
}

Test(peer_endings, an_idle_connection_is_closed_after_the_recorded_gap)
{
	for (int fast = 0; fast < 2; fast++) {
		struct world w;
		record_ending(&w, fast, RESPONSE("whole", "5"), EVENT_END_FIN, 0);
		play(&w, fast ? as_fast_as_possible : as_recorded);
		struct client c = ask(&w, fast);
		cr_expect_str_eq(c.bytes, RESPONSE("whole", "5"));
		cr_expect_eq(c.end, 0);
		uint64_t gap = ended_at(&c) - c.sent_ns;
		cr_expect(
			gap >= (fast ? 50 : 60) * MS && gap < 160 * MS, "%f ms", (double)gap / 1e6);
	}
}

static void ask_again_before_close(struct client *c)
{
	client_send(c, REQUEST("/a"));
	client_read(c, strlen(RESPONSE("first", "5")));
	usleep(5000);
	client_send(c, REQUEST("/b"));
	client_read(c, c->len + strlen(RESPONSE("other", "5")));
	usleep(80000);
	client_send(c, REQUEST("/c"));
	client_read(c, sizeof(c->bytes));
}

Test(peer_endings, a_new_request_keeps_an_idle_connection)
{
	struct world w;
	record_ending(&w, false, RESPONSE("first", "5"), EVENT_END_FIN, 0);
	record_exchange(&w, 20, false, REQUEST("/b"), RESPONSE("other", "5"));
	record_exchange(&w, 21, false, "GET /c HTTP/1.1\r\nHost: " HOST "\r\n\r\n",
		"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\nlast");
	play(&w, as_recorded);
	struct client c = {.fd = connect_announced(&w, false)};
	with_client(&w, &c, ask_again_before_close);
	cr_expect(strstr(c.bytes, "other"));
	cr_expect(strstr(c.bytes, "last"));
	cr_expect_eq(c.end, 0);
	client_close(&c);
	world_free(&w);
}

static void ask_and_wait_quietly(struct client *c)
{
	struct timeval limit = {.tv_usec = 100000};
	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	client_send(c, REQUEST("/a"));
	client_read(c, sizeof(c->bytes));
}

Test(peer_endings, what_the_program_left_unfinished_stays_open)
{
	struct world w;
	record_begin(&w);
	record_exchange(&w, 1, false, REQUEST("/a"), CUT_ANSWER);
	play(&w, as_fast_as_possible);
	struct client c = {.fd = connect_announced(&w, false)};
	with_client(&w, &c, ask_and_wait_quietly);
	cr_expect_str_eq(c.bytes, CUT_ANSWER);
	cr_expect_eq(c.end, EAGAIN);
	client_close(&c);
	world_free(&w);
}

/* ---- size ---- */

#define BIG_PIECE  (128u << 10)
#define BIG_PIECES 256

static uint8_t big_byte(size_t at)
{
	return (uint8_t)(at * 2654435761u >> 24);
}

static void read_big_slowly(struct client *c)
{
	size_t *received = c->argument;
	char piece[65536];
	client_send(c, REQUEST("/a"));
	for (;;) {
		ssize_t n = recv(c->fd, piece, sizeof(piece), 0);
		if (n <= 0) {
			c->end = n ? errno : 0;
			return;
		}
		for (ssize_t i = *received ? 0 : 62; i < n; i++)
			c->notified |= (uint8_t)piece[i] != big_byte(*received + (size_t)i - 62);
		*received += (size_t)n;
		if (*received < (1u << 20))
			usleep(5000); /* let the send buffer fill */
	}
}

Test(peer_endings, a_large_response_is_whole_before_the_reset)
{
	struct world w;
	uint8_t *piece = malloc(BIG_PIECE);
	const char *head = "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\nX-Padding: abcd\r\n\r\n";
	cr_assert_eq(strlen(head), 62);
	record_begin(&w);
	record_connect(&w, 1, false, 0);
	record_out(&w, 1, REQUEST("/a"), 1 * MS);
	record_in(&w, 1, head, 2 * MS);
	for (size_t i = 0; i < BIG_PIECES; i++) {
		for (size_t at = 0; at < BIG_PIECE; at++)
			piece[at] = big_byte(i * BIG_PIECE + at);
		record_bytes(&w, 1, EVENT_IN, piece, BIG_PIECE, (3 + i) * MS);
	}
	record_end(&w, 1, EVENT_END_ERROR, ECONNRESET, 300 * MS);
	free(piece);
	play(&w, as_fast_as_possible);
	size_t received = 0;
	struct client c = {.fd = connect_announced(&w, false), .argument = &received};
	with_client(&w, &c, read_big_slowly);
	cr_expect_eq(received, 62 + (size_t)BIG_PIECE * BIG_PIECES);
	cr_expect_not(c.notified, "bytes differ");
	cr_expect_eq(c.end, ECONNRESET);
	client_close(&c);
	world_free(&w);
}
