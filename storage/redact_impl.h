/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_REDACT_IMPL_H
#define STORAGE_REDACT_IMPL_H

#include "storage/redact.h"

/* What the parts of redaction share. Private to storage/. */

/* REDACT(constant, "word in the placeholder and in redactor_counts()") */
#define REDACT_KINDS(REDACT)                                                                       \
	REDACT(AUTHORIZATION, "authorization")                                                     \
	REDACT(COOKIE, "cookie")                                                                   \
	REDACT(API_KEY, "api-key")                                                                 \
	REDACT(TOKEN, "token")                                                                     \
	REDACT(ACCOUNT, "account")                                                                 \
	REDACT(PARAMETER, "parameter")                                                             \
	REDACT(USERINFO, "userinfo")                                                               \
	REDACT(VARIABLE, "variable")                                                               \
	REDACT(PRIVATE_KEY, "private-key")

enum redact_kind {
#define REDACT(name, text) REDACT_##name,
	REDACT_KINDS(REDACT)
#undef REDACT
		REDACT_KIND_MAX
};

/* How the value of a header is a secret. */
enum redact_header {
	REDACT_HEADER_NONE,
	REDACT_HEADER_WHOLE,      /* all of it */
	REDACT_HEADER_SCHEME,     /* all but the scheme word (RFC 9110 11.4) */
	REDACT_HEADER_COOKIE,     /* the values of name=value; … (RFC 6265 4.2) */
	REDACT_HEADER_SET_COOKIE, /* of the first name=value, and of attributes nobody knows */
	REDACT_HEADER_PROTOCOL, /* of list items that carry a credential (Sec-WebSocket-Protocol) */
};

/* Appends the placeholder of a secret; an empty value or a placeholder is appended as it is. */
int redact_secret(struct redactor *r, enum redact_kind kind, struct span value, struct buffer *out);

enum redact_header redact_header_form(struct span name, enum redact_kind *ret_kind);
/* Appends a secret header's value, given without surrounding white space, with secrets replaced. */
int redact_header_value(struct redactor *r, enum redact_header form, enum redact_kind kind,
	struct span value, struct buffer *out);
/* The length of a known scheme word and the blanks after it at the start of value, else 0. */
size_t redact_scheme_length(struct span value);

/* True for names like API_KEY, --auth-token: the kind people give to secret variables. */
bool redact_is_secret_variable(struct span name);
/* True for strong names: their value is a secret whatever it looks like. */
bool redact_is_strong_name(struct span name);

/* The length of the well-known token, JWT or private key at text[0], or 0. */
size_t redact_token_length(struct span text, enum redact_kind *ret_kind);

/* Appends text with the secrets in URLs and well-known tokens replaced; pairs: all of redact_text.
 */
int redact_scan(struct redactor *r, struct span text, bool pairs, struct buffer *out);

static inline bool redact_is_word(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		c == '_' || c == '-';
}

static inline bool redact_is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static inline struct span redact_part(struct span s, size_t from, size_t to)
{
	return (struct span){s.data + from, to - from};
}

#endif
