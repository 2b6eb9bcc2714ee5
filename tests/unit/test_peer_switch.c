/* SPDX-License-Identifier: Apache-2.0 */
#include "peer_world.h"

/* What a connection becomes after CONNECT, or a 101 to something of its own. */

static const struct peer_timing as_fast_as_possible = {.none = true, .factor = 1};

#define CONNECT                                                                                    \
	"CONNECT " HOST ":443 HTTP/1.1\r\nHost: " HOST                                             \
	":443\r\nProxy-Connection: keep-alive\r\n\r\n"
#define ESTABLISHED "HTTP/1.1 200 Connection established\r\n\r\n"
#define ANSWER      RESPONSE("inside", "6")

static struct world *playing;

static void expect(struct client *c, const char *text)
{
	client_read_next(c, strlen(text));
	cr_expect_str_eq(c->bytes, text);
}

static void run(struct world *w, bool tls, void (*body)(struct client *))
{
	struct client *c = calloc(1, sizeof(*c));
	playing = w;
	c->fd = connect_announced(w, tls);
	with_client(w, c, body);
	client_close(c);
	free(c);
}

static void record_proxy(struct world *w)
{
	record_begin(w);
	record_connect(w, 1, false, 0);
	record_out(w, 1, CONNECT, 1 * MS);
	record_in(w, 1, ESTABLISHED, 2 * MS);
}

static void ask_inside(struct client *c)
{
	client_send(c, CONNECT);
	expect(c, ESTABLISHED);
	client_start_tls(c, playing->ca);
	client_send(c, REQUEST("/a"));
	expect(c, ANSWER);
}

Test(peer_switch, tls_inside_a_proxys_tunnel)
{
	struct world w;
	record_proxy(&w);
	record_exchange(&w, 2, true, REQUEST("/a"), ANSWER);
	play(&w, as_fast_as_possible);
	run(&w, false, ask_inside);
	cr_expect_str_empty(w.missed, "%s", w.explained);
	world_free(&w);
}

static void ask_plainly(struct client *c)
{
	client_send(c, CONNECT);
	expect(c, ESTABLISHED);
	client_send(c, REQUEST("/a"));
	expect(c, ANSWER);
}

Test(peer_switch, http_inside_a_proxys_tunnel)
{
	struct world w;
	record_proxy(&w);
	record_exchange(&w, 2, false, REQUEST("/a"), ANSWER);
	play(&w, as_fast_as_possible);
	run(&w, false, ask_plainly);
	cr_expect_str_empty(w.missed, "%s", w.explained);
	world_free(&w);
}

static void ask_without_waiting(struct client *c)
{
	client_send(c, CONNECT REQUEST("/a"));
	expect(c, ESTABLISHED ANSWER);
}

Test(peer_switch, bytes_after_the_request_are_not_lost)
{
	struct world w;
	record_proxy(&w);
	record_exchange(&w, 2, false, REQUEST("/a"), ANSWER);
	play(&w, as_fast_as_possible);
	run(&w, false, ask_without_waiting);
	cr_expect_str_empty(w.missed, "%s", w.explained);
	world_free(&w);
}

static void be_refused(struct client *c)
{
	client_send(c, CONNECT);
	expect(c, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
	client_send(c, REQUEST("/a"));
	expect(c, ANSWER);
}

Test(peer_switch, a_refused_tunnel_is_none)
{
	struct world w;
	record_begin(&w);
	record_connect(&w, 1, false, 0);
	record_out(&w, 1, CONNECT, 1 * MS);
	record_in(&w, 1, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", 2 * MS);
	record_exchange(&w, 2, false, REQUEST("/a"), ANSWER);
	play(&w, as_fast_as_possible);
	run(&w, false, be_refused);
	world_free(&w);
}

static void be_dropped(struct client *c)
{
	client_send(c, CONNECT);
	expect(c, ESTABLISHED);
	client_read_next(c, 1);
	cr_expect_eq(c->end, 0);
	cr_expect_eq(c->len, 0);
}

Test(peer_switch, a_tunnel_that_was_closed_at_once_is_again)
{
	struct world w;
	record_proxy(&w);
	record_end(&w, 1, EVENT_END_FIN, 0, 3 * MS);
	play(&w, as_fast_as_possible);
	run(&w, false, be_dropped);
	world_free(&w);
}

/* ---- tunnels of their own ---- */

#define UPGRADE                                                                                    \
	"POST /attach HTTP/1.1\r\nHost: " HOST                                                     \
	"\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n"
#define UPGRADED "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"

static void talk(struct client *c)
{
	client_send(c, UPGRADE);
	expect(c, UPGRADED "motd\n");
	client_send(c, "ls\n");
	expect(c, "a b\n");
	client_read_next(c, 1);
	cr_expect_eq(c->end, 0);
}

static void talk_otherwise(struct client *c)
{
	client_send(c, UPGRADE);
	expect(c, UPGRADED "motd\n");
	client_send(c, "rm\n");
	client_read_next(c, 1);
	cr_expect_eq(c->end, ECONNRESET);
}

Test(peer_switch, another_upgrade_plays_its_tunnel)
{
	for (int other = 0; other < 2; other++) {
		struct world w;
		record_begin(&w);
		record_connect(&w, 1, false, 0);
		record_out(&w, 1, UPGRADE, 1 * MS);
		record_in(&w, 1, UPGRADED, 2 * MS);
		record_in(&w, 1, "motd\n", 3 * MS);
		record_out(&w, 1, "ls\n", 4 * MS);
		record_in(&w, 1, "a b\n", 5 * MS);
		record_end(&w, 1, EVENT_END_FIN, 0, 6 * MS);
		play(&w, as_fast_as_possible);
		run(&w, false, other ? talk_otherwise : talk);
		cr_expect_str_eq(w.missed, other ? "different" : "", "%s", w.explained);
		world_free(&w);
	}
}

static void talk_through(struct client *c)
{
	client_send(c, CONNECT);
	expect(c, ESTABLISHED);
	if (c->argument)
		client_start_tls(c, playing->ca);
	client_send(c, "PING\r\n");
	expect(c, "+PONG\r\n");
}

static void talk_through_tls(struct client *c)
{
	c->argument = c;
	talk_through(c);
}

Test(peer_switch, a_dialogue_inside_a_proxys_tunnel)
{
	for (int tls = 0; tls < 2; tls++) {
		struct world w;
		record_proxy(&w);
		if (tls)
			record_tls(&w, 1, 2 * MS);
		record_out(&w, 1, "PING\r\n", 3 * MS);
		record_in(&w, 1, "+PONG\r\n", 4 * MS);
		play(&w, as_fast_as_possible);
		run(&w, false, tls ? talk_through_tls : talk_through);
		cr_expect_str_empty(w.missed, "%s", w.explained);
		world_free(&w);
	}
}

static void be_greeted_inside(struct client *c)
{
	client_send(c, CONNECT);
	expect(c, ESTABLISHED);
	client_start_tls(c, playing->ca);
	expect(c, "220 mail\r\n");
}

Test(peer_switch, a_server_greets_inside_tls_inside_a_tunnel)
{
	struct world w;
	record_proxy(&w);
	record_tls(&w, 1, 2 * MS);
	record_in(&w, 1, "220 mail\r\n", 3 * MS);
	play(&w, as_fast_as_possible);
	run(&w, false, be_greeted_inside);
	cr_expect_str_empty(w.missed, "%s", w.explained);
	world_free(&w);
}
