/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/manifest.h"
#include "storage/provenance.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HASH_BYTES_MAX   (512ll << 20) /* a second of hashing at most */
#define CHUNK_BYTES      (256u << 10)
#define NOTES_BYTES_MAX  (64u << 10)
#define PROGRAM_HDRS_MAX 128
#define BUILD_ID_MAX     64

static json_t *hex(const uint8_t *data, size_t len)
{
	char text[2 * EVP_MAX_MD_SIZE + 1] = "";

	for (size_t i = 0; i < len && i < EVP_MAX_MD_SIZE; i++)
		snprintf(text + 2 * i, 3, "%02x", data[i]);
	return json_string(text);
}

static bool hash_file(int fd, EVP_MD_CTX *md, uint8_t *chunk)
{
	off_t offset = 0;
	ssize_t n;

	while ((n = pread(fd, chunk, CHUNK_BYTES, offset)) > 0) {
		if (EVP_DigestUpdate(md, chunk, (size_t)n) != 1)
			return false;
		offset += n;
	}
	return n == 0;
}

static json_t *sha256(int fd)
{
	uint8_t digest[EVP_MAX_MD_SIZE], *chunk = malloc(CHUNK_BYTES);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	unsigned len = 0;
	json_t *text = NULL;

	if (chunk && md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 &&
		hash_file(fd, md, chunk) && EVP_DigestFinal_ex(md, digest, &len) == 1)
		text = hex(digest, len);
	EVP_MD_CTX_free(md);
	free(chunk);
	return text;
}

/* The GNU build-id in a run of ELF notes, all of whose lengths are the file's claim. */
static json_t *build_id_in(const uint8_t *notes, size_t len)
{
	Elf64_Nhdr note;

	while (len >= sizeof(note)) {
		size_t name, desc;

		memcpy(&note, notes, sizeof(note));
		notes += sizeof(note);
		len -= sizeof(note);
		name = ((size_t)note.n_namesz + 3) & ~(size_t)3;
		desc = ((size_t)note.n_descsz + 3) & ~(size_t)3;
		if (name > len || note.n_descsz > len - name)
			return NULL;
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
			memcmp(notes, "GNU", 4) == 0 && note.n_descsz <= BUILD_ID_MAX)
			return hex(notes + name, note.n_descsz);
		if (desc > len - name)
			return NULL;
		notes += name + desc;
		len -= name + desc;
	}
	return NULL;
}

static json_t *build_id_at(int fd, uint64_t offset, uint64_t size)
{
	uint8_t *notes;
	json_t *id = NULL;
	ssize_t n;

	if (size > NOTES_BYTES_MAX || offset > INT64_MAX - size)
		return NULL;
	notes = malloc(size ? size : 1);
	if (!notes)
		return NULL;
	n = pread(fd, notes, size, (off_t)offset);
	if (n > 0)
		id = build_id_in(notes, (size_t)n);
	free(notes);
	return id;
}

struct program_header {
	uint64_t offset, size;
	uint32_t type;
};

static bool read_program_header(int fd, bool wide, uint64_t at, struct program_header *ret)
{
	Elf64_Phdr p64;
	Elf32_Phdr p32;

	if (at > INT64_MAX)
		return false;
	if (wide) {
		if (pread(fd, &p64, sizeof(p64), (off_t)at) != sizeof(p64))
			return false;
		*ret = (struct program_header){p64.p_offset, p64.p_filesz, p64.p_type};
	} else {
		if (pread(fd, &p32, sizeof(p32), (off_t)at) != sizeof(p32))
			return false;
		*ret = (struct program_header){p32.p_offset, p32.p_filesz, p32.p_type};
	}
	return true;
}

static json_t *build_id(int fd)
{
	union {
		Elf64_Ehdr wide;
		Elf32_Ehdr narrow;
	} e = {0};
	struct program_header p;
	uint64_t at, entry;
	json_t *id = NULL;
	unsigned count;
	bool wide;

	if (pread(fd, &e, sizeof(e), 0) < (ssize_t)sizeof(e.narrow) ||
		memcmp(e.wide.e_ident, ELFMAG, SELFMAG) != 0 ||
		e.wide.e_ident[EI_DATA] != ELFDATA2LSB)
		return NULL;
	wide = e.wide.e_ident[EI_CLASS] == ELFCLASS64;
	at = wide ? e.wide.e_phoff : e.narrow.e_phoff;
	entry = wide ? e.wide.e_phentsize : e.narrow.e_phentsize;
	count = wide ? e.wide.e_phnum : e.narrow.e_phnum;
	for (; count && count <= PROGRAM_HDRS_MAX && !id; count--, at += entry) {
		if (!read_program_header(fd, wide, at, &p))
			return NULL;
		if (p.type == PT_NOTE)
			id = build_id_at(fd, p.offset, p.size);
	}
	return id;
}

json_t *provenance_exe(const char *path)
{
	json_t *exe = json_object();
	struct stat st;
	int fd;

	json_object_set_new(exe, "path", provenance_text(path));
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return exe;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		json_object_set_new(exe, "size", json_integer(st.st_size));
		if (st.st_size <= HASH_BYTES_MAX)
			json_object_set_new(exe, "sha256", sha256(fd));
		json_object_set_new(exe, "build_id", build_id(fd));
	}
	close(fd);
	return exe;
}

json_t *manifest_file_digest(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	json_t *digest = fd >= 0 ? sha256(fd) : NULL;

	if (fd >= 0)
		close(fd);
	return digest;
}
