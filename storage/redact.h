/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_REDACT_H
#define STORAGE_REDACT_H

#include <jansson.h>
#include <stdbool.h>
#include "storage/buffer.h"

/*
 * Replaces secrets before anything is written: values of authorization, cookie and api-key
 * headers, secret query parameters, userinfo in URLs. One secret has one placeholder everywhere in
 * a recording, "rr-redacted-<kind>-<8 hex>", a keyed hash whose key is never stored.
 */
struct redactor;

struct redactor *redactor_new(void); /* NULL without memory */
void redactor_free(struct redactor *r);

/* True for headers whose value is a secret (Authorization, Cookie, x-api-key …). */
bool redact_is_secret_header(struct span name);
/* True for query or form parameters whose value is a secret, judging by name and value. */
bool redact_is_secret_parameter(struct span name, struct span value);

/*
 * Copies an HTTP/1 message head (start line, header lines, empty line) to `out` with secrets
 * replaced. A scheme word ("Bearer ", "Basic ") and cookie names stay readable. Everything else
 * stays byte for byte, malformed lines included. 0 or -errno (`out` unchanged).
 */
int redact_head(struct redactor *r, struct span head, struct buffer *out);

/* The same for free text such as one argument of a command line ("-H", "X-Api-Key: …", a URL). */
int redact_text(struct redactor *r, struct span text, struct buffer *out);

/* {"authorization": 3, "cookie": 1, …}: how many were replaced, by kind. A new reference. */
json_t *redactor_counts(const struct redactor *r);

#endif
