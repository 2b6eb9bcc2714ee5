/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_EXECUTABLE_H
#define SHIM_EXECUTABLE_H

#include <stdbool.h>

/*
 * The main program as it lies in memory: what it defines and exports itself. Runtimes with a TLS
 * library of their own (node) call it directly, past every interposed name.
 */

/* The function of that name that the main program itself defines and exports, or NULL. One hash
 * lookup in its symbol table, whatever its size. [after executable_find()] */
void *executable_symbol(const char *name);

/* True when the address is in the main program. [after executable_find()] */
bool executable_holds(const void *address);

/* Looks the main program up; before that it holds and exports nothing. Once, in the constructor. */
void executable_find(void);

#endif
