/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "shim/image.h"

static char folder[64];

static void setup(void)
{
	strcpy(folder, "/tmp/rrshim-image-XXXXXX");
	cr_assert_not_null(mkdtemp(folder));
}

static void teardown(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	cr_assert_eq(system(command), 0);
}

TestSuite(image, .init = setup, .fini = teardown);

static const char *file(const char *name, const void *bytes, size_t len)
{
	static char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "w");
	fwrite(bytes, 1, len, f);
	fclose(f);
	chmod(path, 0755);
	return path;
}

static const char *script(const char *name, const char *text)
{
	return file(name, text, strlen(text));
}

/* A 64-bit ELF head with one program header, and after it a loader's path if there is one. */
static const char *elf(const char *name, int class, uint16_t machine, const char *loader)
{
	struct {
		Elf64_Ehdr eh;
		Elf64_Phdr ph;
		char loader[64];
	} image;

	memset(&image, 0, sizeof(image));
	memcpy(image.eh.e_ident, ELFMAG, SELFMAG);
	image.eh.e_ident[EI_CLASS] = (unsigned char)class;
	image.eh.e_machine = machine;
	image.eh.e_phoff = sizeof(image.eh);
	image.eh.e_phnum = 1;
	image.ph.p_type = loader ? PT_INTERP : PT_LOAD;
	image.ph.p_offset = sizeof(image.eh) + sizeof(image.ph);
	image.ph.p_filesz = sizeof(image.loader);
	if (loader)
		strcpy(image.loader, loader);
	return file(name, &image, sizeof(image));
}

#if defined(__x86_64__)
#define OURS   EM_X86_64
#define OTHERS EM_AARCH64
#else
#define OURS   EM_AARCH64
#define OTHERS EM_X86_64
#endif

Test(image, kinds)
{
	cr_assert_eq(image_classify("/proc/self/exe"), IMAGE_TRACEABLE);
	cr_assert_eq(image_classify(elf("g", ELFCLASS64, OURS, "/lib64/ld-linux-x86-64.so.2")),
		IMAGE_TRACEABLE);
	cr_assert_eq(
		image_classify(elf("m", ELFCLASS64, OURS, "/lib/ld-musl-x86_64.so.1")), IMAGE_MUSL);
	cr_assert_eq(image_classify(elf("s", ELFCLASS64, OURS, NULL)), IMAGE_STATIC);
	cr_assert_eq(image_classify(elf("c", ELFCLASS32, EM_386, NULL)), IMAGE_CLASS);
	cr_assert_eq(image_classify(elf("o", ELFCLASS64, OTHERS, NULL)), IMAGE_CLASS);
	cr_assert_eq(image_classify(script("t", "no executable at all")), IMAGE_NONE);
	cr_assert_eq(image_classify("/nowhere/at/all"), IMAGE_NONE);
}

Test(image, a_script_is_what_its_interpreter_is)
{
	char text[256];
	char interpreter[128];

	cr_assert_eq(image_classify(script("a", "#!/bin/sh -e\necho hi\n")), IMAGE_TRACEABLE);
	cr_assert_eq(image_classify(script("b", "#! /bin/sh\n")), IMAGE_TRACEABLE);
	strcpy(interpreter, elf("static", ELFCLASS64, OURS, NULL));
	snprintf(text, sizeof(text), "#!%s\n", interpreter);
	cr_assert_eq(image_classify(script("d", text)), IMAGE_STATIC);
}

Test(image, a_script_that_names_itself_ends)
{
	char text[256];

	snprintf(text, sizeof(text), "#!%s/loop\n", folder);
	cr_assert_eq(image_classify(script("loop", text)), IMAGE_NONE);
}

/* As large as a runtime with its own TLS library; sparse. */
static const char *grown(const char *path, off_t size)
{
	cr_assert_eq(truncate(path, size), 0);
	return path;
}

Test(image, static_and_large_ones_may_carry_their_own_tls)
{
	const char *loader = "/lib64/ld-linux-x86-64.so.2";
	char path[256];

	cr_assert(image_of_file(elf("t1", ELFCLASS64, OURS, NULL)).own_tls);
	cr_assert_not(image_of_file(elf("t2", ELFCLASS64, OURS, loader)).own_tls);
	strcpy(path, elf("t3", ELFCLASS64, OURS, loader));
	cr_assert(image_of_file(grown(path, IMAGE_LARGE_BYTES)).own_tls);
	cr_assert_not(image_of_file(grown(path, IMAGE_LARGE_BYTES - 1)).own_tls);
	strcpy(path, script("t4", "#!/bin/sh\n"));
	cr_assert_not(image_of_file(grown(path, IMAGE_LARGE_BYTES)).own_tls);
}
