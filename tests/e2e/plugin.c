/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plugin with its own idea of OpenSSL: fetches /json over TLS and prints the answer's body.
 * Linked, not dlsym'ed, as language runtimes' extensions are.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int plugin_get(int port, int number)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	char buffer[8192];
	size_t len = 0;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to))
		return perror("connect"), 1;
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_default_verify_paths(context);
	SSL_CTX_load_verify_locations(context, getenv("SSL_CERT_FILE"), NULL);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	SSL *ssl = SSL_new(context);
	SSL_set_tlsext_host_name(ssl, "localhost");
	SSL_set_fd(ssl, fd);
	if (SSL_connect(ssl) != 1)
		return fprintf(stderr, "no handshake, verification says %ld\n",
			       SSL_get_verify_result(ssl)),
		       2;
	int n = snprintf(buffer, sizeof buffer,
		"GET /json?number=%d HTTP/1.1\r\nHost: localhost:%d\r\nConnection: close\r\n\r\n",
		number, port);
	if (SSL_write(ssl, buffer, n) != n)
		return 3;
	while (len < sizeof buffer - 1 &&
		(n = SSL_read(ssl, buffer + len, (int)(sizeof buffer - 1 - len))) > 0)
		len += (size_t)n;
	buffer[len] = 0;
	char *body = strstr(buffer, "\r\n\r\n");
	printf("%s", body ? body + 4 : "no answer\n");
	SSL_shutdown(ssl);
	SSL_free(ssl);
	SSL_CTX_free(context);
	close(fd);
	return body ? 0 : 4;
}
