/* SPDX-License-Identifier: Apache-2.0 */
#include "peer_world.h"

static const struct peer_timing as_fast_as_possible = {.none = true, .factor = 1};
static const struct peer_timing as_recorded = {.factor = 1};

#define ANSWER RESPONSE("hello", "5")

static void ask_once(struct client *c)
{
	client_send(c, c->argument ? c->argument : REQUEST("/a"));
	client_read(c, strlen(ANSWER));
}

Test(peer, serves_the_recorded_bytes)
{
	struct world w;
	record_begin(&w);
	record_exchange(&w, 1, false, REQUEST("/a"), ANSWER);
	play(&w, as_fast_as_possible);
	struct client c = {.fd = connect_announced(&w, false)};
	with_client(&w, &c, ask_once);
	cr_expect_str_eq(c.bytes, ANSWER);

	struct peer_stats stats;
	peer_stats(w.peer, &stats);
	cr_expect_eq(stats.connections, 1);
	cr_expect_eq(stats.requests, 1);
	cr_expect_eq(stats.bytes_in, strlen(REQUEST("/a")));
	cr_expect_eq(stats.bytes_out, strlen(ANSWER));
	client_close(&c);
	world_free(&w);
}

Test(peer, serves_under_tls_with_a_trusted_leaf)
{
	struct world w;
	record_begin(&w);
	record_exchange(&w, 1, true, REQUEST("/a"), ANSWER);
	play(&w, as_fast_as_possible);
	struct client c = {.fd = connect_announced(&w, true)};
	client_start_tls(&c, w.ca);
	static const unsigned char protocols[] = "\x02h2\x08http/1.1";
	SSL_set_alpn_protos(c.ssl, protocols, sizeof(protocols) - 1);
	with_client(&w, &c, ask_once);
	cr_expect_str_eq(c.bytes, ANSWER);
	cr_expect_eq(SSL_get_verify_result(c.ssl), X509_V_OK);
	const unsigned char *chosen;
	unsigned int len;
	SSL_get0_alpn_selected(c.ssl, &chosen, &len);
	cr_expect(len == 8 && !memcmp(chosen, "http/1.1", 8));
	client_close(&c);
	world_free(&w);
}

Test(peer, tls_1_2_without_sni_gets_the_announced_name)
{
	struct world w;
	record_begin(&w);
	record_exchange(&w, 1, true, REQUEST("/a"), ANSWER);
	play(&w, as_fast_as_possible);
	struct client c = {.fd = connect_announced(&w, true)};
	client_start_tls(&c, w.ca);
	SSL_set_tlsext_host_name(c.ssl, NULL);
	SSL_set_max_proto_version(c.ssl, TLS1_2_VERSION);
	with_client(&w, &c, ask_once);
	cr_expect_str_eq(c.bytes, ANSWER);
	client_close(&c);
	world_free(&w);
}

/* ---- timing ---- */

static void ask_for_stream(struct client *c)
{
	client_send(c, REQUEST("/stream"));
	client_read(c, sizeof(c->bytes));
}

static void record_stream(struct world *w, bool tls)
{
	record_connect(w, 1, tls, 0);
	record_out(w, 1, REQUEST("/stream"), 10 * MS);
	record_in(
		w, 1, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n", 40 * MS);
	record_in(w, 1, "3\r\ntwo\r\n", 100 * MS);
	record_in(w, 1, "5\r\nthree\r\n", 160 * MS);
	record_in(w, 1, "0\r\n\r\n", 260 * MS);
	record_end(w, 1, tls ? EVENT_END_CLOSE_NOTIFY : EVENT_END_FIN, 0, 280 * MS);
}

static void expect_stream_times(const struct client *c, double factor)
{
	static const uint64_t gaps[] = {30 * MS, 90 * MS, 150 * MS, 250 * MS};
	static const size_t lengths[] = {55, 8, 10, 5};
	cr_assert_eq(c->read_count, 4);
	for (int i = 0; i < 4; i++) {
		double due = (double)gaps[i] / factor;
		double took = (double)(c->reads[i].at_ns - c->sent_ns);
		cr_expect_eq(c->reads[i].len, lengths[i], "chunk %d", i);
		/* Never early; late only by what a busy machine adds. */
		cr_expect(took >= due && took < due + 50 * MS, "chunk %d: %f ms for %f", i,
			took / 1e6, due / 1e6);
	}
}

Test(peer, chunks_leave_at_their_recorded_times)
{
	for (int tls = 0; tls < 2; tls++) {
		struct world w;
		record_begin(&w);
		record_stream(&w, tls);
		play(&w, as_recorded);
		struct client c = {.fd = connect_announced(&w, tls)};
		if (tls)
			client_start_tls(&c, w.ca);
		with_client(&w, &c, ask_for_stream);
		expect_stream_times(&c, 1);
		client_close(&c);
		world_free(&w);
	}
}

Test(peer, a_factor_divides_the_gaps)
{
	struct world w;
	record_begin(&w);
	record_stream(&w, false);
	play(&w, (struct peer_timing){.factor = 2});
	struct client c = {.fd = connect_announced(&w, false)};
	with_client(&w, &c, ask_for_stream);
	expect_stream_times(&c, 2);
	client_close(&c);
	world_free(&w);
}

/* ---- requests ---- */

static void ask_and_half_close(struct client *c)
{
	client_send(c, REQUEST("/a"));
	if (c->ssl && !c->argument)
		SSL_shutdown(c->ssl);
	shutdown(c->fd, SHUT_WR);
	client_read(c, sizeof(c->bytes));
}

Test(peer, a_half_closed_client_gets_its_response)
{
	for (int tls = 0; tls < 3; tls++) {
		struct world w;
		record_begin(&w);
		record_exchange(&w, 1, tls, REQUEST("/a"), ANSWER);
		play(&w, as_recorded);
		struct client c = {.fd = connect_announced(&w, tls)};
		c.argument = tls == 2 ? "without close_notify" : NULL;
		if (tls)
			client_start_tls(&c, w.ca);
		with_client(&w, &c, ask_and_half_close);
		cr_expect_str_eq(c.bytes, ANSWER, "tls %d", tls);
		cr_expect_eq(c.end, 0);
		client_close(&c);
		world_free(&w);
	}
}

static void ask_three_at_once(struct client *c)
{
	client_send(c, REQUEST("/a") REQUEST("/b") REQUEST("/a"));
	client_read(c, 3 * strlen(ANSWER));
}

Test(peer, pipelined_requests_are_answered_in_order)
{
	struct world w;
	record_begin(&w);
	record_connect(&w, 1, false, 0);
	record_out(&w, 1, REQUEST("/a"), 1 * MS);
	record_in(&w, 1, RESPONSE("first", "5"), 31 * MS);
	record_out(&w, 1, REQUEST("/b"), 40 * MS);
	record_in(&w, 1, RESPONSE("other", "5"), 41 * MS);
	record_out(&w, 1, REQUEST("/a"), 50 * MS);
	record_in(&w, 1, RESPONSE("again", "5"), 51 * MS);
	play(&w, as_recorded);
	struct client c = {.fd = connect_announced(&w, false)};
	with_client(&w, &c, ask_three_at_once);
	cr_expect_str_eq(
		c.bytes, RESPONSE("first", "5") RESPONSE("other", "5") RESPONSE("again", "5"));
	client_close(&c);
	world_free(&w);
}

#define EXPECTING                                                                                  \
	"POST /up HTTP/1.1\r\nHost: " HOST "\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"
#define CONTINUE "HTTP/1.1 100 Go On\r\nX-A: b\r\n\r\n"

static void expect_then_send(struct client *c)
{
	client_send(c, EXPECTING);
	client_read(c, strlen(c->argument));
	cr_expect_str_eq(c->bytes, c->argument);
	client_send(c, "body");
	client_read(c, c->len + strlen(ANSWER));
}

Test(peer, recorded_continue_is_sent_before_the_body)
{
	struct world w;
	record_begin(&w);
	record_connect(&w, 1, false, 0);
	record_out(&w, 1, EXPECTING, 1 * MS);
	record_in(&w, 1, CONTINUE, 2 * MS);
	record_out(&w, 1, "body", 3 * MS);
	record_in(&w, 1, ANSWER, 4 * MS);
	play(&w, as_recorded);
	struct client c = {.fd = connect_announced(&w, false), .argument = CONTINUE};
	with_client(&w, &c, expect_then_send);
	cr_expect_str_eq(c.bytes, CONTINUE ANSWER);
	client_close(&c);
	world_free(&w);
}

static void expect_final(struct client *c)
{
	client_send(c, EXPECTING);
	client_read(c, strlen(ANSWER));
}

Test(peer, a_final_answer_in_place_of_continue_needs_no_body)
{
	struct world w;
	record_begin(&w);
	record_exchange(&w, 1, false, EXPECTING, ANSWER);
	play(&w, as_recorded);
	struct client c = {.fd = connect_announced(&w, false)};
	with_client(&w, &c, expect_final);
	cr_expect_str_eq(c.bytes, ANSWER);
	client_close(&c);
	world_free(&w);
}

static void expect_miss(struct client *c)
{
	client_send(c, EXPECTING);
	client_read(c, 25);
	cr_expect_str_eq(c->bytes, "HTTP/1.1 100 Continue\r\n\r\n");
	client_send(c, "body");
	client_read(c, 25 + 200);
}

static json_t *miss_body(const struct client *c, const char *after)
{
	const char *body = strstr(after, "\r\n\r\n");
	json_error_t error;
	json_t *parsed = body ? json_loads(body + 4, 0, &error) : NULL;
	cr_assert(parsed, "%s", c->bytes);
	return parsed;
}

Test(peer, a_miss_is_explained_and_keeps_the_connection)
{
	struct world w;
	record_begin(&w);
	record_exchange(&w, 1, false, REQUEST("/a"), ANSWER);
	play(&w, as_fast_as_possible);
	struct client c = {.fd = connect_announced(&w, false)};
	with_client(&w, &c, expect_miss);
	cr_expect(strstr(c.bytes, "HTTP/1.1 400 "));
	cr_expect(strstr(c.bytes, "x-should-retry: false\r\n"));
	cr_expect(strstr(c.bytes, "x-rrshim: replay-mismatch\r\n"));
	json_t *body = miss_body(&c, c.bytes + 25);
	json_t *error = json_object_get(body, "error");
	cr_expect_str_eq(
		json_string_value(json_object_get(error, "type")), "rrshim_replay_mismatch");
	cr_expect_str_eq(json_string_value(json_object_get(error, "code")), "no_endpoint");
	cr_expect_str_eq(w.missed, "no_endpoint");
	cr_expect(json_is_object(json_object_get(body, "rrshim")));
	json_decref(body);

	c.len = 0;
	with_client(&w, &c, ask_once);
	cr_expect_str_eq(c.bytes, ANSWER);
	client_close(&c);
	world_free(&w);
}

static void ask_head(struct client *c)
{
	client_send(c, "HEAD /never HTTP/1.1\r\nHost: " HOST "\r\nConnection: close\r\n\r\n");
	client_read(c, sizeof(c->bytes));
}

Test(peer, a_missed_head_request_gets_no_body)
{
	struct world w;
	record_begin(&w);
	record_exchange(&w, 1, false, REQUEST("/a"), ANSWER);
	play(&w, as_fast_as_possible);
	struct client c = {.fd = connect_announced(&w, false)};
	with_client(&w, &c, ask_head);
	cr_expect(strstr(c.bytes, "HTTP/1.1 400 "));
	cr_expect_str_eq(c.bytes + c.len - 4, "\r\n\r\n");
	cr_expect_eq(c.end, 0, "closed, as the client asked");
	client_close(&c);
	world_free(&w);
}

#define EARLY_HINTS "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"

static void ask_for_hints(struct client *c)
{
	client_send(c, REQUEST("/a"));
	client_read(c, strlen(EARLY_HINTS ANSWER));
}

Test(peer, early_hints_come_at_their_time)
{
	struct world w;
	record_begin(&w);
	record_connect(&w, 1, false, 0);
	record_out(&w, 1, REQUEST("/a"), 10 * MS);
	record_in(&w, 1, EARLY_HINTS, 12 * MS);
	record_in(&w, 1, ANSWER, 62 * MS);
	play(&w, as_recorded);
	struct client c = {.fd = connect_announced(&w, false)};
	with_client(&w, &c, ask_for_hints);
	cr_expect_str_eq(c.bytes, EARLY_HINTS ANSWER);
	cr_assert_eq(c.read_count, 2);
	cr_expect_geq(c.reads[1].at_ns - c.sent_ns, 52 * MS);
	client_close(&c);
	world_free(&w);
}

#define UPLOAD_PIECE  (1u << 20)
#define UPLOAD_PIECES 18 /* past CANON_BODY_MAX */
#define UPLOAD_HEAD   "PUT /up HTTP/1.1\r\nHost: " HOST "\r\nContent-Length: 18874368\r\n\r\n"

static void upload(struct client *c)
{
	char *piece = calloc(1, UPLOAD_PIECE);
	client_send(c, UPLOAD_HEAD);
	for (int i = 0; i < UPLOAD_PIECES; i++) {
		memset(piece, 'a' + i, UPLOAD_PIECE);
		for (size_t sent = 0; sent < UPLOAD_PIECE;) {
			ssize_t n = send(c->fd, piece + sent, UPLOAD_PIECE - sent, MSG_NOSIGNAL);
			cr_assert_gt(n, 0);
			sent += (size_t)n;
		}
	}
	free(piece);
	client_read(c, strlen(ANSWER));
}

Test(peer, an_upload_too_large_to_hold_is_matched_by_digest)
{
	struct world w;
	char *piece = malloc(UPLOAD_PIECE);
	record_begin(&w);
	record_connect(&w, 1, false, 0);
	record_out(&w, 1, UPLOAD_HEAD, 1 * MS);
	for (int i = 0; i < UPLOAD_PIECES; i++) {
		memset(piece, 'a' + i, UPLOAD_PIECE);
		record_bytes(&w, 1, EVENT_OUT, piece, UPLOAD_PIECE, 2 * MS);
	}
	free(piece);
	record_in(&w, 1, ANSWER, 3 * MS);
	play(&w, as_fast_as_possible);
	struct client c = {.fd = connect_announced(&w, false)};
	with_client(&w, &c, upload);
	cr_expect_str_eq(c.bytes, ANSWER);
	client_close(&c);
	world_free(&w);
}

/* ---- who may come ---- */

static void read_to_end(struct client *c)
{
	if (c->argument)
		client_send(c, c->argument);
	client_read(c, sizeof(c->bytes));
}

Test(peer, unannounced_connections_are_reset)
{
	struct world w;
	record_begin(&w);
	record_exchange(&w, 1, false, REQUEST("/a"), ANSWER);
	play(&w, as_fast_as_possible);
	struct peer_ports ports;
	peer_ports(w.peer, &ports);
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(ports.v4)};
	struct client c = {.fd = socket(AF_INET, SOCK_STREAM, 0)};
	cr_assert_eq(connect(c.fd, (struct sockaddr *)&to, sizeof(to)), 0);
	with_client(&w, &c, read_to_end);
	cr_expect_eq(c.end, ECONNRESET);
	close(c.fd);

	to.sin_port = htons(ports.refused_v4);
	c.fd = socket(AF_INET, SOCK_STREAM, 0);
	cr_expect_eq(connect(c.fd, (struct sockaddr *)&to, sizeof(to)), -1);
	cr_expect_eq(errno, ECONNREFUSED);
	close(c.fd);
	struct peer_stats stats;
	peer_stats(w.peer, &stats);
	cr_expect_eq(stats.unannounced, 1);
	world_free(&w);
}

Test(peer, bytes_that_are_not_http_are_reset)
{
	struct world w;
	record_begin(&w);
	record_exchange(&w, 1, false, REQUEST("/a"), ANSWER);
	play(&w, as_fast_as_possible);
	static char *const texts[] = {
		"\x01\x02\x03\x04", "SSH-2.0-OpenSSH_9.2\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\r"};
	for (int i = 0; i < 3; i++) {
		struct client c = {.fd = connect_announced(&w, false), .argument = texts[i]};
		with_client(&w, &c, read_to_end);
		cr_expect_eq(c.end, ECONNRESET, "%d", i);
		client_close(&c);
	}
	struct peer_stats stats;
	peer_stats(w.peer, &stats);
	cr_expect_eq(stats.not_http, 3);
	world_free(&w);
}

Test(peer, a_mapped_ipv6_socket_reaches_the_v4_listener)
{
	struct world w;
	record_begin(&w);
	record_exchange(&w, 1, false, REQUEST("/a"), ANSWER);
	play(&w, as_fast_as_possible);
	struct peer_ports ports;
	peer_ports(w.peer, &ports);
	struct sockaddr_in6 at = {.sin6_family = AF_INET6};
	socklen_t len = sizeof(at);
	struct client c = {.fd = socket(AF_INET6, SOCK_STREAM, 0)};
	if (c.fd < 0)
		cr_skip_test("no IPv6");
	inet_pton(AF_INET6, "::ffff:127.0.0.1", &at.sin6_addr);
	cr_assert_eq(bind(c.fd, (struct sockaddr *)&at, len), 0);
	getsockname(c.fd, (struct sockaddr *)&at, &len);
	peer_announce(w.peer, AF_INET6, ntohs(at.sin6_port), ADDRESS, NULL, 0);
	at.sin6_port = htons(ports.v4);
	cr_assert_eq(connect(c.fd, (struct sockaddr *)&at, len), 0);
	with_client(&w, &c, ask_once);
	cr_expect_str_eq(c.bytes, ANSWER);
	client_close(&c);
	world_free(&w);
}

Test(peer, an_adopted_socket_is_served)
{
	struct world w;
	int pair[2];
	record_begin(&w);
	record_exchange(&w, 1, false, REQUEST("/a"), ANSWER);
	play(&w, as_fast_as_possible);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	cr_assert_eq(peer_adopt(w.peer, pair[1], ADDRESS, NULL, 0), 0);
	struct client c = {.fd = pair[0]};
	with_client(&w, &c, ask_once);
	cr_expect_str_eq(c.bytes, ANSWER);
	client_close(&c);
	world_free(&w);
}
