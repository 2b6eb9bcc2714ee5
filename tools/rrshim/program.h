/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_RRSHIM_PROGRAM_H
#define TOOLS_RRSHIM_PROGRAM_H

#include <stddef.h>
#include "shim/image.h"

/* The path of librrshim.so. 0, or 1 after saying on stderr that it is missing. */
int program_library(const char *verb, char *to, size_t size);

/* Finds a program as a shell does and judges it; *to is "" where there is none (IMAGE_NONE). */
enum image_kind program_find(const char *name, char *to, size_t size);

#endif
