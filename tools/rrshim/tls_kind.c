/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/rrshim/tls_kind.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "storage/buffer.h"

#define INSIDE "TLS inside the executable "
#define OPENED ": opened on its way, by the bridge"

/* First match counts: what a file carries inside goes before what it links. */
static const struct {
	const char *mark, *kind;
} marks[] = {
	{"Go buildinf:", INSIDE "(Go)" OPENED},
	{"BoringSSL", INSIDE "(BoringSSL)" OPENED},
	{"rustls", INSIDE "(rustls)" OPENED},
	{"OpenSSL 1.", INSIDE "(OpenSSL): plaintext is seen, or opened by the bridge"},
	{"OpenSSL 3.", INSIDE "(OpenSSL): plaintext is seen, or opened by the bridge"},
	{"libgnutls.so", "GnuTLS (libgnutls): plaintext is seen"},
	{"libcurl-gnutls.so", "GnuTLS by libcurl: plaintext is seen"},
	{"libssl.so", "OpenSSL (libssl): plaintext is seen"},
	{"libcurl.so", "OpenSSL by libcurl: plaintext is seen"},
	{"libjvm.so", "TLS inside the Java runtime" OPENED},
	{"libpython3", "whatever its modules load: OpenSSL's plaintext is seen"},
};

static const char none[] =
	"no TLS in the executable; what it loads while running is seen (OpenSSL, "
	"GnuTLS) or opened by the bridge";

static const char *look(struct span file)
{
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		if (memmem(file.data, file.len, marks[i].mark, strlen(marks[i].mark)))
			return marks[i].kind;
	}
	return none;
}

/* The path after "#!", NUL-ended in `to`; false: no script. */
static bool interpreter(struct span file, char *to, size_t size)
{
	size_t at = 2, n = 0;

	if (file.len < 3 || memcmp(file.data, "#!", 2) != 0)
		return false;
	while (at < file.len && (file.data[at] == ' ' || file.data[at] == '\t'))
		at++;
	while (at < file.len && n < size - 1 && !strchr(" \t\r\n", file.data[at]))
		to[n++] = (char)file.data[at++];
	to[n] = '\0';
	return n > 0;
}

static const char *kind_of(const char *path, int depth)
{
	const char *kind = none;
	char next[4096];
	struct stat st;
	void *map;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return kind;
	if (fstat(fd, &st) == 0 && st.st_size > 0) {
		map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (map != MAP_FAILED) {
			struct span file = {map, (size_t)st.st_size};

			if (interpreter(file, next, sizeof(next)))
				kind = depth > 0 ? kind_of(next, depth - 1) : none;
			else
				kind = look(file);
			munmap(map, (size_t)st.st_size);
		}
	}
	close(fd);
	return kind;
}

const char *tls_kind_of(const char *path)
{
	return kind_of(path, 3);
}
