/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gnutls_early CERTIFICATE KEY [refuse]: a client and a server in one process, over socket pairs.
 * The first connection brings a ticket; in the second the client sends early data, which the server
 * takes or refuses, and more data. Prints what the server read.
 */
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static gnutls_datum_t ticket_key, resumption;
static gnutls_anti_replay_t anti_replay;
static gnutls_certificate_credentials_t ours, theirs;

static int never_seen(
	void *unused, time_t expires, const gnutls_datum_t *key, const gnutls_datum_t *data)
{
	(void)unused, (void)expires, (void)key, (void)data;
	return 0;
}

static gnutls_session_t end(
	unsigned int flags, gnutls_certificate_credentials_t credentials, int fd)
{
	gnutls_session_t session;

	gnutls_init(&session, flags | GNUTLS_NONBLOCK);
	gnutls_priority_set_direct(session, "NORMAL:-VERS-ALL:+VERS-TLS1.3", NULL);
	gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials);
	gnutls_transport_set_int(session, fd);
	return session;
}

static void read_all(const char *name, gnutls_session_t session)
{
	char text[256];
	ssize_t n;

	while ((n = gnutls_record_recv(session, text, sizeof text)) > 0 || n == GNUTLS_E_AGAIN) {
		if (n == GNUTLS_E_AGAIN)
			return;
		printf("%s: %.*s\n", name, (int)n, text);
	}
}

static void converse(const char *early, const char *late, int refuse)
{
	gnutls_session_t client, server;
	int pair[2], done = 0;
	char text[256];
	ssize_t n;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair))
		exit(1);
	client = end(GNUTLS_CLIENT | GNUTLS_ENABLE_EARLY_DATA, ours, pair[0]);
	server = end(GNUTLS_SERVER | (refuse ? 0 : GNUTLS_ENABLE_EARLY_DATA), theirs, pair[1]);
	gnutls_session_ticket_enable_server(server, &ticket_key);
	gnutls_anti_replay_enable(server, anti_replay);
	if (resumption.data)
		gnutls_session_set_data(client, resumption.data, resumption.size);
	if (early && gnutls_record_send_early_data(client, early, strlen(early)) < 0)
		exit(2);
	for (int i = 0; i < 100 && done != 3; i++) {
		if (!(done & 1) && gnutls_handshake(client) == 0)
			done |= 1;
		if (!(done & 2) && gnutls_handshake(server) == 0)
			done |= 2;
	}
	if (done != 3)
		exit(3);
	n = gnutls_record_recv_early_data(server, text, sizeof text);
	if (n > 0)
		printf("early: %.*s\n", (int)n, text);
	if (early && !(gnutls_session_get_flags(client) & GNUTLS_SFLAGS_EARLY_DATA))
		gnutls_record_send(client, early, strlen(early));
	gnutls_record_send(client, late, strlen(late));
	read_all("late", server);
	gnutls_record_send(server, "answer", 6);
	read_all("answer", client);
	if (!resumption.data && gnutls_session_get_data2(client, &resumption) < 0)
		exit(4);
	gnutls_deinit(client);
	gnutls_deinit(server);
	close(pair[0]);
	close(pair[1]);
}

int main(int argc, char **argv)
{
	gnutls_certificate_allocate_credentials(&ours);
	gnutls_certificate_allocate_credentials(&theirs);
	if (argc < 3 ||
		gnutls_certificate_set_x509_key_file(
			theirs, argv[1], argv[2], GNUTLS_X509_FMT_PEM) < 0)
		return 5;
	gnutls_session_ticket_key_generate(&ticket_key);
	gnutls_anti_replay_init(&anti_replay);
	gnutls_anti_replay_set_add_function(anti_replay, never_seen);
	converse(NULL, "first", 0);
	converse("written early", "written late", argc > 3);
	return 0;
}
