/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/upstream_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "replay/live.h"

/* A program's request in libcurl's terms, without what libcurl would add of its own. */

static CURLcode set_trust(CURL *easy, void *context, void *trust)
{
	SSL_CTX_set1_cert_store(context, trust);
	return CURLE_OK;
}

static int add_header(struct upstream_call *call, const char *line)
{
	struct curl_slist *grown = curl_slist_append(call->headers, line);

	if (!grown)
		return -ENOMEM;
	call->headers = grown;
	return 0;
}

/* Folded lines are one. */
static void unfold(struct buffer *line)
{
	for (size_t i = 0; i < line->len; i++) {
		if (line->data[i] == '\r' || line->data[i] == '\n')
			line->data[i] = ' ';
	}
}

/* libcurl's way to send "Name:" is "Name;". */
static int pass_header(struct upstream_call *call, struct span name, struct span value)
{
	struct buffer line = BUFFER(2 * HTTP1_HEAD_BYTES_MAX);
	int r = buffer_append(&line, name.data, name.len);

	r = r ? r : buffer_append(&line, value.len ? ": " : ";", value.len ? 2 : 1);
	r = r ? r : buffer_append(&line, value.data, value.len);
	unfold(&line);
	r = r ? r : buffer_append(&line, "", 1);
	r = r ? r : add_header(call, (const char *)line.data);
	buffer_free(&line);
	return r;
}

/* The whole body is here: nothing waits for a 100 Continue. */
static bool is_ours(const struct http1_head *head, struct span name)
{
	return live_is_hop_by_hop(head, name) || span_equal_nocase(name, "expect") ||
		span_equal_nocase(name, "proxy-authorization");
}

/* In its place, but the body may be another by now. */
static int pass_length(struct upstream_call *call, struct span name)
{
	char length[24];

	snprintf(length, sizeof(length), "%zu", call->body.len);
	return pass_header(call, name, span_of(length));
}

static int set_headers(struct upstream_call *call, const struct http1_head *head)
{
	static const char *const own[] = {"Accept", "User-Agent", "Content-Type"};
	char none[32];
	int r = add_header(call, "Expect:");

	for (size_t i = 0; i < head->count && r == 0; i++) {
		struct span name = head->headers[i].name, value = head->headers[i].value;

		if (span_equal_nocase(name, "content-length"))
			r = pass_length(call, name);
		else if (!is_ours(head, name))
			r = pass_header(call, name, value);
	}
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]) && r == 0; i++) {
		snprintf(none, sizeof(none), "%s:", own[i]);
		if (!http1_header(head, own[i]).data)
			r = add_header(call, none);
	}
	curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
	return r;
}

/* ---- where to ---- */

static int set_url(struct upstream_call *call, const struct upstream_request *q)
{
	struct buffer url = BUFFER(2 * HTTP1_HEAD_BYTES_MAX);
	struct span target = q->head->target, path = target;
	const uint8_t *rest = memmem(target.data, target.len, "://", 3);
	bool v6 = strchr(q->host, ':') != NULL, origin = target.len && target.data[0] == '/';
	int r;

	if (!origin && rest) { /* as it is sent to a proxy */
		size_t left = (size_t)(target.data + target.len - rest - 3);
		const uint8_t *slash = memchr(rest + 3, '/', left);

		path = slash ? (struct span){slash, (size_t)(target.data + target.len - slash)}
			     : SPAN_LITERAL("/");
	} else if (!origin) {
		path = SPAN_LITERAL("/");
	}
	r = buffer_printf(
		&url, "%s://%s%s%s:%u", q->scheme, v6 ? "[" : "", q->host, v6 ? "]" : "", q->port);
	r = r ? r : buffer_append(&url, path.data, path.len);
	r = r ? r : buffer_append(&url, "", 1);
	if (r == 0)
		curl_easy_setopt(call->easy, CURLOPT_URL, (const char *)url.data);
	buffer_free(&url);
	return r;
}

/* As it is spelled; to a proxy for plain HTTP libcurl has to write it itself. */
static int set_target(struct upstream_call *call, const struct upstream_request *q)
{
	struct span target = q->head->target;
	bool asterisk = span_equal(target, SPAN_LITERAL("*"));
	char *text;

	if (!asterisk && (strcmp(q->scheme, "https") != 0 || !target.len || target.data[0] != '/'))
		return 0;
	text = span_dup(target);
	if (!text)
		return -ENOMEM;
	curl_easy_setopt(call->easy, CURLOPT_REQUEST_TARGET, text);
	free(text);
	return 0;
}

/* Only where it is not what the URL says: through a proxy it would open a tunnel. */
static int set_destination(struct upstream_call *call, const struct upstream_request *q)
{
	char line[1024];
	bool v6 = q->to && strchr(q->to, ':');

	if (!q->to || strcmp(q->to, q->host) == 0)
		return 0;
	if (snprintf(line, sizeof(line), "::%s%s%s:%u", v6 ? "[" : "", q->to, v6 ? "]" : "",
		    q->port) >= (int)sizeof(line))
		return -ENAMETOOLONG;
	call->connect_to = curl_slist_append(NULL, line);
	curl_easy_setopt(call->easy, CURLOPT_CONNECT_TO, call->connect_to);
	return call->connect_to ? 0 : -ENOMEM;
}

/* ---- what ---- */

static int set_method(struct upstream_call *call, const struct upstream_request *q)
{
	CURL *easy = call->easy;
	char *method = span_dup(q->head->method);
	bool head = method && strcmp(method, "HEAD") == 0;
	bool body = call->body.len || q->head->body != HTTP1_BODY_NONE ||
		http1_header(q->head, "content-length").data;

	if (!method)
		return -ENOMEM;
	if (body && !head) {
		curl_easy_setopt(easy, CURLOPT_POST, 1L);
		curl_easy_setopt(
			easy, CURLOPT_POSTFIELDS, call->body.data ? (char *)call->body.data : "");
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.len);
	}
	if (head)
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
	free(method);
	return 0;
}

static long version_of(const struct upstream_request *q)
{
	if (!q->http2)
		return CURL_HTTP_VERSION_1_1;
	return q->trust ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE;
}

static int set_tls(CURL *easy, X509_STORE *trust)
{
	if (!trust)
		return 0;
	/* Its own bundle is not even loaded. */
	curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
	curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, trust);
	/* Refused where libcurl has another TLS library: it would go by other roots. */
	return curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, set_trust) ? -EOPNOTSUPP : 0;
}

int upstream_prepare(struct upstream_call *call, const struct upstream_request *q)
{
	CURL *easy = call->easy;
	int r;

	curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->message);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(easy, CURLOPT_HTTP_CONTENT_DECODING, 0L);
	curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, version_of(q));
	if (version_of(q) == CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE) {
		/* libcurl 7.88 loses such a connection at the second request on it. */
		curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
		curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	}
	r = set_tls(easy, q->trust);
	r = r ? r : set_url(call, q);
	r = r ? r : set_destination(call, q);
	r = r ? r : set_method(call, q);
	r = r ? r : set_target(call, q);
	return r ? r : set_headers(call, q->head);
}
