/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tools/trampoline/filter.h"

#if defined(__x86_64__)
#define NATIVE AUDIT_ARCH_X86_64
#define OTHER  AUDIT_ARCH_I386
#else
#define NATIVE AUDIT_ARCH_AARCH64
#define OTHER  AUDIT_ARCH_ARM
#endif

#define ASK         SECCOMP_RET_USER_NOTIF
#define PASS        SECCOMP_RET_ALLOW
#define REFUSE(err) (SECCOMP_RET_ERRNO | (err))

/* Classic BPF, as far as seccomp filters use it. */
static uint32_t judge(enum wire_mode mode, const struct seccomp_data *data)
{
	struct sock_filter program[FILTER_MAX];
	size_t n = filter_build(mode, program, FILTER_MAX);
	uint32_t a = 0;

	cr_assert_gt(n, 0);
	for (size_t at = 0; at < n; at++) {
		const struct sock_filter *i = &program[at];

		switch (i->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			memcpy(&a, (const char *)data + i->k, sizeof(a));
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= i->k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			at += a == i->k ? i->jt : i->jf;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			at += a >= i->k ? i->jt : i->jf;
			break;
		case BPF_JMP | BPF_JSET | BPF_K:
			at += a & i->k ? i->jt : i->jf;
			break;
		case BPF_RET | BPF_K:
			return i->k;
		default:
			cr_assert_fail("instruction %zu has code %x", at, i->code);
		}
	}
	cr_assert_fail("the program has no end");
	return 0;
}

static uint32_t judge_call(enum wire_mode mode, long call, uint64_t a, uint64_t b, uint64_t e)
{
	const struct seccomp_data data = {
		.nr = (int)call, .arch = NATIVE, .args = {a, b, 0, 0, e, 0}};

	return judge(mode, &data);
}

Test(filter, record_asks_about_connections_and_images_only)
{
	cr_assert_eq(judge_call(WIRE_RECORD, SYS_connect, 3, 0, 0), ASK);
	cr_assert_eq(judge_call(WIRE_RECORD, SYS_listen, 3, 0, 0), ASK);
	cr_assert_eq(judge_call(WIRE_RECORD, SYS_execve, 3, 0, 0), ASK);
	cr_assert_eq(judge_call(WIRE_RECORD, SYS_sendto, 3, 0, 4096), PASS);
	cr_assert_eq(judge_call(WIRE_RECORD, SYS_sendmsg, 3, 0, 0), PASS);
	cr_assert_eq(judge_call(WIRE_RECORD, SYS_openat, 3, 0, 0), PASS);
	cr_assert_eq(judge_call(WIRE_RECORD, SYS_socket, AF_PACKET, SOCK_RAW, 0), PASS);
	cr_assert_eq(judge_call(WIRE_RECORD, SYS_read, 3, 0, 0), PASS);
	cr_assert_eq(judge_call(WIRE_RECORD, SYS_io_uring_setup, 8, 0, 0), REFUSE(ENOSYS));
}

Test(filter, replay_asks_about_addresses_and_files)
{
	static const long asked[] = {
		SYS_connect, SYS_listen, SYS_sendmsg, SYS_sendmmsg, SYS_openat, SYS_openat2,
#ifdef SYS_open
		SYS_open
#endif
	};

	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++)
		cr_assert_eq(judge_call(WIRE_REPLAY, asked[i], 3, 0, 0), ASK, "%ld", asked[i]);
	cr_assert_eq(judge_call(WIRE_REPLAY, SYS_write, 3, 0, 0), PASS);
	cr_assert_eq(judge_call(WIRE_REPLAY, SYS_io_uring_setup, 8, 0, 0), REFUSE(ENOSYS));
}

Test(filter, sendto_counts_with_an_address)
{
	cr_assert_eq(judge_call(WIRE_REPLAY, SYS_sendto, 3, 0, 0), PASS);
	cr_assert_eq(judge_call(WIRE_REPLAY, SYS_sendto, 3, 0, 4096), ASK);
	/* Only the upper half is set. */
	cr_assert_eq(judge_call(WIRE_REPLAY, SYS_sendto, 3, 0, 1ull << 32), ASK);
}

Test(filter, replay_has_no_raw_sockets)
{
	static const struct {
		int family, type;
		uint32_t action;
	} cases[] = {
		{AF_INET, SOCK_STREAM, PASS},
		{AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, PASS},
		{AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, PASS},
		{AF_INET, SOCK_RAW, REFUSE(EPERM)},
		{AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, REFUSE(EPERM)},
		{AF_INET, SOCK_PACKET, REFUSE(EPERM)},
		{AF_PACKET, SOCK_DGRAM, REFUSE(EPERM)},
		{AF_VSOCK, SOCK_STREAM, REFUSE(EPERM)},
		{AF_UNIX, SOCK_SEQPACKET, PASS},
		{AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, PASS},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_assert_eq(judge_call(WIRE_REPLAY, SYS_socket, (uint64_t)cases[i].family,
				     (uint64_t)cases[i].type, 0),
			cases[i].action, "family %d type %x", cases[i].family, cases[i].type);
}

Test(filter, foreign_calls)
{
	struct seccomp_data data = {.nr = SYS_connect, .arch = OTHER};

	cr_assert_eq(judge(WIRE_RECORD, &data), PASS);
	cr_assert_eq(judge(WIRE_REPLAY, &data), REFUSE(ENOSYS));
#if defined(__x86_64__)
	data.arch = NATIVE;
	data.nr = 0x40000000 | SYS_connect; /* x32 */
	cr_assert_eq(judge(WIRE_RECORD, &data), PASS);
	cr_assert_eq(judge(WIRE_REPLAY, &data), REFUSE(ENOSYS));
#endif
}

Test(filter, no_room)
{
	struct sock_filter few[4];

	cr_assert_eq(filter_build(WIRE_REPLAY, few, 4), 0);
}

/* The kernel takes it, and without anybody listening what is asked about fails. */
Test(filter, kernel_agrees)
{
	struct sock_filter program[FILTER_MAX];
	struct sock_fprog p = {.filter = program};
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		p.len = (unsigned short)filter_build(WIRE_REPLAY, program, FILTER_MAX);
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
			syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &p) < 0)
			_exit(1);
		if (syscall(SYS_socket, AF_INET, SOCK_RAW, 1) != -1 || errno != EPERM)
			_exit(2);
		if (connect(-1, NULL, 0) != -1 || errno != ENOSYS)
			_exit(3);
		if (sendto(-1, "", 1, 0, NULL, 0) != -1 || errno != EBADF)
			_exit(4);
		_exit(0);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0, "status %x", status);
}
