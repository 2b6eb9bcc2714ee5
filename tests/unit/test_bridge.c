/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/x509v3.h>
#include "bridge_world.h"

static struct world w;
static struct host h;

static void begin(void)
{
	world_begin(&w);
	memset(&h, 0, sizeof(h));
}

static void finish(void)
{
	host_stop(&h);
	world_end(&w);
}

/* Says everything back until the end, then ends too. */
static void echo(struct end *e)
{
	char bytes[1 << 16];
	ssize_t n;
	while ((n = end_read(e, bytes, sizeof(bytes))) > 0)
		if (!end_write(e, bytes, (size_t)n))
			return;
	if (n == 0 && e->ssl)
		SSL_shutdown(e->ssl);
}

static void start_echo(bool tls, int version, const char *alpn)
{
	h.tls = tls;
	h.version = version;
	h.alpn = alpn;
	h.serve = echo;
	host_start(&w, &h);
}

/* ---- plain ---- */

Test(bridge, plain_bytes_pass_and_are_told, .init = begin, .fini = finish)
{
	struct program p;
	start_echo(false, 0, NULL);
	program_connect(&w, &p, &h);
	cr_assert(end_say(&p.end, "GET / HTTP/1.1\r\n\r\n"));
	cr_assert(end_hears(&p.end, "GET / HTTP/1.1\r\n\r\n"));
	shutdown(p.end.fd, SHUT_WR);
	cr_assert(end_hears_nothing_more(&p.end));
	program_close(&p);
	cr_assert(wait_until(&w, is_closed, p.id));
	const struct seen *s = &w.seen[p.id];
	cr_assert_str_eq(s->ways, "plain");
	cr_assert_eq(s->hello_len, 0);
	cr_assert_eq(s->count[EVENT_OUT], 18);
	cr_assert_eq(s->count[EVENT_IN], 18);
	cr_assert_eq(s->ends[EVENT_OUT].kind, EVENT_END_SHUTDOWN);
	cr_assert_eq(s->ends[EVENT_IN].kind, EVENT_END_FIN);
	cr_assert_eq(s->end_count[EVENT_OUT] + s->end_count[EVENT_IN], 2);
	cr_assert_eq(open_count(&w), 0);
}

static void greet_first(struct end *e)
{
	end_say(e, "220 ready\r\n");
	echo(e);
}

Test(bridge, a_host_may_speak_first, .init = begin, .fini = finish)
{
	struct program p;
	h.serve = greet_first;
	host_start(&w, &h);
	program_hand_over(&w, &p, &h);
	cr_assert(end_hears(&p.end, "220 ready\r\n"));
	cr_assert(end_say(&p.end, "QUIT\r\n"));
	cr_assert(end_hears(&p.end, "QUIT\r\n"));
	program_close(&p);
	cr_assert(wait_until(&w, is_closed, p.id));
	cr_assert_str_eq(w.seen[p.id].ways, "plain");
}

Test(bridge, bytes_that_only_begin_like_tls_pass, .init = begin, .fini = finish)
{
	struct program p;
	start_echo(false, 0, NULL);
	program_connect(&w, &p, &h);
	cr_assert(end_write(&p.end, "\x16\x03", 2));
	usleep(20000);
	cr_assert(end_say(&p.end, "no TLS"));
	cr_assert(end_hears(&p.end, "\x16\x03no TLS"));
	/* Later, what one types is not held at all. */
	cr_assert(end_write(&p.end, "\x16", 1));
	cr_assert(end_hears(&p.end, "\x16"));
	/* An end before it is whole is an end. */
	program_close(&p);
	program_connect(&w, &p, &h);
	cr_assert(end_write(&p.end, "\x16\x03\x01", 3));
	shutdown(p.end.fd, SHUT_WR);
	cr_assert(end_hears(&p.end, "\x16\x03\x01"));
	cr_assert(end_hears_nothing_more(&p.end));
	program_close(&p);
	cr_assert_str_eq(w.seen[p.id].ways, "plain");
}

/* ---- who may come ---- */

Test(bridge, nobody_else_is_let_in, .init = begin, .fini = finish)
{
	uint16_t port;
	int fd = bound_socket(&port);
	char byte;
	start_echo(false, 0, NULL);
	cr_assert_eq(connect_loopback(fd, bridge_port(&w)), 0);
	cr_assert_eq(recv(fd, &byte, 1, 0), -1);
	cr_assert_eq(errno, ECONNRESET);
	close(fd);
	cr_assert_eq(h.accepted, 0);
}

Test(bridge, a_mapped_address_is_let_in, .init = begin, .fini = finish)
{
	struct program p = {.id = 1};
	start_echo(false, 0, NULL);
	struct call call = {.world = &w, .target = target_of(&w, 1, h.port), .family = AF_INET6};
	p.end.fd = bound_socket(&call.port);
	cr_assert_eq(call_on_loop(&call, call_dial), 0);
	cr_assert_eq(call_on_loop(&call, call_admit), 0);
	cr_assert_eq(connect_loopback(p.end.fd, bridge_port(&w)), 0);
	cr_assert(end_say(&p.end, "hey"));
	cr_assert(end_hears(&p.end, "hey"));
	program_close(&p);
}

static void call_refuse(struct call *call)
{
	bridge_refuse(call->world->bridge, call->ticket);
	call->result = bridge_admit(call->world->bridge, call->ticket, AF_INET, 4711);
	call_finish(call);
}

Test(bridge, a_verdict_is_the_kernels, .init = begin, .fini = finish)
{
	uint16_t port;
	int fd = bound_socket(&port);
	start_echo(false, 0, NULL);
	struct call call = {.world = &w, .target = target_of(&w, 1, port)};
	cr_assert_eq(call_on_loop(&call, call_dial), -ECONNREFUSED);
	cr_assert_eq(call.ticket, 0);
	close(fd);
	/* Broadcast without leave: connect() itself fails. */
	call.target = target_of(&w, 1, h.port);
	((struct sockaddr_in *)&call.target.address)->sin_addr.s_addr = INADDR_BROADCAST;
	int r = call_on_loop(&call, call_dial);
	cr_assert(r == -ENETUNREACH || r == -EACCES, "%d", r);
	call.target = target_of(&w, 1, h.port);
	cr_assert_eq(call_on_loop(&call, call_dial), 0);
	cr_assert_eq(open_count(&w), 1);
	cr_assert_eq(call_on_loop(&call, call_refuse), -ENOENT);
	cr_assert_eq(open_count(&w), 0);
	call.target.address_len = 3;
	cr_assert_eq(call_on_loop(&call, call_dial), -EINVAL);
}

/* ---- TLS ---- */

static void check_opened(int version, const char *host_alpn, const char *offer, const char *agreed)
{
	struct program p;
	start_echo(true, version, host_alpn);
	program_connect(&w, &p, &h);
	cr_assert(program_start_tls(&p, w.ca, offer, 0));
	cr_assert_str_eq(program_alpn(&p), agreed);
	for (int i = 0; i < 3; i++) {
		cr_assert(end_say(&p.end, "secret"));
		cr_assert(end_hears(&p.end, "secret"));
	}
	SSL_shutdown(p.end.ssl);
	cr_assert(end_hears_nothing_more(&p.end));
	cr_assert(SSL_get_shutdown(p.end.ssl) & SSL_RECEIVED_SHUTDOWN);
	program_close(&p);
	cr_assert(wait_until(&w, is_closed, p.id));
	const struct seen *s = &w.seen[p.id];
	cr_assert_str_eq(s->ways, "bridge");
	cr_assert_str_eq(s->reason, "");
	cr_assert_str_eq(s->alpn, agreed);
	cr_assert_gt(s->hello_len, 100);
	cr_assert_eq(s->reads[EVENT_OUT], 3);
	cr_assert_eq(s->reads[EVENT_IN], 3);
	cr_assert_eq(memcmp(s->bytes[EVENT_IN].data, "secretsecretsecret", 18), 0);
	cr_assert_eq(s->ends[EVENT_OUT].kind, EVENT_END_SHUTDOWN);
	cr_assert_eq(s->ends[EVENT_IN].kind, EVENT_END_CLOSE_NOTIFY);
	cr_assert_eq(h.accepted, 1);
}

Test(bridge, opens_tls_1_3, .init = begin, .fini = finish)
{
	check_opened(TLS1_3_VERSION, NULL, NULL, "");
}

Test(bridge, opens_tls_1_2, .init = begin, .fini = finish)
{
	check_opened(TLS1_2_VERSION, NULL, "\x02h2\x08http/1.1", "");
}

Test(bridge, speaks_what_the_host_chose_first, .init = begin, .fini = finish)
{
	check_opened(0, "\x02h2\x08http/1.1", "\x08http/1.1\x02h2", "h2");
}

Test(bridge, speaks_what_the_host_knows, .init = begin, .fini = finish)
{
	check_opened(TLS1_2_VERSION, "\x08http/1.1", "\x02h2\x08http/1.1", "http/1.1");
}

Test(bridge, a_hello_in_pieces, .init = begin, .fini = finish)
{
	struct program p;
	char hello[4096], got[4096];
	start_echo(true, 0, NULL);
	program_connect(&w, &p, &h);
	p.context = SSL_CTX_new(TLS_client_method());
	p.end.ssl = SSL_new(p.context);
	SSL_set_bio(p.end.ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	SSL_set_tlsext_host_name(p.end.ssl, HOST);
	cr_assert_eq(SSL_connect(p.end.ssl), -1);
	int len = BIO_read(SSL_get_wbio(p.end.ssl), hello, sizeof(hello));
	for (int i = 0; i < len; i += 40) {
		int n = len - i < 40 ? len - i : 40;
		cr_assert_eq(send(p.end.fd, hello + i, (size_t)n, MSG_NOSIGNAL), n);
		usleep(2000);
	}
	while (!SSL_is_init_finished(p.end.ssl)) {
		ssize_t n = recv(p.end.fd, got, sizeof(got), 0);
		cr_assert_gt(n, 0);
		BIO_write(SSL_get_rbio(p.end.ssl), got, (int)n);
		SSL_do_handshake(p.end.ssl);
	}
	program_close(&p);
}

/* ---- unopened ---- */

static void check_unopened(const char *reason)
{
	struct program p;
	program_connect(&w, &p, &h);
	cr_assert(program_start_tls(&p, h.issuer ? h.issuer : w.roots, NULL, 0));
	cr_assert(end_say(&p.end, "secret"));
	cr_assert(end_hears(&p.end, "secret"));
	SSL_shutdown(p.end.ssl);
	cr_assert(end_hears_nothing_more(&p.end));
	program_close(&p);
	cr_assert(wait_until(&w, is_closed, p.id));
	const struct seen *s = &w.seen[p.id];
	cr_assert_str_eq(s->ways, "relay");
	cr_assert_str_eq(s->reason, reason);
	cr_assert_gt(s->hello_len, 100);
	cr_assert_eq(s->count[EVENT_OUT] + s->count[EVENT_IN], 0);
}

Test(bridge, a_host_that_does_not_verify_is_not_opened, .init = begin, .fini = finish)
{
	h.issuer = session_ca_new();
	start_echo(true, 0, NULL);
	check_unopened("the host's certificate does not verify: unable to get local issuer "
		       "certificate");
	cr_assert_eq(h.accepted, 2);
	session_ca_free(h.issuer);
}

Test(bridge, a_host_of_another_name_is_not_opened, .init = begin, .fini = finish)
{
	struct program p;
	h.name = "other.example.com";
	start_echo(true, 0, NULL);
	program_connect(&w, &p, &h);
	/* The program sees the truth: the host's own certificate. */
	cr_assert_not(program_start_tls(&p, w.roots, NULL, 0));
	cr_assert_eq(SSL_get_verify_result(p.end.ssl), X509_V_ERR_HOSTNAME_MISMATCH);
	program_close(&p);
	cr_assert(wait_until(&w, is_closed, p.id));
	cr_assert_str_eq(
		w.seen[p.id].reason, "the host's certificate does not verify: hostname mismatch");
}

static void dial_unverified(struct program *p)
{
	struct bridge_target target = target_of(&w, w.next_id++, h.port);
	target.unverified = true;
	program_dial(&w, p, &target);
}

/* What a program is shown, which is called "self-signed" where nobody is to trust it. */
static const char *judgement(struct program *p)
{
	program_start_tls(p, w.ca, NULL, 0);
	return X509_verify_cert_error_string(SSL_get_verify_result(p->end.ssl));
}

Test(bridge, a_program_that_may_not_verify_is_not_shown_what_it_would_trust, .init = begin,
	.fini = finish)
{
	struct program p;
	h.issuer = session_ca_new();
	start_echo(true, 0, NULL);
	dial_unverified(&p);
	cr_expect_str_eq(judgement(&p), "self-signed certificate");
	program_close(&p);
	cr_assert(wait_until(&w, is_closed, p.id));
	cr_expect_str_eq(w.seen[p.id].ways, "bridge");
	session_ca_free(h.issuer);
}

Test(bridge, a_host_that_verifies_does_so_for_it_too, .init = begin, .fini = finish)
{
	struct program p;
	start_echo(true, 0, NULL);
	dial_unverified(&p);
	cr_expect_str_eq(judgement(&p), "ok");
	cr_assert(end_say(&p.end, "secret"));
	cr_assert(end_hears(&p.end, "secret"));
	program_close(&p);
	cr_assert_str_eq(w.seen[p.id].ways, "bridge");
}

/* What OpenSSL takes and others do not is left to the program. */
static X509 *shown_leaf(unsigned traits)
{
	struct program p;
	h.traits = traits;
	start_echo(true, 0, NULL);
	program_connect(&w, &p, &h);
	cr_assert(program_start_tls(&p, w.ca, NULL, 0));
	X509 *leaf = SSL_get1_peer_certificate(p.end.ssl);
	program_close(&p);
	return leaf;
}

Test(bridge, a_host_that_is_an_authority_is_shown_as_one, .init = begin, .fini = finish)
{
	X509 *leaf = shown_leaf(SESSION_CA_AUTHORITY);
	cr_expect(X509_get_extension_flags(leaf) & EXFLAG_CA);
	X509_free(leaf);
}

Test(bridge, a_host_named_by_its_subject_alone_is_shown_as_such, .init = begin, .fini = finish)
{
	X509 *leaf = shown_leaf(SESSION_CA_UNNAMED);
	cr_expect_eq(X509_get_ext_by_NID(leaf, NID_subject_alt_name, -1), -1);
	X509_free(leaf);
}

Test(bridge, a_host_that_wants_a_certificate_is_not_opened, .init = begin, .fini = finish)
{
	h.wants_certificate = true;
	start_echo(true, TLS1_3_VERSION, NULL);
	check_unopened("the host asks for a client certificate");
}

Test(bridge, nor_one_that_wants_it_by_tls_1_2, .init = begin, .fini = finish)
{
	h.wants_certificate = true;
	start_echo(true, TLS1_2_VERSION, NULL);
	check_unopened("the host asks for a client certificate");
}

/* What comes right behind a hello, as early data does, is relayed with it. */
static void count_and_tell(struct end *e)
{
	char text[32];
	snprintf(text, sizeof(text), "%zd", end_drain(e));
	end_say(e, text);
}

static void refuse_then_count(struct end *e)
{
	char bytes[4096];
	if (e->host->accepted == 1)
		(void)end_read(e, bytes, sizeof(bytes));
	else
		count_and_tell(e);
}

Test(bridge, what_follows_a_hello_goes_with_it, .init = begin, .fini = finish)
{
	static char bytes[300000];
	struct program p;
	char text[32];
	h.serve = refuse_then_count;
	host_start(&w, &h);
	program_connect(&w, &p, &h);
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(context);
	SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	cr_assert_eq(SSL_connect(ssl), -1);
	cr_assert_gt(BIO_read(SSL_get_wbio(ssl), bytes, 4096), 0);
	SSL_free(ssl);
	SSL_CTX_free(context);
	cr_assert(end_write(&p.end, bytes, sizeof(bytes)));
	shutdown(p.end.fd, SHUT_WR);
	snprintf(text, sizeof(text), "%zu", sizeof(bytes));
	cr_assert(end_hears(&p.end, text));
	program_close(&p);
	cr_assert(wait_until(&w, is_closed, p.id));
	cr_assert_str_eq(w.seen[p.id].ways, "relay");
}

static void hang_up_on_hello(struct end *e)
{
	char bytes[4096];
	(void)end_read(e, bytes, sizeof(bytes));
}

Test(bridge, a_host_that_hangs_up_on_us_hangs_up_on_the_program, .init = begin, .fini = finish)
{
	struct program p;
	h.serve = hang_up_on_hello;
	host_start(&w, &h);
	program_connect(&w, &p, &h);
	cr_assert_not(program_start_tls(&p, w.ca, NULL, 0));
	program_close(&p);
	cr_assert(wait_until(&w, is_closed, p.id));
	cr_assert_str_eq(w.seen[p.id].ways, "relay");
	cr_assert_eq(h.accepted, 2);
}

static void hang_up_and_leave(struct end *e)
{
	hang_up_on_hello(e);
	shutdown(e->host->fd, SHUT_RDWR);
}

Test(bridge, a_host_that_is_gone_is_a_reset, .init = begin, .fini = finish)
{
	struct program p;
	char byte;
	h.serve = hang_up_and_leave;
	host_start(&w, &h);
	program_connect(&w, &p, &h);
	cr_assert_not(program_start_tls(&p, w.ca, NULL, 0));
	cr_assert(recv(p.end.fd, &byte, 1, 0) <= 0);
	program_close(&p);
	cr_assert(wait_until(&w, is_closed, p.id));
	cr_assert_eq(w.seen[p.id].ends[EVENT_IN].kind, EVENT_END_ERROR);
}

static void check_pinned(int version)
{
	struct program p;
	start_echo(true, version, NULL);
	program_connect(&w, &p, &h);
	cr_assert_not(program_start_tls(&p, w.roots, NULL, 0));
	program_close(&p);
	cr_assert(wait_until(&w, is_closed, p.id));
	cr_assert_str_eq(w.seen[p.id].ways, "bridge");
	cr_assert(strstr(w.seen[p.id].reason, "unknown ca"), "%s", w.seen[p.id].reason);
	cr_assert_eq(w.seen[p.id].ends[EVENT_OUT].kind, EVENT_END_ERROR);
	check_unopened("the program refused our certificate before (pinned)");
	/* Another program may think otherwise. */
	struct bridge_target target = target_of(&w, w.next_id++, h.port);
	target.program = "/usr/bin/other";
	program_dial(&w, &p, &target);
	cr_assert(program_start_tls(&p, w.ca, NULL, 0));
	program_close(&p);
	cr_assert_eq(h.accepted, 3, "a host that was not greeted need not be dialled again");
}

Test(bridge, a_program_that_pins_is_not_opened_again, .init = begin, .fini = finish)
{
	check_pinned(TLS1_3_VERSION);
}

Test(bridge, nor_one_that_pins_in_tls_1_2, .init = begin, .fini = finish)
{
	check_pinned(TLS1_2_VERSION);
}

Test(bridge, a_program_that_closes_after_the_handshake_has_refused, .init = begin, .fini = finish)
{
	struct program p;
	start_echo(true, 0, NULL);
	program_connect(&w, &p, &h);
	cr_assert(program_start_tls(&p, w.ca, NULL, 0));
	program_close(&p);
	cr_assert(wait_until(&w, is_closed, p.id));
	check_unopened("the program refused our certificate before (pinned)");
}

Test(bridge, unless_it_takes_its_leave, .init = begin, .fini = finish)
{
	struct program p;
	start_echo(true, 0, NULL);
	for (int i = 0; i < 2; i++) {
		program_connect(&w, &p, &h);
		cr_assert(program_start_tls(&p, w.ca, NULL, 0));
		SSL_shutdown(p.end.ssl);
		program_close(&p);
		cr_assert(wait_until(&w, is_closed, p.id));
		cr_assert_str_eq(w.seen[p.id].ways, "bridge");
	}
}

Test(bridge, or_is_known_to_accept, .init = begin, .fini = finish)
{
	struct program p;
	start_echo(true, 0, NULL);
	for (int i = 0; i < 3; i++) {
		program_connect(&w, &p, &h);
		cr_assert(program_start_tls(&p, w.ca, NULL, 0));
		cr_assert(i == 1 || (end_say(&p.end, "secret") && end_hears(&p.end, "secret")));
		program_close(&p);
		cr_assert(wait_until(&w, is_closed, p.id));
		cr_assert_str_eq(w.seen[p.id].ways, "bridge");
	}
}

/* ---- TLS after plaintext ---- */

static void start_tls_host(struct end *e)
{
	end_say(e, "220 ready\r\n");
	if (!end_hears(e, "STARTTLS\r\n"))
		return;
	end_say(e, "220 go ahead\r\n");
	if (end_start_host_tls(e))
		echo(e);
}

static void say_starttls(struct program *p)
{
	program_connect(&w, p, &h);
	cr_assert(end_hears(&p->end, "220 ready\r\n"));
	cr_assert(end_say(&p->end, "STARTTLS\r\n"));
	cr_assert(end_hears(&p->end, "220 go ahead\r\n"));
}

Test(bridge, tls_may_begin_later, .init = begin, .fini = finish)
{
	struct program p;
	h.serve = start_tls_host;
	host_start(&w, &h);
	say_starttls(&p);
	cr_assert(program_start_tls(&p, w.ca, NULL, 0));
	cr_assert(end_say(&p.end, "secret"));
	cr_assert(end_hears(&p.end, "secret"));
	program_close(&p);
	cr_assert(wait_until(&w, is_closed, p.id));
	const struct seen *s = &w.seen[p.id];
	cr_assert_str_eq(s->ways, "plain bridge");
	cr_assert(span_equal((struct span){s->bytes[EVENT_OUT].data, s->bytes[EVENT_OUT].len},
		span_of("STARTTLS\r\nsecret")));
	cr_assert(span_equal((struct span){s->bytes[EVENT_IN].data, s->bytes[EVENT_IN].len},
		span_of("220 ready\r\n220 go ahead\r\nsecret")));
}

Test(bridge, tls_begun_later_is_left_unopened_at_the_second_attempt, .init = begin, .fini = finish)
{
	struct program p;
	h.serve = start_tls_host;
	h.issuer = session_ca_new();
	host_start(&w, &h);
	say_starttls(&p);
	cr_assert_not(program_start_tls(&p, h.issuer, NULL, 0));
	program_close(&p);
	cr_assert(wait_until(&w, is_closed, p.id));
	cr_assert_str_eq(w.seen[p.id].ways, "plain relay");
	say_starttls(&p);
	cr_assert(program_start_tls(&p, h.issuer, NULL, 0));
	cr_assert(end_say(&p.end, "secret"));
	cr_assert(end_hears(&p.end, "secret"));
	program_close(&p);
	cr_assert(wait_until(&w, is_closed, p.id));
	cr_assert_str_eq(w.seen[p.id].ways, "plain relay");
	session_ca_free(h.issuer);
}
