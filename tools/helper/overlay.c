/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/overlay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "shim/wire.h"

#define FILE_MAX    (8u << 20)
#define NAMES_MAX   (4u << 20)
#define ENVIRON_MAX (256u << 10)
#define HOST_LINE   512

struct overlay {
	const struct tape *tape;
	struct buffer ca;    /* PEM */
	struct buffer names; /* "IP NAME" lines, each once */
};

/* ---- names ---- */

static bool is_address(const char *name)
{
	uint8_t ip[16];

	return inet_pton(AF_INET, name, ip) == 1 || inet_pton(AF_INET6, name, ip) == 1;
}

static bool is_host_name(const char *name)
{
	return name[0] &&
		strspn(name,
			"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			"0123456789-_.") == strlen(name);
}

static void add_name(struct overlay *o, const char *ip, const char *name)
{
	char line[HOST_LINE];
	int n = snprintf(line, sizeof(line), "%s %s\n", ip, name);

	if (n >= (int)sizeof(line) || !is_address(ip) || is_address(name) || !is_host_name(name) ||
		strcmp(name, "localhost") == 0 ||
		(o->names.len > 0 && memmem(o->names.data, o->names.len, line, (size_t)n)))
		return;
	buffer_append(&o->names, line, (size_t)n);
}

/* "93.184.216.34:443", "[::1]:443", "example.com:8080" without the port. */
static void strip_port(const char *from, char *to, size_t size)
{
	const char *end = strrchr(from, ':');
	size_t n;

	if (from[0] == '[') {
		from++;
		end = strchr(from, ']');
	}
	n = end ? (size_t)(end - from) : strlen(from);
	snprintf(to, size, "%.*s", (int)n, from);
}

static void add_host(struct overlay *o, const char *address, const char *authority)
{
	char ip[64], name[256];

	if (!address || !authority)
		return;
	strip_port(address, ip, sizeof(ip));
	strip_port(authority, name, sizeof(name));
	add_name(o, ip, name);
}

static void add_resolved(struct overlay *o, const struct tape_name *n)
{
	char ip[INET6_ADDRSTRLEN];

	for (uint32_t i = 0; i < n->event.resolve.count && i < EVENT_ADDRESSES_MAX; i++) {
		const struct event_address *a = &n->event.resolve.addresses[i];

		if ((a->family == AF_INET || a->family == AF_INET6) &&
			inet_ntop(a->family, a->ip, ip, sizeof(ip)))
			add_name(o, ip, n->node);
	}
}

static void collect_names(struct overlay *o)
{
	const struct tape *t = o->tape;

	for (size_t i = 0; i < t->name_count; i++)
		add_resolved(o, &t->names[i]);
	for (size_t i = 0; i < t->exchange_count; i++)
		add_host(o, t->exchanges[i]->address, t->exchanges[i]->authority);
	for (size_t i = 0; i < t->dialogue_count; i++)
		add_host(o, t->dialogues[i]->address, t->dialogues[i]->sni);
}

/* ---- the CA ---- */

#define PEM_LINE 64

static int write_pem(struct buffer *to, const uint8_t *der, size_t len)
{
	char *text = malloc(4 * ((len + 2) / 3) + 1);
	int n, r;

	if (!text)
		return -ENOMEM;
	n = EVP_EncodeBlock((unsigned char *)text, der, (int)len);
	r = buffer_append(to, "\n-----BEGIN CERTIFICATE-----\n", 29);
	for (int at = 0; at < n && r == 0; at += PEM_LINE) {
		size_t part = n - at < PEM_LINE ? (size_t)(n - at) : PEM_LINE;

		r = buffer_append(to, text + at, part);
		if (r == 0)
			r = buffer_append(to, "\n", 1);
	}
	if (r == 0)
		r = buffer_append(to, "-----END CERTIFICATE-----\n", 26);
	free(text);
	return r;
}

struct overlay *overlay_new(const struct tape *tape, struct session_ca *ca)
{
	struct overlay *o = calloc(1, sizeof(*o));
	const uint8_t *der;
	size_t len;

	if (!o)
		return NULL;
	o->tape = tape;
	o->ca = BUFFER(2 * WIRE_CA_MAX);
	o->names = BUFFER(NAMES_MAX);
	der = session_ca_der(ca, &len);
	if (!der || write_pem(&o->ca, der, len) < 0) {
		overlay_free(o);
		return NULL;
	}
	collect_names(o);
	return o;
}

void overlay_free(struct overlay *o)
{
	if (!o)
		return;
	buffer_free(&o->ca);
	buffer_free(&o->names);
	free(o);
}

/* ---- files ---- */

/* Its content, up to FILE_MAX; what cannot be read is empty. */
static void append_file(struct buffer *to, const char *path)
{
	uint8_t chunk[16384];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n;

	if (fd < 0)
		return;
	while ((n = read(fd, chunk, sizeof(chunk))) > 0) {
		if (buffer_append(to, chunk, (size_t)n) < 0)
			break;
	}
	close(fd);
}

/* A file in memory, at its beginning, or -1. */
static int file_of(const char *path, const struct buffer *content)
{
	const char *name = strrchr(path, '/');
	int memory = memfd_create(name ? name + 1 : path, MFD_CLOEXEC), fd;
	char self[32];

	if (memory < 0)
		return -1;
	if (write(memory, content->data, content->len) != (ssize_t)content->len) {
		close(memory);
		return -1;
	}
	/* Opened to read, as it was asked for. */
	snprintf(self, sizeof(self), "/proc/self/fd/%d", memory);
	fd = open(self, O_RDONLY | O_CLOEXEC);
	close(memory);
	return fd;
}

static void write_hosts(const struct overlay *o, const char *path, struct buffer *to)
{
	append_file(to, path);
	buffer_append(to, "\n", 1);
	if (o->names.len > 0)
		buffer_append(to, o->names.data, o->names.len);
}

/* Nobody answers there; musl sends and waits all the same, so not at all. */
static void write_resolv(const struct overlay *o, const char *path, struct buffer *to)
{
	static const char text[] = "nameserver 127.0.0.1\noptions timeout:0 attempts:1\n";

	buffer_append(to, text, sizeof(text) - 1);
}

static void write_nsswitch(const struct overlay *o, const char *path, struct buffer *to)
{
	static const char text[] = "hosts: files dns\n";
	struct buffer real = BUFFER(FILE_MAX);

	buffer_append(to, text, sizeof(text) - 1);
	append_file(&real, path);
	for (size_t at = 0; at < real.len;) {
		const uint8_t *line = real.data + at, *end = memchr(line, '\n', real.len - at);
		size_t n = end ? (size_t)(end - line) + 1 : real.len - at;

		if (n < 6 || memcmp(line, "hosts:", 6) != 0)
			buffer_append(to, line, n);
		at += n;
	}
	buffer_free(&real);
}

static void write_bundle(const struct overlay *o, const char *path, struct buffer *to)
{
	append_file(to, path);
	buffer_append(to, o->ca.data, o->ca.len);
}

/* Where Debian, Red Hat, SUSE, Alpine and the BSDs have theirs, as Go, rustls and curl look. */
static const struct known {
	const char *path;
	void (*write)(const struct overlay *o, const char *path, struct buffer *to);
} known[] = {
	{"/etc/hosts", write_hosts},
	{"/etc/resolv.conf", write_resolv},
	{"/etc/nsswitch.conf", write_nsswitch},
	{"/etc/ssl/certs/ca-certificates.crt", write_bundle},
	{"/etc/pki/tls/certs/ca-bundle.crt", write_bundle},
	{"/etc/ssl/ca-bundle.pem", write_bundle},
	{"/etc/pki/tls/cacert.pem", write_bundle},
	{"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", write_bundle},
	{"/etc/ssl/cert.pem", write_bundle},
};

/* Variables that name a bundle a program trusts instead. */
static const char *const bundle_variables[] = {"SSL_CERT_FILE=", "CODEX_CA_CERTIFICATE=",
	"NODE_EXTRA_CA_CERTS=", "REQUESTS_CA_BUNDLE=", "CURL_CA_BUNDLE="};

static bool names_bundle(const char *entry, const char *path)
{
	for (size_t i = 0; i < sizeof(bundle_variables) / sizeof(bundle_variables[0]); i++) {
		size_t n = strlen(bundle_variables[i]);

		if (strncmp(entry, bundle_variables[i], n) == 0 && strcmp(entry + n, path) == 0)
			return true;
	}
	return false;
}

/* Only what looks like one is worth a look into the program's environment. */
static bool looks_like_bundle(const char *path)
{
	static const char *const endings[] = {".pem", ".crt", ".cert", ".cer"};
	size_t len = strlen(path);

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		size_t n = strlen(endings[i]);

		if (len > n && strcmp(path + len - n, endings[i]) == 0)
			return true;
	}
	return false;
}

static bool is_own_bundle(uint32_t tid, const char *path)
{
	struct buffer environment = BUFFER(ENVIRON_MAX);
	char file[64];
	bool found = false;

	if (!looks_like_bundle(path))
		return false;
	snprintf(file, sizeof(file), "/proc/%u/environ", tid);
	append_file(&environment, file);
	if (environment.len > 0)
		environment.data[environment.len - 1] = '\0';
	for (size_t at = 0; at < environment.len && !found;) {
		const char *entry = (const char *)environment.data + at;

		found = names_bundle(entry, path);
		at += strlen(entry) + 1;
	}
	buffer_free(&environment);
	return found;
}

int overlay_open(struct overlay *o, uint32_t tid, const char *path)
{
	struct buffer content = BUFFER(FILE_MAX);
	const struct known *k = NULL;
	int fd = -1;

	for (size_t i = 0; !k && i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(known[i].path, path) == 0)
			k = &known[i];
	}
	/* A file that is not there stays so: except for the names, where nothing is missed. */
	if (k && (k->write != write_bundle || access(path, R_OK) == 0))
		k->write(o, path, &content);
	else if (!k && path[0] == '/' && is_own_bundle(tid, path))
		write_bundle(o, path, &content);
	if (content.len > 0)
		fd = file_of(path, &content);
	buffer_free(&content);
	return fd;
}
