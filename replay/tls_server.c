/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/tls_server.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include "replay/socket_bio.h"

struct tls_server {
	SSL_CTX *context;
	struct session_ca *ca;
};

static int choose_certificate(SSL *ssl, void *argument)
{
	const struct tls_server *server = argument;
	const struct tls_server_client *client = SSL_get_app_data(ssl);
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	if (!name)
		name = client->fallback;
	return name && session_ca_present(server->ca, ssl, name) == 0;
}

#define ALPN_HTTP2 "\x02h2"
#define ALPN_HTTP1 "\x08http/1.1"

/* `protocol` in the form of the offer, its length before it, if that has it; else NULL. */
static const unsigned char *find_offered(
	const unsigned char *offered, unsigned int len, const char *protocol)
{
	for (unsigned int i = 0; i < len; i += 1u + offered[i])
		if (offered[i] == protocol[0] && offered[i] < len - i &&
			!memcmp(offered + i, protocol, 1u + offered[i]))
			return offered + i;
	return NULL;
}

static bool prefers_http2(SSL *ssl)
{
	const struct tls_server_client *client = SSL_get_app_data(ssl);
	return client->prefers_http2 &&
		client->prefers_http2(
			client->context, SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));
}

static int choose_protocol(SSL *ssl, const unsigned char **ret, unsigned char *ret_len,
	const unsigned char *offered, unsigned int offered_len, void *argument)
{
	const unsigned char *http2 = find_offered(offered, offered_len, ALPN_HTTP2);
	const unsigned char *http1 = find_offered(offered, offered_len, ALPN_HTTP1);
	const unsigned char *chosen = http2 && (!http1 || prefers_http2(ssl)) ? http2 : http1;
	/* No overlap gets no answer rather than an alert: most clients then speak HTTP/1. */
	if (!chosen)
		return SSL_TLSEXT_ERR_NOACK;
	*ret = chosen + 1;
	*ret_len = *chosen;
	return SSL_TLSEXT_ERR_OK;
}

static int configure(SSL_CTX *context, struct tls_server *server)
{
	/* Explicit, because the system's openssl.cnf may ask for more than an old client can do. */
	SSL_CTX_set_security_level(context, 0);
	if (!SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) ||
		!SSL_CTX_set_max_proto_version(context, 0) ||
		!SSL_CTX_set_cipher_list(context, "ALL:!aNULL:!eNULL:@SECLEVEL=0"))
		return -EIO;
	/* A client that half-closes without close_notify still gets its response. */
	SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_mode(context,
		SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
			SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
	/* Tickets are stateless; a cache would only grow. */
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_cert_cb(context, choose_certificate, server);
	SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
	return 0;
}

struct tls_server *tls_server_new(struct session_ca *ca)
{
	struct tls_server *server = calloc(1, sizeof(*server));
	if (!server)
		return NULL;
	server->ca = ca;
	server->context = SSL_CTX_new(TLS_server_method());
	if (server->context && configure(server->context, server) == 0)
		return server;
	tls_server_free(server);
	return NULL;
}

void tls_server_free(struct tls_server *server)
{
	if (!server)
		return;
	SSL_CTX_free(server->context);
	free(server);
}

SSL *tls_server_accept(struct tls_server *server, int fd, const struct tls_server_client *client)
{
	SSL *ssl = socket_bio_session(server->context, fd, (void *)client);
	if (ssl)
		SSL_set_accept_state(ssl);
	return ssl;
}
