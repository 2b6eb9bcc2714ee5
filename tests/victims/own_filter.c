/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that forbid themselves, on pain of death, all system calls but the few they still need:
 * what they say after it arrives, and they live. */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include "victim.h"

#define ALLOW(number)                                                                              \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),                                         \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static struct sock_filter filter[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	ALLOW(SYS_read),
	ALLOW(SYS_write),
	ALLOW(SYS_sendto),
	ALLOW(SYS_recvfrom),
	ALLOW(SYS_exit_group),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
};

static long confine(bool by_prctl)
{
	struct sock_fprog program = {sizeof filter / sizeof *filter, filter};

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (by_prctl)
		return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

/* A hello as TLS begins, which otherwise is looked at closely. */
static void talk(int socket, bool by_prctl)
{
	static const unsigned char hello[100] = {22, 3, 1, 0, 95, 1, 0, 0, 91, 3, 3};
	unsigned char got[sizeof hello];

	if (confine(by_prctl) == 0 && send(socket, hello, sizeof hello, 0) == sizeof hello &&
		recv(socket, got, sizeof got, MSG_WAITALL) == sizeof got &&
		write(STDOUT_FILENO, "alive\n", 6) == 6)
		_exit(0);
	_exit(1);
}

static void child(bool by_prctl)
{
	int pair[2], status;
	char buffer[4096];
	pid_t pid;
	ssize_t n;

	tcp_pair(pair);
	pid = fork();
	if (pid == 0) {
		close(pair[1]);
		talk(pair[0], by_prctl);
	}
	close(pair[0]);
	while ((n = read(pair[1], buffer, sizeof buffer)) > 0)
		send(pair[1], buffer, (size_t)n, MSG_NOSIGNAL);
	close(pair[1]);
	waitpid(pid, &status, 0);
	printf("status %x\n", status);
	fflush(stdout);
}

int main(void)
{
	int pair[2];

	child(true);
	child(false);
	tcp_pair(pair);
	if (send(pair[1], filter, 100, 0) != 100)
		die("send");
	talk(pair[0], true);
}
