/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/prologue.h"

#include <stdbool.h>

static bool is_rex(uint8_t b)
{
	return b >= 0x40 && b <= 0x4f;
}

static bool between_registers(uint8_t modrm)
{
	return modrm >> 6 == 3;
}

/*
 * The length of one instruction of those that begin OpenSSL's functions, as compilers put them, and
 * mean the same anywhere: pushes, moves and tests between registers, room on the stack, a look into
 * the first argument. 0: any other, and none that refers to its own address.
 */
static size_t movable_instruction(const uint8_t *p)
{
	if ((p[0] & 0xf8) == 0x50)
		return 1; /* push %rax … %rdi */
	if (p[0] == 0x41 && (p[1] & 0xf8) == 0x50)
		return 2; /* push %r8 … %r15 */
	if (is_rex(p[0]) && (p[1] == 0x89 || p[1] == 0x85) && between_registers(p[2]))
		return 3; /* mov, test: 64 bits, or of %r8 … %r15 */
	if ((p[0] == 0x89 || p[0] == 0x85) && between_registers(p[1]))
		return 2; /* mov, test: 32 bits */
	if (p[0] == 0x48 && p[1] == 0x83 && p[2] == 0xec)
		return 4; /* sub $8 bits, %rsp */
	if (p[0] == 0x48 && p[1] == 0x81 && p[2] == 0xec)
		return 7; /* sub $32 bits, %rsp */
	if (p[0] == 0x48 && p[1] == 0x83 && p[2] == 0x7f)
		return 5; /* cmpq $8 bits, 8 bits(%rdi) */
	return 0;
}

size_t prologue_movable(const uint8_t *code, size_t need)
{
	size_t at = 0;

	while (at < need) {
		size_t n = movable_instruction(code + at);

		if (n == 0)
			return 0;
		at += n;
	}
	return at;
}
