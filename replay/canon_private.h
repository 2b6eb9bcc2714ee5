/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_CANON_PRIVATE_H
#define REPLAY_CANON_PRIVATE_H

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
/* The same without Content-Encoding. */
int canon_typed(struct span type, struct span body, struct buffer *out);
/* -EBADMSG: not what it says to be. */
int canon_multipart(struct span type, struct span body, struct buffer *out);
/* Content of which nothing but its bytes is known: images, protocol buffers … */
bool canon_is_binary(struct span type);
bool canon_is_protobuf(struct span type);
bool canon_is_form(struct span type);
/* 0, -EBADMSG: not JSON, -E2BIG, -ENOMEM. */
int canon_json(struct span text, struct buffer *out);

/* What a normalised form is made with: the view of one side, looked up once. */
struct canon_normal {
	const struct origins *origins; /* may be NULL */
	const struct handed *handed;   /* likewise */
	struct canon_marks *marks;     /* likewise; grows */
	struct rules_view rules;       /* those that apply */
	bool ruled_text, sorted_text;
	struct shape_window window;
	bool windowed;
	bool url;     /* a path is not of the file system */
	bool address; /* of a path or query: what is asked for */
};
/* `line`: the first of the form, or empty: no rules apply. `view` is borrowed. */
void canon_normal_begin(struct canon_normal *n, const struct canon_view *view, struct span line);

/* The normalised form of one value: JSON if it is, else text. 0 or -errno, `out` may have grown. */
int canon_normal_value(
	struct canon_normal *n, struct span value, enum shape_context context, struct buffer *out);
/* -EBADMSG: not an object or array. */
int canon_normal_json(struct canon_normal *n, struct span text, struct buffer *out);
/* `quoted`: as it stands in a string of JSON. */
int canon_normal_text(struct canon_normal *n, struct span text, enum shape_context context,
	bool quoted, struct buffer *out);
/* Bytes in which a UUID spelled out is an id, and nothing else is told from what it looks like. */
int canon_normal_binary(struct canon_normal *n, struct span bytes, struct buffer *out);
/* What may be JSON in base64, too: the value of a header or parameter. */
int canon_normal_parameter(struct canon_normal *n, struct span value, struct buffer *out);
/* Content in canonical form. */
int canon_normal_body(
	struct canon_normal *n, struct span type, struct span body, struct buffer *out);
/* -EBADMSG: its canonical form is its bytes. */
int canon_normal_multipart(
	struct canon_normal *n, struct span type, struct span body, struct buffer *out);
/* Notes the value that `mark` stands for, if it is of a client's own making. `marks` may be NULL.
 */
int canon_note_mark(struct canon_marks *marks, const char *mark, struct span value);
/* Whether a number is a time of this side's run. */
bool canon_normal_is_time(const struct canon_normal *n, struct span number);

#define CANON_BOUNDARY_BYTES_MAX 256 /* 70 by RFC 2046 */
/* The boundary of a multipart Content-Type, or an empty span. */
struct span canon_boundary(struct span content_type);

/*
 * Puts the redactor's own placeholders, and a mark over each, where a recorded head has them: the
 * head about to be asked still has its secrets, and must come out the same. 0 or -errno.
 */
int canon_redact_head(
	const struct http1_head *head, struct buffer *ret_raw, struct http1_head *ret);
/* Appends `s` with every placeholder replaced by the mark. */
int canon_mark_secrets(struct span s, struct buffer *out);
/* Where the first placeholder in `s` begins, and its length; s.len and 0 where there is none. */
size_t canon_find_placeholder(struct span s, size_t *ret_len);
/* Appends `s`, of no known form, with secrets and placeholders replaced by the mark. 0 or -errno.
 */
int canon_hide_secrets(struct span s, struct buffer *out);

#define CANON_SECRET   "{{secret}}"
#define CANON_BOUNDARY "{{boundary}}"
#define CANON_ANY      "{{any}}" /* where a rule names no mark */

#endif
