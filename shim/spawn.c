/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/spawn.h"

#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include "shim/start.h"

/*
 * Safety: clone(CLONE_VM | CLONE_VFORK) with no exit signal, twice: the middle process ends at once
 * and the helper is nobody's child, with no moment in which waitpid(-1), SIGCHLD or $(…) could see
 * it (a plain double fork leaves a pending SIGCHLD). The children run on a stack of their
 * own and make system calls only; all signals are blocked while they borrow our memory.
 */

#define STACK_BYTES (64 * 1024)
#define READY_MS    5000
#define REPORT_FD   3
#define ENV_MAX     64

struct errand {
	char helper[PATH_MAX], library[PATH_MAX];
	char pid[16];
	char *env[ENV_MAX + 1];
	char *argv[8];
	uint8_t *stack;
	int report; /* the pipe's writing end */
};

static void become_helper(const struct errand *e)
{
	static const char failed[] = "!cannot start rrshimd, which belongs beside librrshim.so";
	long null = sys_open("/dev/null", O_RDWR), fd = e->report;

	if (fd < 16)
		fd = sys(SYS_fcntl, fd, F_DUPFD, 16);
	for (int i = 0; i < 3; i++)
		sys(SYS_dup3, null, i, 0);
	sys(SYS_dup3, fd, REPORT_FD, 0);
	sys(SYS_close_range, REPORT_FD + 1, ~0u, 0);
	sys(SYS_chdir, "/");
	sys(SYS_execve, e->helper, e->argv, e->env);
	sys_write(REPORT_FD, failed, sizeof(failed) - 1);
}

static int helper_main(void *arg)
{
	become_helper(arg);
	sys(SYS_exit, 1);
	return 1;
}

static int middle_main(void *arg)
{
	struct errand *e = arg;

	sys(SYS_setsid, 0);
	clone(helper_main, e->stack + STACK_BYTES / 2, CLONE_VM | CLONE_VFORK, e);
	sys(SYS_exit, 0);
	return 0;
}

/* "<dir>/rrshimd" in the build tree, "<dir>/rrshim/rrshimd" where installed. */
static bool find_helper(struct errand *e)
{
	static const char *const places[] = {"/rrshimd", "/rrshim/rrshimd"};
	const char *slash = strrchr(e->library, '/');
	size_t len = slash ? (size_t)(slash - e->library) : 0;

	for (size_t i = 0; slash && i < 2; i++) {
		if (len + strlen(places[i]) >= sizeof(e->helper))
			return false;
		memcpy(e->helper, e->library, len);
		strcpy(e->helper + len, places[i]);
		if (sys(SYS_faccessat, AT_FDCWD, e->helper, 1 /* X_OK */) == 0)
			return true;
	}
	return false;
}

/* The library's path as everybody can find it, whatever it was named by. */
static bool find_library(struct errand *e, const char *library)
{
	size_t n = strlen(library), at = 0;

	if (library[0] != '/') {
		long cwd = sys(SYS_getcwd, e->library, sizeof(e->library));

		if (cwd <= 0)
			return false;
		at = (size_t)cwd - 1;
		e->library[at++] = '/';
	}
	if (at + n >= sizeof(e->library))
		return false;
	memcpy(e->library + at, library, n + 1);
	return true;
}

static void prune_environment(struct errand *e)
{
	static const char *const kept[] = {"RRSHIM_", "HOME=", "PATH=", "TMPDIR=", "XDG_",
		"USER=", "LOGNAME=", "PWD=", "TZ=", "LANG="};
	extern char **environ;
	size_t n = 0;

	for (char **v = environ; v && *v; v++) {
		for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]) && n < ENV_MAX; i++) {
			if (strncmp(*v, kept[i], strlen(kept[i])) == 0)
				e->env[n++] = *v;
		}
	}
	e->env[n] = NULL;
}

static void print_pid(char *to)
{
	char digits[16];
	uint32_t pid = sys_getpid();
	int n = 0;

	do {
		digits[n++] = (char)('0' + pid % 10);
		pid /= 10;
	} while (pid);
	while (n > 0)
		*to++ = digits[--n];
	*to = '\0';
}

/* The helper's answer: the session folder, or '!' and a sentence. Ends when the pipe does. */
static int read_answer(int fd, char *to, size_t size)
{
	size_t n = 0;
	struct pollfd p = {.fd = fd, .events = POLLIN};

	while (n < size - 1) {
		struct timespec patience = {READY_MS / 1000, 0};
		long r = sys(SYS_ppoll, &p, 1, &patience, NULL, 0);

		if (r <= 0 && r != -EINTR)
			break;
		r = r < 0 ? r : sys(SYS_read, fd, to + n, size - 1 - n);
		if (r == 0)
			break;
		n += r > 0 ? (size_t)r : 0;
	}
	to[n] = '\0';
	if (n > 0 && to[0] == '/')
		return (int)n;
	if (n > 1)
		memmove(to, to + 1, n);
	else
		strcpy(to, "the helper did not answer");
	return -1;
}

static void run_errand(struct errand *e)
{
	uint64_t all = ~0ull, before = 0;
	int middle;

	sys(SYS_rt_sigprocmask, SIG_BLOCK, &all, &before, 8);
	middle = clone(middle_main, e->stack + STACK_BYTES, CLONE_VM | CLONE_VFORK, e);
	if (middle > 0)
		sys(SYS_wait4, middle, NULL, __WCLONE, NULL);
	sys(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, 8);
}

int spawn_helper(const char *library, char *folder, size_t size)
{
	static struct errand e;
	int pipe[2], n = -1;
	long stack = sys(SYS_mmap, 0, STACK_BYTES, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	strcpy(folder, "rrshimd, which belongs beside librrshim.so, was not found");
	if ((unsigned long)stack > -4096UL || !find_library(&e, library) || !find_helper(&e))
		return -1;
	if (sys(SYS_pipe2, pipe, O_CLOEXEC) < 0) {
		strcpy(folder, "no descriptor is left to start it");
		goto out;
	}
	e.stack = (uint8_t *)stack;
	e.report = pipe[1];
	print_pid(e.pid);
	prune_environment(&e);
	e.argv[0] = e.helper;
	e.argv[1] = (char *)"--root";
	e.argv[2] = e.pid;
	e.argv[3] = (char *)"--library";
	e.argv[4] = e.library;
	run_errand(&e);
	sys_close(pipe[1]);
	n = read_answer(pipe[0], folder, size);
	sys_close(pipe[0]);
out:
	sys(SYS_munmap, stack, STACK_BYTES);
	return n;
}
