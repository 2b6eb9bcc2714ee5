/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_CANON_H
#define REPLAY_CANON_H

#include <stdbool.h>
#include "replay/handed.h"
#include "replay/http1.h"
#include "replay/origins.h"
#include "replay/rules.h"
#include "storage/buffer.h"

/*
 * The canonical form of a request: two requests that mean the same have the same one. JSON is
 * parsed and key-sorted, query and form pairs are sorted, a multipart boundary is neutral, volatile
 * and secret headers are left out, secret parameters are marks, Content-Encoding is undone. A body
 * that is not what it claims to be, and one that is no text, are taken as bytes.
 */
struct canon_input {
	struct span scheme, authority; /* "https", "api.example.com[:port]" */
	const struct http1_head *head;
	struct span body; /* content, framing removed */
	bool body_elided; /* larger than CANON_BODY_MAX: only `digest` and `length` are known */
	uint64_t length;
	uint8_t digest[16]; /* XXH3-128 of the content, canonical form */
};

#define CANON_BODY_MAX (16u << 20)
/* A canonical form fits: a body whose own would not stays as it is. */
#define CANON_FORM_MAX (CANON_BODY_MAX + (8u << 20))
/* One whose marks would make it longer than this is not normalised. */
#define CANON_NORMAL_MAX (2 * CANON_FORM_MAX)

struct call_key {
	uint8_t bytes[16]; /* XXH3-128 of a form */
};

/* Appends the canonical form, as readable lines, to `out`. 0 or -errno (`out` unchanged). */
int canon_request(const struct canon_input *in, struct buffer *out);

/*
 * Which values the marks of a form stand for, in its order: only those that a client makes up (ids,
 * random and temporary names, not times), past CANON_MARKS_MAX no more. Zero-initialise.
 */
#define CANON_MARKS_MAX 65536
struct canon_marks {
	uint64_t *values; /* XXH3-64 */
	size_t count, capacity;
};
/* 0 or -ENOMEM. */
int canon_marks_add(struct canon_marks *marks, const uint64_t *values, size_t count);
void canon_marks_free(struct canon_marks *marks);

/* What is known of one side, the recording or the program that runs now; each may be NULL. */
struct canon_view {
	const struct rules *rules;
	const struct origins *origins;
	const struct handed *handed;
	struct canon_marks *marks; /* to be filled anew */
};
/*
 * Appends the normalised form of a canonical one: the same lines, with a mark ("{{uuid}}",
 * "{{time}}" …) for every value that its origin, a rule or its spelling shows to be another in each
 * run. The names of models and versions, numbers and words stay. What a rule says to be in no order
 * is sorted, and the values of its marks come in that order. `view`: NULL for spelling alone.
 * 0 or -errno (`out` unchanged).
 */
int canon_normalise(struct span canonical, const struct canon_view *view, struct buffer *out);
/*
 * The same of a message that is no request: of a WebSocket, or a piece of a body. `line`: the first
 * of the form of the request that it belongs to, whose rules apply, or empty.
 */
int canon_normalise_message(
	struct span message, struct span line, const struct canon_view *view, struct buffer *out);
struct call_key canon_key(struct span form);
/* True for headers that never take part in matching. */
bool canon_is_volatile_header(struct span name);

#endif
