/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_CANON_PRIVATE_H
#define REPLAY_CANON_PRIVATE_H

#include <jansson.h>
#include "replay/canon.h"
#include "replay/shapes.h"

/* Appends the percent-encoded `s` in one spelling (RFC 3986 section 6.2.2). 0 or -errno. */
int canon_percent(struct span s, struct buffer *out);
/* Appends the bytes that the percent-encoded `s` stands for. 0 or -errno. */
int canon_percent_undo(struct span s, struct buffer *out);
/*
 * Appends each name=value of a query or form as a line after `prefix`, sorted by name, secrets as
 * marks. 0, -E2BIG also for more pairs than anyone sends, -ENOMEM; on failure `out` may have grown.
 */
int canon_pairs(struct span pairs, const char *prefix, struct buffer *out);
/* Appends the header lines that take part in matching. */
int canon_headers(const struct http1_head *head, struct buffer *out);

/* The content, its Content-Encoding undone, in canonical form by its Content-Type. */
int canon_body(const struct http1_head *head, struct span body, struct buffer *out);
/* 0, -EBADMSG: not JSON that can be rewritten without losing something, -E2BIG, -ENOMEM. */
int canon_json(struct span text, struct buffer *out);
/* The same of a value. */
int canon_dump_json(const json_t *json, struct buffer *out);
/* The value, or NULL; `flags`: jansson's. */
json_t *canon_load_json(struct span text, size_t flags);
/* The normalised form of one value: JSON if it is, else text. 0 or -errno, `out` may have grown. */
int canon_normal_value(struct span value, enum shape_context context, const struct canon_view *view,
	struct buffer *out);
/* -EBADMSG: not an object or array. */
int canon_normal_json(struct span text, const struct canon_view *view, struct buffer *out);
int canon_normal_text(struct span text, enum shape_context context, const struct canon_view *view,
	struct buffer *out);
/* Appends the mark that stands for `value`, and notes that value in view->marks. 0 or -errno. */
int canon_append_mark(
	struct buffer *out, const struct canon_view *view, const char *mark, struct span value);

/* The boundary of a multipart Content-Type, or an empty span. */
struct span canon_boundary(struct span content_type);
/* Appends `s` with each boundary delimiter (after `dashes`, at a line's start) made neutral. */
int canon_neutral_boundary(struct span s, struct span boundary, struct buffer *out);

/*
 * Puts the redactor's own placeholders, and a mark over each, where a recorded head has them: the
 * head about to be asked still has its secrets, and must come out the same. 0 or -errno.
 */
int canon_redact_head(
	const struct http1_head *head, struct buffer *ret_raw, struct http1_head *ret);
/* Appends `s` with every placeholder replaced by the mark. */
int canon_mark_secrets(struct span s, struct buffer *out);
bool canon_has_placeholder(struct span value);
/* Where the first placeholder in `s` begins, and its length; s.len and 0 where there is none. */
size_t canon_find_placeholder(struct span s, size_t *ret_len);
/* Appends `s`, of no known form, with secrets and placeholders replaced by the mark. 0 or -errno.
 */
int canon_hide_secrets(struct span s, struct buffer *out);

#define CANON_SECRET   "{{secret}}"
#define CANON_BOUNDARY "{{boundary}}"

#endif
