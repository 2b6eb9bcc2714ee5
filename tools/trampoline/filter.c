/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/trampoline/filter.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#ifndef SYS_io_uring_setup
#define SYS_io_uring_setup 425
#endif
#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#ifndef AF_VSOCK
#define AF_VSOCK 40
#endif

#if defined(__x86_64__)
#define NATIVE      AUDIT_ARCH_X86_64
#define FOREIGN_BIT 0x40000000u /* x32: the same architecture by another table of calls */
#elif defined(__aarch64__)
#define NATIVE      AUDIT_ARCH_AARCH64
#define FOREIGN_BIT 0x80000000u /* no number has it */
#else
#error "rrshim knows x86-64 and aarch64"
#endif

#define ASK         SECCOMP_RET_USER_NOTIF
#define REFUSE(err) (SECCOMP_RET_ERRNO | (err))

enum { RECORD = WIRE_RECORD, REPLAY = WIRE_REPLAY, BOTH = WIRE_RECORD | WIRE_REPLAY };

/* On an argument: EQUAL and LEAST look at its lower half, as these are ints. */
struct test {
	enum { ALWAYS, EQUAL, LEAST, GIVEN /* not zero */ } kind;
	int argument;
	uint32_t mask, value;
};

struct rule {
	long call;
	unsigned int modes;
	struct test tests[2]; /* all must hold */
	uint32_t action;
};

/* Sockets whose bytes need no address that anybody could judge. */
#define NO_RAW(family)                                                                             \
	{                                                                                          \
		SYS_socket, REPLAY, {{EQUAL, 0, ~0u, family}, {LEAST, 1, 0xf, SOCK_RAW}},          \
			REFUSE(EPERM)                                                              \
	}
#define NO_FAMILY(family)                                                                          \
	{                                                                                          \
		SYS_socket, REPLAY, {{EQUAL, 0, ~0u, family}}, REFUSE(EPERM)                       \
	}

/* The first rule that holds decides. */
static const struct rule rules[] = {
	{SYS_connect, BOTH, {{ALWAYS}}, ASK},
	{SYS_listen, BOTH, {{ALWAYS}}, ASK},
	{SYS_execve, BOTH, {{ALWAYS}}, ASK},
	{SYS_execveat, BOTH, {{ALWAYS}}, ASK},
	/* What a ring does no filter sees; programs fall back to the calls above. */
	{SYS_io_uring_setup, BOTH, {{ALWAYS}}, REFUSE(ENOSYS)},
	{SYS_sendto, REPLAY, {{GIVEN, 4}}, ASK},
	{SYS_sendmsg, REPLAY, {{ALWAYS}}, ASK},
	{SYS_sendmmsg, REPLAY, {{ALWAYS}}, ASK},
#ifdef SYS_open
	{SYS_open, REPLAY, {{ALWAYS}}, ASK}, /* musl's */
#endif
	{SYS_openat, REPLAY, {{ALWAYS}}, ASK},
	{SYS_openat2, REPLAY, {{ALWAYS}}, ASK},
	NO_FAMILY(AF_PACKET),
	NO_FAMILY(AF_VSOCK),
	NO_RAW(AF_INET),
	NO_RAW(AF_INET6),
};

#define RULES (sizeof(rules) / sizeof(rules[0]))

struct program {
	struct sock_filter *to;
	size_t max, len;
};

static void emit(struct program *p, uint16_t code, uint32_t k, uint8_t jt, uint8_t jf)
{
	if (p->len < p->max)
		p->to[p->len] = (struct sock_filter)BPF_JUMP(code, k, jt, jf);
	p->len++;
}

static void load(struct program *p, size_t offset)
{
	emit(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void give(struct program *p, uint32_t action)
{
	emit(p, BPF_RET | BPF_K, action, 0, 0);
}

/* Both architectures are little-endian: the lower half comes first. */
static size_t lower(int argument)
{
	return offsetof(struct seccomp_data, args) + 8 * (size_t)argument;
}

static uint8_t test_length(const struct test *t)
{
	static const uint8_t lengths[] = {[ALWAYS] = 0, [EQUAL] = 3, [LEAST] = 3, [GIVEN] = 4};

	return lengths[t->kind];
}

/* Falls through where it holds, else jumps over the `rest` instructions that follow. */
static void emit_test(struct program *p, const struct test *t, uint8_t rest)
{
	switch (t->kind) {
	case ALWAYS:
		break;
	case EQUAL:
	case LEAST:
		load(p, lower(t->argument));
		emit(p, BPF_ALU | BPF_AND | BPF_K, t->mask, 0, 0);
		emit(p, BPF_JMP | (t->kind == EQUAL ? BPF_JEQ : BPF_JGE) | BPF_K, t->value, 0,
			rest);
		break;
	case GIVEN:
		load(p, lower(t->argument));
		emit(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 2);
		load(p, lower(t->argument) + 4);
		emit(p, BPF_JMP | BPF_JEQ | BPF_K, 0, rest, 0);
		break;
	}
}

/* load nr; jeq call, 0, over; tests; ret action */
static void emit_rule(struct program *p, const struct rule *r)
{
	const uint8_t first = test_length(&r->tests[0]), second = test_length(&r->tests[1]);

	load(p, offsetof(struct seccomp_data, nr));
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)r->call, 0, (uint8_t)(first + second + 1));
	emit_test(p, &r->tests[0], (uint8_t)(second + 1));
	emit_test(p, &r->tests[1], 1);
	give(p, r->action);
}

/* Calls by another table would be other calls: record lets them be, replay cannot. */
static void emit_foreign(struct program *p, enum wire_mode mode)
{
	load(p, offsetof(struct seccomp_data, arch));
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, NATIVE, 0, 2);
	load(p, offsetof(struct seccomp_data, nr));
	emit(p, BPF_JMP | BPF_JSET | BPF_K, FOREIGN_BIT, 0, 1);
	give(p, mode == WIRE_REPLAY ? REFUSE(ENOSYS) : SECCOMP_RET_ALLOW);
}

size_t filter_build(enum wire_mode mode, struct sock_filter *to, size_t max)
{
	struct program p = {to, max, 0};

	emit_foreign(&p, mode);
	for (size_t i = 0; i < RULES; i++) {
		if (rules[i].modes & mode)
			emit_rule(&p, &rules[i]);
	}
	give(&p, SECCOMP_RET_ALLOW);
	return p.len <= max ? p.len : 0;
}
