/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/rrshim/tls_kind.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "storage/buffer.h"

/* First match counts: what a file carries inside goes before what it links. */
static const struct {
	const char *mark;
	struct tls_kind kind;
} marks[] = {
	{"Go buildinf:", {false, "TLS inside the executable (Go): not seen yet"}},
	{"BoringSSL", {false, "TLS inside the executable (BoringSSL): not seen yet"}},
	{"rustls", {false, "TLS inside the executable (rustls): not seen yet"}},
	{"OpenSSL 1.", {false, "TLS inside the executable (OpenSSL): not seen yet"}},
	{"OpenSSL 3.", {false, "TLS inside the executable (OpenSSL): not seen yet"}},
	{"libgnutls.so", {false, "GnuTLS (libgnutls): not seen yet"}},
	{"libcurl-gnutls.so", {false, "GnuTLS (libcurl-gnutls): not seen yet"}},
	{"libssl.so", {true, "OpenSSL (libssl): plaintext is seen"}},
	{"libcurl.so", {true, "OpenSSL by libcurl: plaintext is seen"}},
	{"libpython3", {true, "whatever its modules load: OpenSSL's is seen"}},
};

static const struct tls_kind none = {true,
	"no TLS in the executable; libraries it loads while running are seen if they use OpenSSL"};

static const struct tls_kind *look(struct span file)
{
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		if (memmem(file.data, file.len, marks[i].mark, strlen(marks[i].mark)))
			return &marks[i].kind;
	}
	return &none;
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

static const struct tls_kind *kind_of(const char *path, int depth)
{
	const struct tls_kind *kind = &none;
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
				kind = depth > 0 ? kind_of(next, depth - 1) : &none;
			else
				kind = look(file);
			munmap(map, (size_t)st.st_size);
		}
	}
	close(fd);
	return kind;
}

const struct tls_kind *tls_kind_of(const char *path)
{
	return kind_of(path, 3);
}
