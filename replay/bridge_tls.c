/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/bridge_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "replay/socket_bio.h"

#define READ_BYTES (64u << 10) /* several records for one system call */

struct bridge_tls {
	struct session_ca *ca;
	bool shows_chain;
	SSL_CTX *toward_program, *toward_host;
};

static void configure(SSL_CTX *context)
{
	/* An end without close_notify is passed on as such; it is no error of ours. */
	SSL_CTX_set_options(context,
		SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_clear_options(context, SSL_OP_ENABLE_KTLS);
	SSL_CTX_set_mode(context,
		SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
			SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_read_ahead(context, 1);
	SSL_CTX_set_default_read_buffer_len(context, READ_BYTES);
}

/* What the host chose, or nothing. */
static int choose_protocol(SSL *ssl, const unsigned char **ret, unsigned char *ret_len,
	const unsigned char *offered, unsigned int offered_len, void *argument)
{
	const struct bridge_alpn *alpn = SSL_get_app_data(ssl);
	if (!alpn->len)
		return SSL_TLSEXT_ERR_NOACK;
	*ret = alpn->name;
	*ret_len = alpn->len;
	return SSL_TLSEXT_ERR_OK;
}

/* Suspends the handshake: what the program would answer, only it can. */
static int note_certificate_request(SSL *ssl, X509 **cert, EVP_PKEY **key)
{
	bool *asked = SSL_get_app_data(ssl);
	*asked = true;
	return -1;
}

static bool configure_toward_program(SSL_CTX *context)
{
	configure(context);
	/* Explicit, because the system's openssl.cnf may ask for more than an old client can do. */
	SSL_CTX_set_security_level(context, 0);
	SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
	return SSL_CTX_set_min_proto_version(context, 0) &&
		SSL_CTX_set_max_proto_version(context, 0) &&
		SSL_CTX_set_cipher_list(context, "ALL:!aNULL:!eNULL:@SECLEVEL=0");
}

static bool configure_toward_host(SSL_CTX *context)
{
	configure(context);
	SSL_CTX_set_client_cert_cb(context, note_certificate_request);
	return SSL_CTX_set_default_verify_paths(context) == 1;
}

struct bridge_tls *bridge_tls_new(struct session_ca *ca, bool shows_chain)
{
	struct bridge_tls *tls = calloc(1, sizeof(*tls));
	if (!tls)
		return NULL;
	tls->ca = ca;
	tls->shows_chain = shows_chain;
	tls->toward_program = SSL_CTX_new(TLS_server_method());
	tls->toward_host = SSL_CTX_new(TLS_client_method());
	if (tls->toward_program && tls->toward_host &&
		configure_toward_program(tls->toward_program) &&
		configure_toward_host(tls->toward_host))
		return tls;
	bridge_tls_free(tls);
	return NULL;
}

void bridge_tls_free(struct bridge_tls *tls)
{
	if (!tls)
		return;
	SSL_CTX_free(tls->toward_program);
	SSL_CTX_free(tls->toward_host);
	free(tls);
}

SSL *bridge_tls_accept(struct bridge_tls *tls, struct bridge_connection *c)
{
	SSL *ssl = socket_bio_session(tls->toward_program, c->program.stream.fd, &c->alpn);
	if (!ssl || session_ca_present(tls->ca, ssl, c->name) < 0) {
		SSL_free(ssl);
		return NULL;
	}
	SSL_set_accept_state(ssl);
	return ssl;
}

static bool is_address(const char *name)
{
	uint8_t bytes[16];
	return inet_pton(AF_INET, name, bytes) == 1 || inet_pton(AF_INET6, name, bytes) == 1;
}

static bool has_alternative_name(X509 *cert, const char *name)
{
	const unsigned flags =
		X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT;
	return is_address(name) ? X509_check_ip_asc(cert, name, 0) == 1
				: X509_check_host(cert, name, 0, flags, NULL) == 1;
}

/* What of the host's certificate the program may judge otherwise than we did. */
static unsigned traits_of(const struct bridge_connection *c)
{
	X509 *cert = SSL_get1_peer_certificate(c->host.stream.ssl);
	unsigned traits = 0;
	if (!cert || SSL_get_verify_result(c->host.stream.ssl) != X509_V_OK) {
		traits = SESSION_CA_UNTRUSTED;
	} else {
		if (X509_get_extension_flags(cert) & EXFLAG_CA)
			traits |= SESSION_CA_AUTHORITY;
		if (!has_alternative_name(cert, c->name))
			traits |= SESSION_CA_UNNAMED;
	}
	X509_free(cert);
	return traits;
}

static int show_chain(const struct bridge_connection *c)
{
	STACK_OF(X509) *chain = SSL_get_peer_cert_chain(c->host.stream.ssl);
	for (int i = 0; i < sk_X509_num(chain); i++)
		if (SSL_add1_chain_cert(c->program.stream.ssl, sk_X509_value(chain, i)) != 1)
			return -ENOMEM;
	return 0;
}

int bridge_tls_mirror(struct bridge_tls *tls, struct bridge_connection *c)
{
	unsigned traits = traits_of(c);
	int r = 0;
	if (traits)
		r = session_ca_present_as(tls->ca, c->program.stream.ssl, c->name, traits);
	return r == 0 && tls->shows_chain ? show_chain(c) : r;
}

static bool expect_name(SSL *ssl, const char *name)
{
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return is_address(name) ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1
				: SSL_set1_host(ssl, name) == 1;
}

static void judge(struct bridge_connection *c)
{
	const struct bridge_options *options = &c->bridge->options;

	if (!options->judge || c->target.trust)
		return;
	options->judge(options->context, &c->target);
	if (c->target.trust)
		X509_STORE_up_ref(c->target.trust);
}

static bool verify_as_program(SSL *ssl, struct bridge_connection *c)
{
	judge(c);
	/* Judged all the same, and shown: what is true of its environment need not be of each of
	 * its connections. */
	SSL_set_verify(ssl, c->target.unverified ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
	return expect_name(ssl, c->name) &&
		(!c->target.trust || SSL_set1_verify_cert_store(ssl, c->target.trust) == 1);
}

static bool offer_as_program(
	SSL *ssl, const struct bridge_connection *c, const struct client_hello *h)
{
	/* Without SNI the name is the host's address, which is never sent. */
	if (h->sni.len > 0 && SSL_set_tlsext_host_name(ssl, c->name) != 1)
		return false;
	if (h->protocols.len > 0 &&
		SSL_set_alpn_protos(ssl, h->protocols.data, (unsigned)h->protocols.len) != 0)
		return false;
	return SSL_set_min_proto_version(ssl, h->version_min) == 1 &&
		SSL_set_max_proto_version(ssl, h->version_max) == 1;
}

SSL *bridge_tls_connect(
	struct bridge_tls *tls, struct bridge_connection *c, const struct client_hello *hello)
{
	SSL *ssl = socket_bio_session(tls->toward_host, c->host.stream.fd, &c->certificate_asked);
	if (!ssl || !offer_as_program(ssl, c, hello) || !verify_as_program(ssl, c)) {
		SSL_free(ssl);
		return NULL;
	}
	SSL_set_connect_state(ssl);
	return ssl;
}

/* What went wrong, as far as OpenSSL or the kernel say. */
static const char *cause(int error)
{
	const char *text = error == -EPROTO ? ERR_reason_error_string(ERR_peek_error()) : NULL;
	if (text)
		return text;
	return error == 0 ? "it closed the connection" : strerror(-error);
}

void bridge_tls_host_reason(const struct bridge_connection *c, int error, char *ret, size_t size)
{
	long verified = SSL_get_verify_result(c->host.stream.ssl);
	if (c->certificate_asked)
		snprintf(ret, size, "the host asks for a client certificate");
	else if (!c->target.unverified && verified != X509_V_OK)
		snprintf(ret, size, "the host's certificate does not verify: %s",
			X509_verify_cert_error_string(verified));
	else
		snprintf(ret, size, "the TLS handshake with the host failed: %s", cause(error));
}

bool bridge_tls_program_reason(int error, char *ret, size_t size)
{
	/* What the program said, by alert or by leaving; or what we found wrong with it. */
	bool refused = error != -EPROTO || ERR_GET_REASON(ERR_peek_error()) >= SSL_AD_REASON_OFFSET;
	snprintf(ret, size, "%s: %s",
		refused ? "the program refused our certificate"
			: "the TLS handshake with the program failed",
		cause(error));
	return refused;
}
