/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/redact_impl.h"

#include <string.h>
#include <strings.h>

static const struct {
	const char *name;
	enum redact_header form;
	enum redact_kind kind;
} headers[] = {
	{"authorization", REDACT_HEADER_SCHEME, REDACT_AUTHORIZATION},
	{"proxy-authorization", REDACT_HEADER_SCHEME, REDACT_AUTHORIZATION},
	{"cookie", REDACT_HEADER_COOKIE, REDACT_COOKIE},
	{"set-cookie", REDACT_HEADER_SET_COOKIE, REDACT_COOKIE},
	{"sec-websocket-protocol", REDACT_HEADER_PROTOCOL, REDACT_API_KEY},
	{"openai-organization", REDACT_HEADER_WHOLE, REDACT_ACCOUNT},
	{"anthropic-organization-id", REDACT_HEADER_WHOLE, REDACT_ACCOUNT},
	{"api-key", REDACT_HEADER_WHOLE, REDACT_API_KEY},
	{"x-api-key", REDACT_HEADER_WHOLE, REDACT_API_KEY},
	{"x-goog-api-key", REDACT_HEADER_WHOLE, REDACT_API_KEY},
	{"xi-api-key", REDACT_HEADER_WHOLE, REDACT_API_KEY},
	{"x-auth-key", REDACT_HEADER_WHOLE, REDACT_API_KEY},
	{"x-functions-key", REDACT_HEADER_WHOLE, REDACT_API_KEY},
	{"ocp-apim-subscription-key", REDACT_HEADER_WHOLE, REDACT_API_KEY},
	{"x-auth-token", REDACT_HEADER_WHOLE, REDACT_TOKEN},
	{"x-access-token", REDACT_HEADER_WHOLE, REDACT_TOKEN},
	{"x-api-token", REDACT_HEADER_WHOLE, REDACT_TOKEN},
	{"x-amz-security-token", REDACT_HEADER_WHOLE, REDACT_TOKEN},
	{"x-csrf-token", REDACT_HEADER_WHOLE, REDACT_TOKEN},
	{"x-xsrf-token", REDACT_HEADER_WHOLE, REDACT_TOKEN},
	{"x-subscription-token", REDACT_HEADER_WHOLE, REDACT_TOKEN},
	{"x-vault-token", REDACT_HEADER_WHOLE, REDACT_TOKEN},
	{"private-token", REDACT_HEADER_WHOLE, REDACT_TOKEN},
	{"job-token", REDACT_HEADER_WHOLE, REDACT_TOKEN},
};

/* Vendors make up names of their own; what ends so is a credential. */
static const struct {
	const char *ending;
	enum redact_kind kind;
} header_endings[] = {
	{"-api-key", REDACT_API_KEY},
	{"-apikey", REDACT_API_KEY},
	{"-access-key", REDACT_API_KEY},
	{"-secret-key", REDACT_API_KEY},
	{"-secret", REDACT_API_KEY},
	{"-password", REDACT_API_KEY},
	{"-access-token", REDACT_TOKEN},
	{"-auth-token", REDACT_TOKEN},
	{"-authorization", REDACT_AUTHORIZATION},
};

/* A first word that is not one of these may be a part of the secret. */
static const char *const schemes[] = {"Bearer", "Basic", "Digest", "Token", "ApiKey", "Api-Key",
	"Key", "Negotiate", "NTLM", "AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256", "OAuth", "DPoP",
	"GoogleLogin", "SharedKey", "SharedKeyLite", "Signature", "HMAC", "HOBA", "MAC", "Hawk",
	"vapid", "Mutual", "SCRAM-SHA-256", "PrivateToken", "JWT", "Splunk"};

static const char *const cookie_attributes[] = {"Expires", "Max-Age", "Domain", "Path", "Secure",
	"HttpOnly", "SameSite", "Priority", "Partitioned"};

/* Subprotocols that browsers use to carry a credential, which they cannot put in a header. */
static const char *const protocol_prefixes[] = {"openai-insecure-api-key.", "openai-organization.",
	"openai-project.", "base64url.bearer.authorization.k8s.io."};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool is_token(struct span name)
{
	for (size_t i = 0; i < name.len; i++)
		if (!redact_is_word(name.data[i]))
			return false;
	return true;
}

static bool ends_with(struct span name, const char *ending)
{
	size_t len = strlen(ending);

	return name.len >= len &&
		span_equal_nocase(redact_part(name, name.len - len, name.len), ending);
}

enum redact_header redact_header_form(struct span name, enum redact_kind *ret_kind)
{
	size_t i;

	for (i = 0; i < COUNT(headers); i++) {
		if (!span_equal_nocase(name, headers[i].name))
			continue;
		*ret_kind = headers[i].kind;
		return headers[i].form;
	}
	if (!is_token(name))
		return REDACT_HEADER_NONE;
	for (i = 0; i < COUNT(header_endings); i++) {
		if (!ends_with(name, header_endings[i].ending))
			continue;
		*ret_kind = header_endings[i].kind;
		return *ret_kind == REDACT_AUTHORIZATION ? REDACT_HEADER_SCHEME
							 : REDACT_HEADER_WHOLE;
	}
	return REDACT_HEADER_NONE;
}

bool redact_is_secret_header(struct span name)
{
	enum redact_kind kind;

	return redact_header_form(name, &kind) != REDACT_HEADER_NONE;
}

static struct span trim(struct span s)
{
	while (s.len && redact_is_blank(s.data[0]))
		s = redact_part(s, 1, s.len);
	while (s.len && redact_is_blank(s.data[s.len - 1]))
		s.len--;
	return s;
}

size_t redact_scheme_length(struct span value)
{
	size_t word = 0, end, i;

	while (word < value.len && redact_is_word(value.data[word]))
		word++;
	for (end = word; end < value.len && redact_is_blank(value.data[end]); end++)
		;
	if (end == word)
		return 0;
	for (i = 0; i < COUNT(schemes); i++)
		if (span_equal_nocase(redact_part(value, 0, word), schemes[i]))
			return end;
	return 0;
}

static int scheme_value(
	struct redactor *r, enum redact_kind kind, struct span value, struct buffer *out)
{
	size_t scheme = redact_scheme_length(value);
	int error = buffer_append(out, value.data, scheme);

	if (error < 0)
		return error;
	return redact_secret(r, kind, redact_part(value, scheme, value.len), out);
}

/* Appends `part` with what is between its blanks after name= (or all of it) replaced. */
static int pair_value(
	struct redactor *r, enum redact_kind kind, struct span part, struct buffer *out)
{
	const uint8_t *equals = part.len ? memchr(part.data, '=', part.len) : NULL;
	size_t from = equals ? (size_t)(equals - part.data) + 1 : 0;
	struct span value = trim(redact_part(part, from, part.len));
	size_t before = (size_t)(value.data - part.data);
	int error = buffer_append(out, part.data, before);

	if (error == 0)
		error = redact_secret(r, kind, value, out);
	if (error == 0)
		error = buffer_append(out, value.data + value.len, part.len - before - value.len);
	return error;
}

static bool is_cookie_attribute(struct span part)
{
	const uint8_t *equals = part.len ? memchr(part.data, '=', part.len) : NULL;
	struct span name = trim(equals ? redact_part(part, 0, (size_t)(equals - part.data)) : part);

	for (size_t i = 0; i < COUNT(cookie_attributes); i++)
		if (span_equal_nocase(name, cookie_attributes[i]))
			return true;
	return false;
}

static int protocol_value(
	struct redactor *r, enum redact_kind kind, struct span part, struct buffer *out)
{
	struct span item = trim(part);
	size_t before = (size_t)(item.data - part.data), i;
	int error;

	for (i = 0; i < COUNT(protocol_prefixes); i++) {
		size_t len = strlen(protocol_prefixes[i]);

		if (item.len < len ||
			strncasecmp((const char *)item.data, protocol_prefixes[i], len) != 0)
			continue;
		error = buffer_append(out, part.data, before + len);
		if (error == 0)
			error = redact_secret(r, kind, redact_part(item, len, item.len), out);
		if (error == 0)
			error = buffer_append(
				out, item.data + item.len, part.len - before - item.len);
		return error;
	}
	return redact_scan(r, part, false, out);
}

static int list_part(struct redactor *r, enum redact_header form, enum redact_kind kind,
	struct span part, bool first, struct buffer *out)
{
	if (form == REDACT_HEADER_PROTOCOL)
		return protocol_value(r, kind, part, out);
	if (form == REDACT_HEADER_SET_COOKIE && !first && is_cookie_attribute(part))
		return buffer_append(out, part.data, part.len);
	return pair_value(r, kind, part, out);
}

static int list_value(struct redactor *r, enum redact_header form, enum redact_kind kind,
	struct span value, struct buffer *out)
{
	const char separator = form == REDACT_HEADER_PROTOCOL ? ',' : ';';
	size_t start = 0, end;
	int error = 0;

	while (error == 0 && start <= value.len) {
		const uint8_t *hit = start < value.len
			? memchr(value.data + start, separator, value.len - start)
			: NULL;

		end = hit ? (size_t)(hit - value.data) : value.len;
		error = list_part(r, form, kind, redact_part(value, start, end), start == 0, out);
		if (error == 0 && hit)
			error = buffer_append(out, &separator, 1);
		start = end + 1;
	}
	return error;
}

int redact_header_value(struct redactor *r, enum redact_header form, enum redact_kind kind,
	struct span value, struct buffer *out)
{
	switch (form) {
	case REDACT_HEADER_NONE:
		return buffer_append(out, value.data, value.len);
	case REDACT_HEADER_WHOLE:
		return redact_secret(r, kind, value, out);
	case REDACT_HEADER_SCHEME:
		return scheme_value(r, kind, value, out);
	default:
		return list_value(r, form, kind, value, out);
	}
}

/* The end of a header line, its folded continuations (RFC 9112 5.2) included. */
static size_t line_end(struct span head, size_t start, bool fold)
{
	for (;;) {
		const uint8_t *feed = memchr(head.data + start, '\n', head.len - start);

		if (!feed)
			return head.len;
		start = (size_t)(feed - head.data) + 1;
		if (!fold || start == head.len ||
			(head.data[start] != ' ' && head.data[start] != '\t'))
			return start;
	}
}

static int redact_header_line(struct redactor *r, struct span line, struct buffer *out)
{
	const uint8_t *colon = memchr(line.data, ':', line.len);
	enum redact_header form;
	enum redact_kind kind = REDACT_API_KEY;
	struct span value;
	size_t before;
	int error;

	if (!colon)
		return redact_scan(r, line, false, out);
	form = redact_header_form(trim(redact_part(line, 0, (size_t)(colon - line.data))), &kind);
	if (form == REDACT_HEADER_NONE)
		return redact_scan(r, line, false, out);
	value = trim(redact_part(line, (size_t)(colon - line.data) + 1, line.len));
	before = (size_t)(value.data - line.data);
	error = buffer_append(out, line.data, before);
	if (error == 0)
		error = redact_header_value(r, form, kind, value, out);
	if (error == 0)
		error = buffer_append(out, value.data + value.len, line.len - before - value.len);
	return error;
}

int redact_head(struct redactor *r, struct span head, struct buffer *out)
{
	size_t start = out->len, pos = 0;
	int error = 0;

	while (pos < head.len && error == 0) {
		size_t end = line_end(head, pos, pos > 0);

		/* The start line is one without a header name, so it is treated as any other. */
		error = redact_header_line(r, redact_part(head, pos, end), out);
		pos = end;
	}
	if (error < 0)
		out->len = start;
	return error;
}
