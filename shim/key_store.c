/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/key_store.h"

#include <limits.h>
#include "shim/control.h"
#include "shim/start.h"

/*
 * Safety: system calls, and for a key store one question to the helper. Where anything fails, what
 * the program opened stays open.
 */

_Atomic uint32_t key_store_reader;

static bool is_java(void)
{
	static const char name[] = "/java";
	char path[PATH_MAX];
	long n = sys(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", path, sizeof(path));
	const long len = sizeof(name) - 1;

	return n > len && memcmp(path + n - len, name, (size_t)len) == 0;
}

/* A JKS, or the DER sequence that a PKCS #12 is. */
static bool is_key_store(int fd)
{
	uint8_t magic[4];

	if (sys(SYS_pread64, fd, magic, sizeof(magic), 0) != sizeof(magic))
		return false;
	return memcmp(magic, "\xfe\xed\xfe\xed", 4) == 0 || (magic[0] == 0x30 && magic[1] == 0x82);
}

static bool session_has_ca(void)
{
	return !start_vfork_child && start_ready() && start_arena()->ca_len > 0;
}

static __attribute__((noinline)) void exchange(int fd, const char *path)
{
	struct wire_request request;
	struct wire_reply reply;
	long merged, flags;

	if (strlen(path) >= sizeof(request.resolve.node))
		return;
	control_begin(&request, WIRE_CALL_TRUST);
	memcpy(request.resolve.node, path, strlen(path) + 1);
	if (control_call(&request, &reply) < 0 || reply.verdict != WIRE_REDIRECT)
		return;
	reply.resolve.node[sizeof(reply.resolve.node) - 1] = '\0';
	merged = sys_open(reply.resolve.node, O_RDONLY | O_CLOEXEC);
	if (merged < 0)
		return;
	flags = sys(SYS_fcntl, fd, F_GETFD, 0);
	sys(SYS_dup3, merged, fd, (flags & FD_CLOEXEC) ? O_CLOEXEC : 0);
	sys_close(merged);
}

void key_store_opened_slow(int fd, const char *path)
{
	SAVE_ERRNO();
	if (atomic_load(&key_store_reader) == KEY_STORE_ASK)
		atomic_store(&key_store_reader, is_java() ? KEY_STORE_YES : KEY_STORE_NO);
	/* Its working directory is the program's, not the helper's: only whole paths are asked for. */
	if (atomic_load(&key_store_reader) == KEY_STORE_YES && path[0] == '/' && is_key_store(fd) &&
		session_has_ca())
		exchange(fd, path);
	RESTORE_ERRNO();
}
