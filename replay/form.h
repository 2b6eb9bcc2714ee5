/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_FORM_H
#define REPLAY_FORM_H

#include <jansson.h>
#include <stdbool.h>
#include "storage/buffer.h"

/* The lines of a canonical or normalised form (replay/canon.h), taken apart; spans point into it.
 */
struct form {
	struct span line;             /* "POST https://host/path" */
	struct span url;              /* line and query lines */
	struct span queries, headers; /* lines, each with its line end */
	struct span body;
	json_t *json; /* the body, where it is an object or array */
};
void form_split(struct span text, struct form *ret);
/* Also parses the body; form_free() afterwards. */
void form_parse(struct span text, struct form *ret);
void form_free(struct form *form);
/* Takes the next line off *lines, its line end left out; false: there is none with a line end. */
bool form_line(struct span *lines, struct span *ret);

/* Of the first line: "POST", "host:port", "/path". */
struct span form_method(struct span line);
struct span form_authority(struct span line);
struct span form_path(struct span line);

#endif
