/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "storage/buffer.h"
#include "tools/helper/trust_keystore.h"
#include "tools/helper/trust_program.h"

#pragma GCC diagnostic ignored "-Wshadow"
#include <uthash.h>

#define FILE_MAX    (16u << 20)
#define ENVIRON_MAX (4u << 20)
#define STORES_MAX  64
#define MERGED_MAX  256
#define CA_NAME     "session-ca.pem"

/* What was made of a file of the user's. */
struct merged {
	char *original; /* key */
	char path[PATH_MAX];
	UT_hash_handle hh;
};

/* A store by the values of the variables it was made of. */
struct known_store {
	char *key;
	X509_STORE *store;
	UT_hash_handle hh;
};

struct trust {
	char folder[PATH_MAX], ca_path[PATH_MAX];
	struct session_ca *ca;
	struct merged *merged;
	struct known_store *stores;
};

/* Where distributions keep their bundle. */
static const char *const bundles[] = {
	"/etc/ssl/certs/ca-certificates.crt", /* Debian, Arch */
	"/etc/pki/tls/certs/ca-bundle.crt",   /* Fedora, RHEL */
	"/etc/ssl/ca-bundle.pem",             /* SUSE */
	"/etc/ssl/cert.pem",                  /* Alpine */
};

/* Variables whose files take the place of the system's roots, and those that add to them. */
static const char *const replacing[] = {"SSL_CERT_FILE", "SSL_CERT_DIR"};
static const char *const adding[] = {"NODE_EXTRA_CA_CERTS", "DENO_CERT", "CODEX_CA_CERTIFICATE",
	"CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "GIT_SSL_CAINFO"};
#define UNVERIFIED "NODE_TLS_REJECT_UNAUTHORIZED"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *system_bundle(void)
{
	for (size_t i = 0; i < COUNT(bundles); i++) {
		if (access(bundles[i], R_OK) == 0)
			return bundles[i];
	}
	return NULL;
}

/* ---- files ---- */

static int read_file(const char *path, struct buffer *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), r = 0;
	ssize_t n = 1;

	if (fd < 0)
		return -errno;
	while (r == 0 && n > 0) {
		r = buffer_reserve(out, 64 << 10);
		n = r ? 0 : read(fd, out->data + out->len, 64 << 10);
		if (n > 0)
			out->len += (size_t)n;
	}
	if (n < 0)
		r = -errno;
	close(fd);
	return r;
}

static int write_file(const char *path, struct span bytes)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600), r = 0;

	if (fd < 0)
		return -errno;
	while (bytes.len && r == 0) {
		ssize_t n = write(fd, bytes.data, bytes.len);

		if (n < 0)
			r = -errno;
		else
			bytes = (struct span){bytes.data + n, bytes.len - (size_t)n};
	}
	close(fd);
	if (r < 0)
		unlink(path);
	return r;
}

static int add_pem(struct trust *t, struct buffer *out)
{
	int r = buffer_append(out, "\n", 1);

	return r ? r : read_file(t->ca_path, out);
}

static int add_der(struct trust *t, struct span file, struct buffer *out)
{
	size_t len;
	const uint8_t *der = session_ca_der(t->ca, &len);

	return keystore_add(file, (struct span){der, len}, out);
}

static int merge(struct trust *t, const char *original, const char *path)
{
	struct buffer in = BUFFER(FILE_MAX), out = BUFFER(FILE_MAX + (64 << 10));
	int r = original ? read_file(original, &in) : 0;

	if (r == 0 && keystore_is_one((struct span){in.data, in.len})) {
		r = add_der(t, (struct span){in.data, in.len}, &out);
	} else if (r == 0) {
		r = buffer_append(&out, in.data, in.len);
		r = r ? r : add_pem(t, &out);
	}
	if (r == 0)
		r = write_file(path, (struct span){out.data, out.len});
	buffer_free(&in);
	buffer_free(&out);
	return r;
}

static bool is_ours(const struct trust *t, const char *path)
{
	size_t n = strlen(t->folder);

	return strncmp(path, t->folder, n) == 0 && path[n] == '/';
}

const char *trust_merged(struct trust *t, const char *original, bool adds)
{
	const char *key = original ? original : "";
	struct merged *m;

	if (is_ours(t, key))
		return original;
	if (!key[0] && adds)
		return t->ca_path;
	HASH_FIND_STR(t->merged, key, m);
	if (m)
		return m->path;
	if (HASH_COUNT(t->merged) >= MERGED_MAX)
		return NULL;
	m = calloc(1, sizeof(*m));
	if (m)
		m->original = strdup(key);
	if (!m || !m->original ||
		snprintf(m->path, sizeof(m->path), "%s/trust-%u", t->folder,
			HASH_COUNT(t->merged)) >= (int)sizeof(m->path) ||
		merge(t, key[0] ? key : system_bundle(), m->path) < 0) {
		free(m ? m->original : NULL);
		free(m);
		return NULL;
	}
	HASH_ADD_KEYPTR(hh, t->merged, m->original, strlen(m->original), m);
	return m->path;
}

/* ---- stores ---- */

static const char *variable(struct span environ_, const char *name)
{
	size_t n = strlen(name);

	for (size_t at = 0; at < environ_.len;) {
		const char *entry = (const char *)environ_.data + at;
		size_t len = strnlen(entry, environ_.len - at);

		if (len > n && entry[n] == '=' && memcmp(entry, name, n) == 0 && entry[n + 1])
			return entry + n + 1;
		at += len + 1;
	}
	return NULL;
}

/* A process, as far as it says whom it trusts. */
struct truster {
	const struct trust *trust;
	struct span environ_;
	const char *program;
};

/*
 * The file that a variable names, as the user knows it: programs are given merged ones, which say
 * the same. NULL: not set, or another program's variable, or nothing but what is there without it.
 */
static const char *named(const struct truster *who, const char *name)
{
	const struct trust *t = who->trust;
	const char *value = variable(who->environ_, name);
	struct merged *m, *next;

	if (!value || !trust_program_reads(who->program, name))
		return NULL;
	if (!is_ours(t, value))
		return value;
	HASH_ITER(hh, t->merged, m, next)
	{
		if (strcmp(m->path, value) == 0)
			return m->original[0] ? m->original : NULL;
	}
	return NULL;
}

static void load(X509_STORE *store, const char *name, const char *value)
{
	/* What cannot be loaded verifies nothing: the host is then relayed unopened. */
	if (!value)
		return;
	if (strcmp(name, "SSL_CERT_DIR") == 0)
		X509_STORE_load_path(store, value);
	else
		X509_STORE_load_file(store, value);
}

/* Variables mostly name one and the same bundle. */
static bool is_named_before(const struct truster *who, size_t n)
{
	const char *value = named(who, adding[n]);

	for (size_t i = 0; value && i < COUNT(replacing) + n; i++) {
		const char *earlier = named(
			who, i < COUNT(replacing) ? replacing[i] : adding[i - COUNT(replacing)]);

		if (earlier && strcmp(earlier, value) == 0)
			return true;
	}
	return false;
}

static X509_STORE *make_store(const struct truster *who)
{
	X509_STORE *store = X509_STORE_new();
	const char *bundle = system_bundle();
	bool replaced = false;

	if (!store)
		return NULL;
	for (size_t i = 0; i < COUNT(replacing); i++) {
		const char *value = named(who, replacing[i]);

		load(store, replacing[i], value);
		replaced |= value != NULL;
	}
	if (!replaced)
		load(store, "", bundle);
	for (size_t i = 0; i < COUNT(adding); i++) {
		if (!is_named_before(who, i))
			load(store, adding[i], named(who, adding[i]));
	}
	ERR_clear_error();
	return store;
}

static int append_key(const struct truster *who, struct buffer *key, const char *name)
{
	const char *value = named(who, name);

	return buffer_printf(key, "%s\n", value ? value : "");
}

static int make_key(const struct truster *who, struct buffer *key)
{
	int r = 0;

	for (size_t i = 0; i < COUNT(replacing) && r == 0; i++)
		r = append_key(who, key, replacing[i]);
	for (size_t i = 0; i < COUNT(adding) && r == 0; i++)
		r = append_key(who, key, adding[i]);
	return r ? r : buffer_append(key, "", 1);
}

static void drop_stores(struct trust *t)
{
	struct known_store *s, *next;

	HASH_ITER(hh, t->stores, s, next)
	{
		HASH_DEL(t->stores, s);
		X509_STORE_free(s->store);
		free(s->key);
		free(s);
	}
}

static X509_STORE *store_for(struct trust *t, const struct truster *who)
{
	struct buffer key = BUFFER(ENVIRON_MAX);
	struct known_store *s = NULL;

	if (make_key(who, &key) == 0)
		HASH_FIND_STR(t->stores, (char *)key.data, s);
	if (s) {
		buffer_free(&key);
		return s->store;
	}
	if (HASH_COUNT(t->stores) >= STORES_MAX)
		drop_stores(t);
	s = calloc(1, sizeof(*s));
	if (s)
		s->store = make_store(who);
	if (!s || !s->store || !key.data) {
		buffer_free(&key);
		free(s);
		return NULL;
	}
	s->key = (char *)key.data;
	HASH_ADD_KEYPTR(hh, t->stores, s->key, strlen(s->key), s);
	return s->store;
}

X509_STORE *trust_store_of(struct trust *t, uint32_t pid, const char *program, bool *ret_unverified)
{
	struct buffer text = BUFFER(ENVIRON_MAX);
	struct span environ_ = {0};
	X509_STORE *store;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%u/environ", pid);
	/* Where it cannot be read (another user's), the system's roots must do. */
	if (read_file(path, &text) == 0 && buffer_append(&text, "", 1) == 0)
		environ_ = (struct span){text.data, text.len};
	*ret_unverified = environ_.len && variable(environ_, UNVERIFIED) &&
		strcmp(variable(environ_, UNVERIFIED), "0") == 0;
	store = store_for(t, &(struct truster){t, environ_, program});
	buffer_free(&text);
	return store;
}

void trust_answer(struct trust *t, const struct wire_request *request, struct wire_reply *reply)
{
	char original[WIRE_RESOLVE_NAME];
	const char *path;

	memcpy(original, request->resolve.node, sizeof(original));
	original[sizeof(original) - 1] = '\0';
	path = trust_merged(t, original, request->resolve.flags & WIRE_TRUST_ADDS);
	reply->verdict = WIRE_FAIL;
	if (!path || strlen(path) >= sizeof(reply->resolve.node))
		return;
	strcpy(reply->resolve.node, path);
	reply->verdict = WIRE_REDIRECT;
}

/* ---- life ---- */

static bool publish_ca(const struct trust *t, struct wire_arena *arena)
{
	size_t len;
	const uint8_t *der = session_ca_der(t->ca, &len);

	if (!der || len > sizeof(arena->ca))
		return false;
	memcpy(arena->ca, der, len);
	arena->ca_len = (uint32_t)len;
	return true;
}

struct trust *trust_new(const char *folder, struct wire_arena *arena)
{
	struct trust *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->ca = session_ca_new();
	if (t->ca &&
		snprintf(t->folder, sizeof(t->folder), "%s", folder) < (int)sizeof(t->folder) &&
		snprintf(t->ca_path, sizeof(t->ca_path), "%s/" CA_NAME, folder) <
			(int)sizeof(t->ca_path) &&
		session_ca_write_pem(t->ca, t->ca_path) == 0 && publish_ca(t, arena))
		return t;
	trust_free(t);
	return NULL;
}

void trust_free(struct trust *t)
{
	struct merged *m, *next;

	if (!t)
		return;
	HASH_ITER(hh, t->merged, m, next)
	{
		HASH_DEL(t->merged, m);
		unlink(m->path);
		free(m->original);
		free(m);
	}
	drop_stores(t);
	unlink(t->ca_path);
	session_ca_free(t->ca);
	free(t);
}

struct session_ca *trust_ca(const struct trust *t)
{
	return t->ca;
}
