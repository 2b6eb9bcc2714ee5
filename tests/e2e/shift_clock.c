/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shift_clock SECONDS COMMAND…: runs a command, and all it starts, on another day.
 *
 * Static programs and those that ask the kernel themselves pass a preloaded library by, so the
 * calls are answered from outside: the vDSO is hidden from each image that is executed, a filter
 * stops the calls that tell the time, and a tracer answers them. Waiting until a time of day is
 * moved back to when it is for the kernel.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STACK_WORDS_MAX 65536
#define BELOW_RED_ZONE  1024

static long shift_seconds;

static void die(const char *what)
{
	fprintf(stderr, "shift_clock: %s: %m\n", what);
	exit(125);
}

/* ---- the program's side ---- */

#define LOAD(field)                                                                                \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, field))
#define RETURN(what)           BPF_STMT(BPF_RET | BPF_K, what)
#define JUMP(test, k, yes, no) BPF_JUMP(BPF_JMP | (test) | BPF_K, k, yes, no)

static void install_filter(void)
{
	struct sock_filter code[] = {
		LOAD(arch),
		JUMP(BPF_JEQ, AUDIT_ARCH_X86_64, 0, 11),
		LOAD(nr),
		JUMP(BPF_JEQ, SYS_gettimeofday, 10, 0),
		JUMP(BPF_JEQ, SYS_time, 9, 0),
		JUMP(BPF_JEQ, SYS_futex, 5, 0),
		JUMP(BPF_JEQ, SYS_clock_gettime, 0, 6),
		LOAD(args[0]),
		JUMP(BPF_JEQ, CLOCK_REALTIME, 5, 0),
		JUMP(BPF_JEQ, CLOCK_REALTIME_COARSE, 4, 0),
		RETURN(SECCOMP_RET_ALLOW),
		LOAD(args[1]),
		JUMP(BPF_JSET, FUTEX_CLOCK_REALTIME, 1, 0),
		RETURN(SECCOMP_RET_ALLOW),
		RETURN(SECCOMP_RET_TRACE),
	};
	struct sock_fprog program = {sizeof(code) / sizeof(*code), code};

	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		die("filter");
}

static void run_program(int go, char **argv)
{
	char byte;

	if (read(go, &byte, 1) != 1)
		_exit(125);
	close(go);
	install_filter();
	execvp(argv[0], argv);
	die(argv[0]);
}

/* ---- the tracer's ---- */

static int poke(pid_t pid, uint64_t to, const void *data, size_t len)
{
	struct iovec local = {(void *)(uintptr_t)data, len}, remote = {(void *)(uintptr_t)to, len};

	return process_vm_writev(pid, &local, 1, &remote, 1, 0) == (ssize_t)len ? 0 : -EFAULT;
}

static int peek(pid_t pid, uint64_t from, void *data, size_t len)
{
	struct iovec local = {data, len}, remote = {(void *)(uintptr_t)from, len};

	return process_vm_readv(pid, &local, 1, &remote, 1, 0) == (ssize_t)len ? 0 : -EFAULT;
}

/* The call is not made; this is what it returns. */
static void answer(struct user_regs_struct *regs, int64_t value)
{
	regs->orig_rax = (uint64_t)-1;
	regs->rax = (uint64_t)value;
}

static void answer_clock(pid_t pid, struct user_regs_struct *regs)
{
	struct timespec now;

	clock_gettime((clockid_t)regs->rdi, &now);
	now.tv_sec += shift_seconds;
	answer(regs, poke(pid, regs->rsi, &now, sizeof(now)));
}

static void answer_day(pid_t pid, struct user_regs_struct *regs)
{
	struct timeval now;
	struct timezone zone = {0};
	int r = 0;

	gettimeofday(&now, NULL);
	now.tv_sec += shift_seconds;
	if (regs->rdi)
		r = poke(pid, regs->rdi, &now, sizeof(now));
	if (!r && regs->rsi)
		r = poke(pid, regs->rsi, &zone, sizeof(zone));
	answer(regs, r);
}

static void answer_time(pid_t pid, struct user_regs_struct *regs)
{
	int64_t now = time(NULL) + shift_seconds;
	int r = regs->rdi ? poke(pid, regs->rdi, &now, sizeof(now)) : 0;

	answer(regs, r ? r : now);
}

/* The shifted deadline is put where the program's stack is free. */
static void move_deadline(pid_t pid, struct user_regs_struct *regs)
{
	uint64_t room = (regs->rsp - BELOW_RED_ZONE) & ~15ul;
	struct timespec until;

	if (!regs->r10 || peek(pid, regs->r10, &until, sizeof(until)))
		return;
	until.tv_sec = until.tv_sec > shift_seconds ? until.tv_sec - shift_seconds : 0;
	if (!poke(pid, room, &until, sizeof(until)))
		regs->r10 = room;
}

static void on_call(pid_t pid)
{
	struct user_regs_struct regs;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &regs))
		return;
	switch (regs.orig_rax) {
	case SYS_clock_gettime:
		answer_clock(pid, &regs);
		break;
	case SYS_gettimeofday:
		answer_day(pid, &regs);
		break;
	case SYS_time:
		answer_time(pid, &regs);
		break;
	case SYS_futex:
		move_deadline(pid, &regs);
		break;
	default:
		return;
	}
	ptrace(PTRACE_SETREGS, pid, NULL, &regs);
}

/* Libraries ask the kernel where the auxiliary vector, behind arguments and environment, names no
 * vDSO. */
static void on_exec(pid_t pid)
{
	struct user_regs_struct regs;
	uint64_t word = 1, at, ignore = AT_IGNORE;
	int ends = 0;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &regs))
		return;
	at = regs.rsp + sizeof(word);
	for (size_t i = 0; i < STACK_WORDS_MAX && ends < 2; i++, at += sizeof(word)) {
		if (peek(pid, at, &word, sizeof(word)))
			return;
		ends += !word;
	}
	for (; !peek(pid, at, &word, sizeof(word)) && word != AT_NULL; at += 2 * sizeof(word)) {
		if (word == AT_SYSINFO_EHDR)
			poke(pid, at, &ignore, sizeof(ignore));
	}
}

static void on_stop(pid_t pid, int status)
{
	int event = status >> 16, deliver = event ? 0 : WSTOPSIG(status);
	int stopped = WSTOPSIG(status);

	if (event == PTRACE_EVENT_SECCOMP)
		on_call(pid);
	else if (event == PTRACE_EVENT_EXEC)
		on_exec(pid);
	else if (event == PTRACE_EVENT_STOP &&
		(stopped == SIGSTOP || stopped == SIGTSTP || stopped == SIGTTIN ||
			stopped == SIGTTOU)) {
		ptrace(PTRACE_LISTEN, pid, NULL, NULL);
		return;
	}
	ptrace(PTRACE_CONT, pid, NULL, (void *)(intptr_t)deliver);
}

/* Until the command ends; what it leaves behind ends with the tracer. */
static int trace(pid_t command)
{
	for (;;) {
		int status;
		pid_t pid = waitpid(-1, &status, __WALL);

		if (pid < 0 && errno == EINTR)
			continue;
		if (pid < 0)
			die("wait");
		if (WIFSTOPPED(status))
			on_stop(pid, status);
		else if (pid == command)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
}

int main(int argc, char **argv)
{
	int go[2];
	pid_t command;

	if (argc < 3) {
		fprintf(stderr, "usage: shift_clock SECONDS COMMAND…\n");
		return 2;
	}
	shift_seconds = atol(argv[1]);
	if (pipe(go) || (command = fork()) < 0)
		die("fork");
	if (!command) {
		close(go[1]);
		run_program(go[0], argv + 2);
	}
	if (ptrace(PTRACE_SEIZE, command, NULL,
		    (void *)(PTRACE_O_EXITKILL | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
			    PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC | PTRACE_O_TRACESECCOMP)))
		die("trace");
	if (write(go[1], "", 1) != 1)
		die("start");
	close(go[0]);
	close(go[1]);
	signal(SIGINT, SIG_IGN);
	return trace(command);
}
