/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_MATCH_KIND_H
#define REPLAY_MATCH_KIND_H

#include <jansson.h>
#include <stdbool.h>

/*
 * What a difference between a recorded request and one of now says: that something else is asked
 * for, or that a value is another in every run and nothing has told us so.
 *
 * KIND(constant, "json name", another request altogether, "why it counts")
 */
#define MATCH_KINDS(KIND)                                                                          \
	KIND(MODEL, "model", true, "another model gives another answer")                           \
	KIND(TOOL, "tool", true, "the model is offered other tools")                               \
	KIND(MESSAGE, "message", true, "the conversation is another one")                          \
	KIND(PROMPT, "prompt", true, "the model is told something else")                           \
	KIND(SETTING, "setting", true, "the request sets it otherwise")                            \
	KIND(ADDRESS, "address", true, "another method or address")                                \
	KIND(HEADER, "header", false, "no rule says that this header does not count")              \
	KIND(QUERY, "query", false, "no rule says that this parameter does not count")             \
	KIND(VALUE, "value", false,                                                                \
		"it looks made up, but no spelling, origin or rule says that it is")               \
	KIND(TEXT, "text", false, "only values in the text differ, none of a known spelling")      \
	KIND(BODY, "body", true, "the body is another one")

enum match_kind {
#define KIND(name, json, other, why) MATCH_KIND_##name,
	MATCH_KINDS(KIND)
#undef KIND
		MATCH_KIND_MAX
};

/* Of one entry of an explanation's "differences". */
enum match_kind match_kind_of(const json_t *difference);
const char *match_kind_name(enum match_kind kind);
const char *match_kind_why(enum match_kind kind);
/* True: nothing can make it match but recording it. */
bool match_kind_is_other(enum match_kind kind);
/* False: not the name of a kind. */
bool match_kind_by_name(const char *name, enum match_kind *ret);

#endif
