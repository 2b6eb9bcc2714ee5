/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run [filter|listener|exec|fexec] PROGRAM ARGUMENTS…: runs it and returns its status; "filter"
 * under a seccomp filter of its own, "listener" after trying to have a seccomp listener of its own,
 * "exec" in its own place, "fexec" the same by a descriptor.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* getpriority() fails with E2BIG; nothing a client needs. */
static long install(unsigned long flags)
{
	static struct sock_filter filter[] = {
		{BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr)},
		{BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_getpriority},
		{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | E2BIG},
		{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
	};
	struct sock_fprog program = {4, filter};

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

static int run(char **argv)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		execvp(argv[0], argv);
		perror(argv[0]);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	if (strcmp(argv[1], "filter") == 0) {
		install(0);
		errno = 0;
		syscall(SYS_getpriority, 0, 0);
		printf("own filter: %s\n", strerror(errno));
	} else if (strcmp(argv[1], "listener") == 0) {
		printf("own listener: %s\n",
			install(SECCOMP_FILTER_FLAG_NEW_LISTENER) < 0 ? strerror(errno) : "yes");
	} else if (strcmp(argv[1], "exec") == 0) {
		execvp(argv[2], argv + 2);
		return 127;
	} else if (strcmp(argv[1], "fexec") == 0) {
		fexecve(open(argv[2], O_RDONLY | O_CLOEXEC), argv + 2, environ);
		return 127;
	} else {
		return run(argv + 1);
	}
	fflush(stdout);
	return run(argv + 2);
}
