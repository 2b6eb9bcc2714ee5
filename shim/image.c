/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/image.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include "shim/sys.h"

/*
 * Safety: no libc calls but memory functions; 1.2 KiB of stack, again for each '#!' followed.
 */

#if defined(__x86_64__)
#define IMAGE_MACHINE EM_X86_64
#else
#define IMAGE_MACHINE EM_AARCH64
#endif

const char *image_reason(enum image_kind kind)
{
	switch (kind) {
	case IMAGE_STATIC:
		return "it is a static executable";
	case IMAGE_MUSL:
		return "it is linked to musl, not glibc";
	case IMAGE_CLASS:
		return "it is built for another word size or machine";
	case IMAGE_SETUID:
		return "it gains privileges when it starts";
	case IMAGE_UNREACHABLE:
		return "it cannot reach the session's folder (another user or root)";
	default:
		return "it can be traced";
	}
}

enum image_kind image_of_loader(const char *path, size_t len)
{
	return memmem(path, len, "ld-musl", 7) ? IMAGE_MUSL : IMAGE_TRACEABLE;
}

static enum image_kind kind_of_elf(const uint8_t *head, size_t len, size_t *ret_interpreter)
{
	Elf64_Ehdr eh;
	Elf64_Phdr ph;

	if (len < sizeof(eh))
		return IMAGE_NONE;
	memcpy(&eh, head, sizeof(eh));
	if (eh.e_ident[EI_CLASS] != ELFCLASS64 || eh.e_machine != IMAGE_MACHINE)
		return IMAGE_CLASS;
	for (size_t i = 0; i < eh.e_phnum; i++) {
		size_t at = eh.e_phoff + i * sizeof(ph);

		if (eh.e_phoff > len || at > len - sizeof(ph))
			break;
		memcpy(&ph, head + at, sizeof(ph));
		if (ph.p_type == PT_INTERP) {
			*ret_interpreter = ph.p_offset;
			return IMAGE_TRACEABLE;
		}
	}
	return IMAGE_STATIC;
}

enum image_kind image_of_bytes(const uint8_t *head, size_t len, size_t *ret_interpreter)
{
	if (len >= 2 && head[0] == '#' && head[1] == '!') {
		size_t at = 2;

		while (at < len && (head[at] == ' ' || head[at] == '\t'))
			at++;
		*ret_interpreter = at;
		return IMAGE_SCRIPT;
	}
	if (len >= SELFMAG && memcmp(head, ELFMAG, SELFMAG) == 0)
		return kind_of_elf(head, len, ret_interpreter);
	return IMAGE_NONE;
}

/* The kernel sets AT_SECURE, and so the loader drops LD_PRELOAD, only when ids really change. */
static bool gains_privileges(int fd, const struct stat *st)
{
	char caps[64];

	if ((st->st_mode & S_ISUID) && st->st_uid != (uid_t)sys(SYS_geteuid, 0))
		return true;
	if ((st->st_mode & S_ISGID) && (st->st_mode & S_IXGRP) &&
		st->st_gid != (gid_t)sys(SYS_getegid, 0))
		return true;
	return sys(SYS_geteuid, 0) != 0 &&
		sys(SYS_fgetxattr, fd, "security.capability", caps, sizeof(caps)) > 0;
}

/* Ends the interpreter's path in place; false when it does not fit. */
static int cut_interpreter(char *head, size_t len, size_t at)
{
	size_t end = at;

	while (end < len && head[end] && !strchr(" \t\n\r", head[end]))
		end++;
	if (end == at || end >= len)
		return 0;
	head[end] = '\0';
	return 1;
}

static struct executable judge_elf(int fd, enum image_kind kind, size_t interpreter)
{
	struct executable image = {.kind = kind};
	struct stat st;
	char loader[128];
	long n;

	if (sys(SYS_fstat, fd, &st) < 0)
		st = (struct stat){0};
	if (gains_privileges(fd, &st)) {
		image.kind = IMAGE_SETUID;
		return image;
	}
	if (kind == IMAGE_TRACEABLE) {
		n = sys_pread(fd, loader, sizeof(loader), interpreter);
		image.kind = image_of_loader(loader, n > 0 ? (size_t)n : 0);
	}
	image.own_tls = kind == IMAGE_STATIC ||
		(kind == IMAGE_TRACEABLE && st.st_size >= IMAGE_LARGE_BYTES);
	return image;
}

static struct executable classify_fd(int fd, char *head, size_t *ret_len, size_t *ret_interpreter)
{
	long n = sys_pread(fd, head, IMAGE_HEAD_BYTES, 0);
	enum image_kind kind;

	*ret_len = n > 0 ? (size_t)n : 0;
	kind = image_of_bytes((uint8_t *)head, *ret_len, ret_interpreter);
	if (kind == IMAGE_SCRIPT || kind == IMAGE_NONE)
		return (struct executable){.kind = kind};
	return judge_elf(fd, kind, *ret_interpreter);
}

/* An execute-only file cannot be read; the kernel will run it, and we cannot tell. */
static struct executable classify(const char *path, int depth)
{
	char head[IMAGE_HEAD_BYTES + 1];
	size_t len, at = 0;
	struct executable image = {.kind = IMAGE_NONE};
	long fd = sys_open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0) {
		image.kind = fd == -EACCES ? IMAGE_TRACEABLE : IMAGE_NONE;
		return image;
	}
	image = classify_fd((int)fd, head, &len, &at);
	sys_close(fd);
	if (image.kind != IMAGE_SCRIPT)
		return image;
	if (depth == 0 || !cut_interpreter(head, len, at))
		return (struct executable){.kind = IMAGE_NONE};
	return classify(head + at, depth - 1);
}

struct executable image_of_file(const char *path)
{
	return classify(path, 4);
}

struct executable image_of_fd(int fd)
{
	char head[IMAGE_HEAD_BYTES + 1];
	size_t len, at = 0;
	struct executable image = classify_fd(fd, head, &len, &at);

	if (image.kind == IMAGE_SCRIPT && cut_interpreter(head, len, at))
		return classify(head + at, 3);
	return image;
}

bool image_self_is_large(void)
{
	struct stat st;

	return sys(SYS_newfstatat, -100 /* AT_FDCWD */, "/proc/self/exe", &st, 0) == 0 &&
		st.st_size >= IMAGE_LARGE_BYTES;
}
