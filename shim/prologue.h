/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_PROLOGUE_H
#define SHIM_PROLOGUE_H

#include <stddef.h>
#include <stdint.h>

#define PROLOGUE_INSTRUCTION_MAX 7

/*
 * Bytes of whole x86-64 instructions at the start of `code`, at least `need`, that do the same at
 * another address; 0: something else is among the first of them. Reads fewer than `need` +
 * PROLOGUE_INSTRUCTION_MAX bytes. Pure.
 */
size_t prologue_movable(const uint8_t *code, size_t need);

#endif
