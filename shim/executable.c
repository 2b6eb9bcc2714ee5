/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/executable.h"

#include <link.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * Safety: reads of the loader's tables, written before the constructor and never after.
 *
 * Not dlsym(): to it a function that a program merely takes the address of can be one it defines
 * (the PLT entry of a position-dependent program). Not dladdr(), which walks all of node's hundred
 * thousand symbols.
 */

static struct {
	uintptr_t bias, start, end;
	const ElfW(Sym) * symbols;
	const char *names;
	const uint32_t *hash; /* DT_GNU_HASH; NULL: there is nothing to be found */
} executable;

/* glibc turns the offsets in a program's dynamic section into addresses, in place; what it did not
 * is below where the program lies. */
static const void *pointer(ElfW(Addr) value)
{
	return (const void *)(value < executable.bias ? executable.bias + value : value);
}

static void read_dynamic(const ElfW(Dyn) * d)
{
	for (; d->d_tag != DT_NULL; d++) {
		if (d->d_tag == DT_SYMTAB)
			executable.symbols = pointer(d->d_un.d_ptr);
		else if (d->d_tag == DT_STRTAB)
			executable.names = pointer(d->d_un.d_ptr);
		else if (d->d_tag == DT_GNU_HASH)
			executable.hash = pointer(d->d_un.d_ptr);
	}
	if (!executable.symbols || !executable.names)
		executable.hash = NULL;
}

static void read_segment(const ElfW(Phdr) * ph)
{
	uintptr_t start = executable.bias + ph->p_vaddr, end = start + ph->p_memsz;

	if (executable.end == 0 || start < executable.start)
		executable.start = start;
	if (end > executable.end)
		executable.end = end;
}

/* The main program comes first; the callback ends the walk there. */
static int read_main_program(struct dl_phdr_info *info, size_t size, void *unused)
{
	(void)size;
	(void)unused;
	executable.bias = info->dlpi_addr;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		if (info->dlpi_phdr[i].p_type == PT_LOAD)
			read_segment(&info->dlpi_phdr[i]);
	}
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
			read_dynamic(
				(const ElfW(Dyn) *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr));
	}
	return 1;
}

void executable_find(void)
{
	dl_iterate_phdr(read_main_program, NULL);
}

bool executable_holds(const void *address)
{
	return (uintptr_t)address >= executable.start && (uintptr_t)address < executable.end;
}

static uint32_t gnu_hash(const char *s)
{
	uint32_t h = 5381;

	while (*s)
		h = h * 33 + (uint8_t)*s++;
	return h;
}

static void *address_of(const ElfW(Sym) * symbol, const char *name)
{
	unsigned int type = ELF64_ST_TYPE(symbol->st_info);

	if (type != STT_FUNC || symbol->st_shndx == SHN_UNDEF || symbol->st_value == 0 ||
		strcmp(executable.names + symbol->st_name, name) != 0)
		return NULL;
	return (void *)(executable.bias + symbol->st_value);
}

/* The layout is binutils' and glibc's: four words, a Bloom filter, buckets, chains. */
void *executable_symbol(const char *name)
{
	const uint32_t *head = executable.hash, *buckets, *chain;
	const ElfW(Addr) * bloom;
	uint32_t h = gnu_hash(name), at;
	ElfW(Addr) word;

	if (!head || head[0] == 0 || head[2] == 0)
		return NULL;
	bloom = (const ElfW(Addr) *)(head + 4);
	word = bloom[(h / 64) % head[2]];
	if (!((word >> (h % 64)) & (word >> ((h >> head[3]) % 64)) & 1))
		return NULL;
	buckets = (const uint32_t *)(bloom + head[2]);
	chain = buckets + head[0];
	for (at = buckets[h % head[0]]; at >= head[1]; at++) {
		uint32_t found = chain[at - head[1]];

		if ((found | 1) == (h | 1)) {
			void *f = address_of(&executable.symbols[at], name);

			if (f)
				return f;
		}
		if (found & 1)
			break;
	}
	return NULL;
}
