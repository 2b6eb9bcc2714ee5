/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_MESSAGE_H
#define SHIM_MESSAGE_H

/*
 * The shim's only words: one line on stderr, for what the user must know. Said only while
 * descriptor 2 is what it was when the program started: a program that closed it may have its
 * database there. [any]
 */
void message_init(void);
void message(const char *what, const char *detail);

#endif
