/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/env.h"
#include "shim/real.h"
#include "shim/redirect.h"
#include "shim/start.h"

extern char **environ;

/*
 * Processes come and go. A child finds out by itself that it is one (start.c), so all there is to
 * do is to have a session before there is a second process: else each child would start its own.
 * vfork is in arch/: its frame must not be a C function's.
 */

/* Called by vfork's assembly, in the parent. A ring claimed by the child would carry its tid. */
void start_before_vfork(void);
void start_before_vfork(void)
{
	if (start_vfork_child || !start_ready())
		return;
	SAVE_ERRNO();
	start_thread.depth++;
	start_ring();
	start_thread.depth--;
	RESTORE_ERRNO();
}

pid_t shim_fork(void)
{
	pid_t pid;

	start_ready();
	pid = real.fork();
	if (pid == 0)
		start_child();
	return pid;
}
HOOK_ALIAS(__fork, fork);

int shim_system(const char *command)
{
	start_ready();
	if (command && start_is_replay() && !env_keeps_us(environ)) {
		redirect_refused(command, IMAGE_UNREACHABLE);
		errno = EACCES; /* its shell would run untraced */
		return -1;
	}
	return real.system(command);
}

FILE *shim_popen(const char *command, const char *mode)
{
	start_ready();
	if (start_is_replay() && !env_keeps_us(environ)) {
		redirect_refused(command, IMAGE_UNREACHABLE);
		errno = EACCES;
		return NULL;
	}
	return real.popen(command, mode);
}

void shim__exit(int status)
{
	start_finish();
	real._exit(status);
	__builtin_unreachable();
}
HOOK_ALIAS(_Exit, _exit);
