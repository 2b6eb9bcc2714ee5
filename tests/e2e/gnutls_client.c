/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gnutls_client PORT WAY: one GET /page?i=WAY over TLS, written and read in the way of that name,
 * and the answer's body printed. Ways: plain, send2, range, cork, file, file-at, packet, seq,
 * memory (transport functions that keep bytes in memory), again (a send that blocks first),
 * again-empty (the same, made again with no data), list (trust by a list of its own), server (both
 * ends in this process).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct transport {
	int fd, refusals; /* sends to be refused with EAGAIN first */
	char out[65536], in[65536];
	size_t out_len, in_len;
	int memory;
} transport;

static void flush_memory(void)
{
	size_t at = 0;

	while (at < transport.out_len) {
		ssize_t n = send(transport.fd, transport.out + at, transport.out_len - at, 0);

		if (n <= 0)
			exit(10);
		at += (size_t)n;
	}
	transport.out_len = 0;
}

static ssize_t push(gnutls_transport_ptr_t t, const void *data, size_t n)
{
	struct transport *p = t;

	if (p->refusals > 0) {
		p->refusals--;
		errno = EAGAIN;
		return -1;
	}
	if (!p->memory)
		return send(p->fd, data, n, 0);
	if (n > sizeof p->out - p->out_len)
		exit(11);
	memcpy(p->out + p->out_len, data, n);
	p->out_len += n;
	return (ssize_t)n;
}

static ssize_t pull(gnutls_transport_ptr_t t, void *data, size_t n)
{
	struct transport *p = t;

	if (!p->memory)
		return recv(p->fd, data, n, 0);
	if (p->in_len == 0) {
		errno = EAGAIN;
		return -1;
	}
	n = n < p->in_len ? n : p->in_len;
	memcpy(data, p->in, n);
	memmove(p->in, p->in + n, p->in_len - n);
	p->in_len -= n;
	return (ssize_t)n;
}

/* What other code would do between two calls of the library, which says "again" after a session
 * ticket with more to read at hand. */
static int more(void)
{
	ssize_t n;

	flush_memory();
	if (transport.in_len > 0)
		return 0;
	n = recv(transport.fd, transport.in + transport.in_len,
		sizeof transport.in - transport.in_len, 0);
	if (n <= 0)
		return -1;
	transport.in_len += (size_t)n;
	return 0;
}

/* Each piece is refused three times, and then offered again, or nothing is. */
static ssize_t send_blocked(gnutls_session_t session, int same, const char *text, size_t n)
{
	size_t sent = 0;
	ssize_t r;

	while (sent < n) {
		transport.refusals = 3;
		r = gnutls_record_send(session, text + sent, n - sent);
		if (r >= 0)
			exit(16);
		while (r == GNUTLS_E_AGAIN)
			r = same ? gnutls_record_send(session, text + sent, n - sent)
				 : gnutls_record_send(session, NULL, 0);
		if (r <= 0)
			return r;
		sent += (size_t)r;
	}
	return (ssize_t)sent;
}

static void send_all(gnutls_session_t session, const char *way, const char *text, size_t n)
{
	ssize_t r = -1;
	char name[] = "/tmp/gnutls-client-XXXXXX";
	off_t offset = 5;
	int file;

	if (strcmp(way, "send2") == 0) {
		r = gnutls_record_send2(session, text, n, 0, 0);
	} else if (strcmp(way, "range") == 0) {
		gnutls_range_st range = {n, n + 100};

		r = gnutls_record_can_use_length_hiding(session)
			? gnutls_record_send_range(session, text, n, &range)
			: gnutls_record_send(session, text, n);
	} else if (strcmp(way, "cork") == 0) {
		gnutls_record_cork(session);
		r = gnutls_record_send(session, text, n / 2);
		r += gnutls_record_send(session, text + n / 2, n - n / 2);
		gnutls_record_uncork(session, GNUTLS_RECORD_WAIT);
	} else if (strncmp(way, "file", 4) == 0) {
		file = mkstemp(name);
		unlink(name);
		if (write(file, "head tail ", 10) != 10 || write(file, text, n) != (ssize_t)n)
			exit(12);
		if (strcmp(way, "file") == 0) {
			lseek(file, 10, SEEK_SET);
			r = gnutls_record_send_file(session, file, NULL, n);
		} else {
			lseek(file, 5, SEEK_SET);
			r = gnutls_record_send_file(session, file, &offset, n);
		}
		close(file);
	} else if (strncmp(way, "again", 5) == 0) {
		r = send_blocked(session, strcmp(way, "again") == 0, text, n);
	} else {
		r = gnutls_record_send(session, text, n);
	}
	if (r != (ssize_t)n) {
		fprintf(stderr, "%s: sent %zd of %zu\n", way, r, n);
		exit(13);
	}
}

static ssize_t receive(gnutls_session_t session, const char *way, char *to, size_t size)
{
	unsigned char sequence[8];
	gnutls_packet_t packet;
	gnutls_datum_t data;
	ssize_t r;

	if (strcmp(way, "packet") == 0) {
		r = gnutls_record_recv_packet(session, &packet);
		if (r > 0) {
			gnutls_packet_get(packet, &data, NULL);
			if (data.size > size)
				exit(14);
			memcpy(to, data.data, data.size);
			gnutls_packet_deinit(packet);
		}
		return r;
	}
	if (strcmp(way, "seq") == 0)
		return gnutls_record_recv_seq(session, to, size, sequence);
	return gnutls_record_recv(session, to, size);
}

static int connect_to(int port)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to)) {
		perror("connect");
		exit(1);
	}
	return fd;
}

static void shake_hands(gnutls_session_t session)
{
	int r;

	do {
		r = gnutls_handshake(session);
		if (r == GNUTLS_E_AGAIN && transport.memory && more() < 0)
			exit(15);
	} while (r < 0 && !gnutls_error_is_fatal(r));
	if (r < 0) {
		fprintf(stderr, "handshake: %s\n", gnutls_strerror(r));
		exit(2);
	}
	if (transport.memory)
		flush_memory();
}

static gnutls_certificate_credentials_t trusting(int by_list)
{
	gnutls_certificate_credentials_t c;
	gnutls_x509_trust_list_t list;

	gnutls_certificate_allocate_credentials(&c);
	if (by_list) {
		gnutls_x509_trust_list_init(&list, 0);
		if (gnutls_x509_trust_list_add_trust_file(
			    list, getenv("SSL_CERT_FILE"), NULL, GNUTLS_X509_FMT_PEM, 0, 0) <= 0)
			exit(3);
		gnutls_certificate_set_trust_list(c, list, 0);
		return c;
	}
	if (gnutls_certificate_set_x509_trust_file(
		    c, getenv("SSL_CERT_FILE"), GNUTLS_X509_FMT_PEM) <= 0)
		exit(3);
	return c;
}

static void get(int port, const char *way)
{
	gnutls_certificate_credentials_t credentials = trusting(strcmp(way, "list") == 0);
	gnutls_session_t session;
	char text[65536], answer[65536], *body;
	size_t len = 0;
	ssize_t r;
	int n;

	transport.fd = connect_to(port);
	transport.memory = strcmp(way, "memory") == 0;
	gnutls_init(&session, GNUTLS_CLIENT);
	gnutls_set_default_priority(session);
	gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials);
	gnutls_server_name_set(session, GNUTLS_NAME_DNS, "localhost", 9);
	gnutls_session_set_verify_cert(session, "localhost", 0);
	if (transport.memory || strncmp(way, "again", 5) == 0) {
		gnutls_transport_set_ptr(session, &transport);
		gnutls_transport_set_push_function(session, push);
		gnutls_transport_set_pull_function(session, pull);
	} else {
		gnutls_transport_set_int(session, transport.fd);
	}
	shake_hands(session);
	n = snprintf(text, sizeof text,
		"GET /page?i=%s HTTP/1.1\r\nHost: localhost:%d\r\nX-Fill: %0*d\r\n"
		"Connection: close\r\n\r\n",
		way, port, strncmp(way, "again", 5) == 0 ? 40000 : 4, 0);
	send_all(session, way, text, (size_t)n);
	if (transport.memory)
		flush_memory();
	while (len < sizeof answer - 1) {
		r = receive(session, way, answer + len, sizeof answer - 1 - len);
		if (r == GNUTLS_E_AGAIN && transport.memory) {
			if (more() < 0)
				break;
			continue;
		}
		if (r <= 0 && (r == 0 || gnutls_error_is_fatal((int)r)))
			break;
		if (r > 0)
			len += (size_t)r;
	}
	answer[len] = 0;
	body = strstr(answer, "\r\n\r\n");
	printf("%s: %s", way, body ? body + 4 : "no answer\n");
	gnutls_bye(session, GNUTLS_SHUT_WR);
	gnutls_deinit(session);
	gnutls_certificate_free_credentials(credentials);
	close(transport.fd);
}

/* A server's half of a connection inside this process, with nobody else's certificate in it. */
static void serve_ourselves(const char *certificate, const char *key)
{
	gnutls_certificate_credentials_t client_credentials = trusting(0), server_credentials;
	gnutls_session_t client, server;
	int pair[2], done = 0;
	char text[64] = "";

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair))
		exit(4);
	gnutls_certificate_allocate_credentials(&server_credentials);
	if (gnutls_certificate_set_x509_key_file(
		    server_credentials, certificate, key, GNUTLS_X509_FMT_PEM) < 0)
		exit(5);
	gnutls_init(&client, GNUTLS_CLIENT | GNUTLS_NONBLOCK);
	gnutls_init(&server, GNUTLS_SERVER | GNUTLS_NONBLOCK);
	gnutls_set_default_priority(client);
	gnutls_set_default_priority(server);
	gnutls_credentials_set(client, GNUTLS_CRD_CERTIFICATE, client_credentials);
	gnutls_credentials_set(server, GNUTLS_CRD_CERTIFICATE, server_credentials);
	gnutls_session_set_verify_cert(client, "localhost", 0);
	gnutls_transport_set_int(client, pair[0]);
	gnutls_transport_set_int(server, pair[1]);
	for (int i = 0; i < 100 && done != 3; i++) {
		if (!(done & 1) && gnutls_handshake(client) == 0)
			done |= 1;
		if (!(done & 2) && gnutls_handshake(server) == 0)
			done |= 2;
	}
	gnutls_record_send(server, "from the server", 15);
	for (int i = 0; i < 10 && gnutls_record_recv(client, text, sizeof text - 1) < 0; i++)
		;
	printf("server: %s\n", text);
}

int main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[2], "server") == 0)
		serve_ourselves(argv[3], argv[4]);
	for (int i = 2; i < argc && strcmp(argv[2], "server") != 0; i++)
		get(atoi(argv[1]), argv[i]);
	return 0;
}
