/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/trust_program.h"

#include <elf.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#define SECTIONS_MAX 256
#define STRINGS_MAX  (16u << 20)

/* ---- what a program exports ---- */

static bool read_at(int fd, void *to, size_t n, uint64_t at)
{
	return at <= INT64_MAX && pread(fd, to, n, (off_t)at) == (ssize_t)n;
}

static bool strings_contain(int fd, const Elf64_Shdr *strings, const char *name)
{
	char *text = strings->sh_size <= STRINGS_MAX ? malloc(strings->sh_size + 1) : NULL;
	bool found = text && read_at(fd, text, strings->sh_size, strings->sh_offset) &&
		memmem(text, strings->sh_size, name, strlen(name));

	free(text);
	return found;
}

static bool dynamic_names_contain(int fd, const char *name)
{
	static const unsigned char magic[] = {0x7f, 'E', 'L', 'F', ELFCLASS64};
	Elf64_Shdr sections[SECTIONS_MAX];
	Elf64_Ehdr head;

	if (!read_at(fd, &head, sizeof(head), 0) || memcmp(head.e_ident, magic, sizeof(magic)) ||
		head.e_shentsize != sizeof(sections[0]) || head.e_shnum > SECTIONS_MAX ||
		!read_at(fd, sections, head.e_shnum * sizeof(sections[0]), head.e_shoff))
		return false;
	for (size_t i = 0; i < head.e_shnum; i++) {
		if (sections[i].sh_type == SHT_DYNSYM && sections[i].sh_link < head.e_shnum)
			return strings_contain(fd, &sections[sections[i].sh_link], name);
	}
	return false;
}

/* Node-API, for native modules: node, bun, deno, and what is made of them under any name. */
static bool is_javascript_runtime(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool is = fd >= 0 && dynamic_names_contain(fd, "napi_create_function");

	if (fd >= 0)
		close(fd);
	return is;
}

/* ---- variables ---- */

static bool is_deno_or_node(const char *name)
{
	return strncmp(name, "deno", 4) == 0 || strncmp(name, "node", 4) == 0;
}

/* Those that only programs of a name go by. */
static const struct {
	const char *variable, *name;
} named[] = {
	{"DENO_CERT", "deno"},
	{"CODEX_CA_CERTIFICATE", "codex"},
	{"CURL_CA_BUNDLE", "curl"},
	{"CURL_CA_BUNDLE", "python"}, /* requests */
	{"REQUESTS_CA_BUNDLE", "python"},
	{"GIT_SSL_CAINFO", "git"},
};

bool trust_program_reads(const char *path, const char *variable)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

	if (strncmp(variable, "SSL_CERT_", strlen("SSL_CERT_")) == 0)
		return !is_deno_or_node(name);
	if (strcmp(variable, "NODE_EXTRA_CA_CERTS") == 0)
		return is_javascript_runtime(path);
	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
		if (strcmp(named[i].variable, variable) == 0 &&
			strncmp(name, named[i].name, strlen(named[i].name)) == 0)
			return true;
	}
	return false;
}
