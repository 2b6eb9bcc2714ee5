/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_IMAGE_H
#define SHIM_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What an executable file is, as far as preloading goes. Pure but for what opens files; compiled
 * into the shim (which must decide before an exec) and into the tools (doctor, the launcher).
 */
enum image_kind {
	IMAGE_TRACEABLE = 0,
	IMAGE_STATIC,      /* no dynamic loader: LD_PRELOAD is never read */
	IMAGE_MUSL,        /* another libc: a glibc library in LD_PRELOAD keeps it from starting */
	IMAGE_CLASS,       /* other word size or machine: its loader complains on stderr */
	IMAGE_SETUID,      /* privileged at exec: the loader ignores LD_PRELOAD */
	IMAGE_UNREACHABLE, /* will not find the library: another user, another root */
	IMAGE_SCRIPT,      /* '#!': the interpreter decides */
	IMAGE_NONE         /* missing or no executable: the exec itself will say */
};

/*
 * A kind by its file's first IMAGE_HEAD_BYTES. *ret_interpreter: the offset of the '#!' path
 * (IMAGE_SCRIPT), or of the loader's path (IMAGE_TRACEABLE as far as these bytes go).
 */
#define IMAGE_HEAD_BYTES 1024
enum image_kind image_of_bytes(const uint8_t *head, size_t len, size_t *ret_interpreter);
/* What the loader's path makes of it. */
enum image_kind image_of_loader(const char *path, size_t len);

/*
 * Dynamic executables from this size on are taken for ones that carry a TLS library of their own:
 * runtimes with one built in (node, bun, deno, claude) start at 40 MiB, what loads libssl ends
 * below 8. Looking for the library itself would mean reading the file.
 */
#define IMAGE_LARGE_BYTES (8 << 20)

struct executable {
	enum image_kind kind;
	bool own_tls; /* static or large: no hook of ours may see its TLS */
};

/*
 * Opens and judges `path`, following '#!' up to 4 deep and privilege bits where they count for
 * this process. Makes system calls of its own only: safe in a vfork child. [any]
 */
struct executable image_of_file(const char *path);
/* The same for an open descriptor (fexecve). */
struct executable image_of_fd(int fd);
static inline enum image_kind image_classify(const char *path)
{
	return image_of_file(path).kind;
}
/* This process's own executable is large. */
bool image_self_is_large(void);

/* True when the loader of that kind must not see our LD_PRELOAD entry. */
static inline int image_refuses_preload(enum image_kind kind)
{
	return kind == IMAGE_MUSL || kind == IMAGE_CLASS || kind == IMAGE_UNREACHABLE;
}

static inline int image_untraceable(enum image_kind kind)
{
	return kind >= IMAGE_STATIC && kind <= IMAGE_UNREACHABLE;
}

const char *image_reason(enum image_kind kind);

#endif
