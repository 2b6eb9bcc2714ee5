/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/mock/mock.h"

#include <event2/bufferevent_ssl.h>
#include <event2/listener.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <string.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <openssl/err.h>
#include "replay/session_ca.h"
#include "tools/rrshim/output.h"

/* evhttp would hang up on a silent client after 50 s, and /delay may be longer than that. */
#define IDLE_SECONDS_MAX 3600

struct mock {
	const struct mock_options *options;
	struct event_base *base;
	struct event *signals[2];
	struct evhttp *http, *https;
	uint16_t http_port, https_port;
	struct session_ca *ca;
	SSL_CTX *tls;
};

static void set_nodelay(struct evhttp_request *req)
{
	struct bufferevent *bev =
		evhttp_connection_get_bufferevent(evhttp_request_get_connection(req));
	int on = 1;

	/* Each piece of a stream is to leave when it is written, as the providers' do. */
	(void)setsockopt(bufferevent_getfd(bev), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static void on_request(struct evhttp_request *req, void *context)
{
	struct mock *m = context;
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(req);
	const char *path = uri ? evhttp_uri_get_path(uri) : NULL;
	const char *query = uri ? evhttp_uri_get_query(uri) : NULL;
	struct mock_call call = {
		.options = m->options,
		.base = m->base,
		.req = req,
		.path = path && *path ? path : "/",
		.query = query ? query : "",
	};

	set_nodelay(req);
	mock_header(&call, "Server", "rrshim-mock");
	mock_dispatch(&call);
}

/* ---- TLS ---- */

/* Without SNI the client named an address: the one it reached us at. */
static const char *local_address(SSL *ssl, char *buf, size_t size)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);
	const void *ip = NULL;

	if (getsockname(SSL_get_fd(ssl), (struct sockaddr *)&address, &len) < 0)
		return "127.0.0.1";
	if (address.ss_family == AF_INET)
		ip = &((struct sockaddr_in *)&address)->sin_addr;
	else if (address.ss_family == AF_INET6)
		ip = &((struct sockaddr_in6 *)&address)->sin6_addr;
	if (ip && evutil_inet_ntop(address.ss_family, ip, buf, size))
		return buf;
	return "127.0.0.1";
}

static int on_certificate(SSL *ssl, void *context)
{
	struct mock *m = context;
	char buf[INET6_ADDRSTRLEN];
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	if (!name)
		name = local_address(ssl, buf, sizeof(buf));
	return session_ca_present(m->ca, ssl, name) == 0;
}

static struct bufferevent *on_tls_connection(struct event_base *base, void *context)
{
	struct mock *m = context;
	struct bufferevent *bev = bufferevent_openssl_socket_new(
		base, -1, SSL_new(m->tls), BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);

	/* Many clients close without close_notify; that is no failure here. */
	if (bev)
		bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
	return bev;
}

static int start_tls(struct mock *m)
{
	const char *file = m->options->ca_file;
	int r;

	m->ca = session_ca_new();
	m->tls = SSL_CTX_new(TLS_server_method());
	if (!m->ca || !m->tls)
		return fail("mock: cannot make a certificate: %s",
			ERR_reason_error_string(ERR_peek_last_error()) ?: "OpenSSL gave no reason");
	SSL_CTX_set_cert_cb(m->tls, on_certificate, m);
	r = file ? session_ca_write_pem(m->ca, file) : 0;
	if (r < 0)
		return fail(
			"mock: cannot write the CA certificate to '%s': %s", file, strerror(-r));
	return 0;
}

/* ---- listening ---- */

static uint16_t bound_port(struct evconnlistener *listener)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);

	if (getsockname(evconnlistener_get_fd(listener), (struct sockaddr *)&address, &len) < 0)
		return 0;
	if (address.ss_family == AF_INET6)
		return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
	return ntohs(((struct sockaddr_in *)&address)->sin_port);
}

static int parse_address(const char *text, int port, struct sockaddr_storage *ret, int *ret_len)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;

	memset(ret, 0, sizeof(*ret));
	if (evutil_inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)port);
		*ret_len = sizeof(*v4);
		return 0;
	}
	if (evutil_inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)port);
		*ret_len = sizeof(*v6);
		return 0;
	}
	return -EINVAL;
}

static struct evhttp *new_http(struct mock *m)
{
	struct evhttp *http = evhttp_new(m->base);

	if (!http)
		return NULL;
	evhttp_set_gencb(http, on_request, m);
	evhttp_set_max_body_size(http, MOCK_BODY_BYTES_MAX);
	evhttp_set_timeout(http, IDLE_SECONDS_MAX);
	evhttp_set_allowed_methods(http,
		EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST | EVHTTP_REQ_PUT |
			EVHTTP_REQ_PATCH | EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS);
	return http;
}

static int listen_on(struct mock *m, int port, struct evhttp **ret, uint16_t *ret_port)
{
	const char *text = m->options->address;
	struct sockaddr_storage address;
	struct evconnlistener *listener;
	int len;

	if (parse_address(text, port, &address, &len) < 0)
		return fail("mock: '%s' is not an IP address", text);
	listener = evconnlistener_new_bind(m->base, NULL, NULL,
		LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE, -1,
		(struct sockaddr *)&address, len);
	if (!listener)
		return fail("mock: cannot listen on %s port %d: %s; --port 0 takes a free one",
			text, port, strerror(errno));
	*ret_port = bound_port(listener);
	*ret = new_http(m);
	if (!*ret || !evhttp_bind_listener(*ret, listener)) {
		evconnlistener_free(listener);
		return fail("mock: cannot serve on %s port %d: out of memory", text, port);
	}
	return 0;
}

/* ---- telling where ---- */

/* By rename, so that whoever waits for the file never reads half of it. */
static int write_file(const char *path, const char *text)
{
	char temporary[4096];
	FILE *f;
	bool written;

	if (snprintf(temporary, sizeof(temporary), "%s.%ld", path, (long)getpid()) >=
		(int)sizeof(temporary))
		return fail("mock: the name '%s' is too long", path);
	f = fopen(temporary, "we");
	if (!f)
		return fail("mock: cannot write '%s': %s", temporary, strerror(errno));
	written = fputs(text, f) >= 0;
	if (fclose(f) != 0 || !written || rename(temporary, path) < 0) {
		int r = fail("mock: cannot write '%s': %s", path, strerror(errno));

		unlink(temporary);
		return r;
	}
	return 0;
}

static int announce(const struct mock *m)
{
	const struct mock_options *o = m->options;
	const char *open = strchr(o->address, ':') ? "[" : "", *close = *open ? "]" : "";
	char ports[64] = "", pid[32];

	if (m->http) {
		printf("rrshim mock: http://%s%s%s:%u\n", open, o->address, close, m->http_port);
		snprintf(ports, sizeof(ports), "http %u\n", m->http_port);
	}
	if (m->https) {
		size_t at = strlen(ports);

		printf("rrshim mock: https://%s%s%s:%u\n", open, o->address, close, m->https_port);
		snprintf(ports + at, sizeof(ports) - at, "https %u\n", m->https_port);
	}
	fflush(stdout);
	snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
	if (o->pid_file && write_file(o->pid_file, pid) != 0)
		return 1;
	return o->port_file ? write_file(o->port_file, ports) : 0;
}

/* ---- life ---- */

static void on_signal(evutil_socket_t signal_number, short what, void *context)
{
	event_base_loopbreak(context);
}

static int start(struct mock *m)
{
	static const int numbers[] = {SIGINT, SIGTERM};
	const struct mock_options *o = m->options;
	int r = 0;

	signal(SIGPIPE, SIG_IGN);
	m->base = event_base_new();
	if (!m->base)
		return fail("mock: cannot start an event loop: %s", strerror(errno));
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		m->signals[i] = evsignal_new(m->base, numbers[i], on_signal, m->base);
		event_add(m->signals[i], NULL);
	}
	if (o->port >= 0)
		r = listen_on(m, o->port, &m->http, &m->http_port);
	if (r == 0 && o->tls_port >= 0)
		r = start_tls(m);
	if (r == 0 && o->tls_port >= 0)
		r = listen_on(m, o->tls_port, &m->https, &m->https_port);
	if (m->https)
		evhttp_set_bevcb(m->https, on_tls_connection, m);
	return r ? r : announce(m);
}

/* Connections still open are left to the end of the process: their streams point at each other. */
static void stop(struct mock *m)
{
	for (size_t i = 0; i < 2; i++) {
		if (m->signals[i])
			event_free(m->signals[i]);
	}
	SSL_CTX_free(m->tls);
	session_ca_free(m->ca);
	if (m->options->pid_file)
		unlink(m->options->pid_file);
}

int mock_serve(const struct mock_options *options)
{
	/* Static: what is still being answered at the end stays reachable. */
	static struct mock m;
	int r;

	m = (struct mock){.options = options};
	r = start(&m);
	if (r == 0)
		event_base_dispatch(m.base);
	stop(&m);
	return r;
}
