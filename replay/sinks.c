/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/sinks.h"

#include <string.h>

/*
 * `host`: that one; from a '.' or '-' on, any that ends so; "" any. `path`: what it begins with;
 * after a '*', what it ends in. Only POST: what is fetched is used. A vendor's other interfaces, an
 * MCP server for one, are none.
 */
static const struct {
	const char *host, *path;
} sinks[] = {
	/* claude, codex, gemini */
	{"api.anthropic.com", "/api/event_logging/"},
	{"api.anthropic.com", "/api/eval/"},
	{"api.anthropic.com", "/api/claude_code/metrics"},
	{"ab.chatgpt.com", "/otlp/"},
	{"chatgpt.com", "/backend-api/codex/analytics-events/"},
	{"play.googleapis.com", "/log"},
	/* services made for it */
	{".statsig.com", "/"},
	{".statsigapi.net", "/"},
	{".featuregates.org", "/"},
	{".prodregistryv2.org", "/"},
	{".ingest.sentry.io", "/"},
	{".ingest.us.sentry.io", "/"},
	{".ingest.de.sentry.io", "/"},
	{".datadoghq.com", "/api/v2/logs"},
	{"-datadoghq.com", "/api/v2/"},
	{".i.posthog.com", "/"},
	{"api.segment.io", "/"},
	{"api2.amplitude.com", "/"},
	{"api.mixpanel.com", "/"},
	{".google-analytics.com", "/"},
	/* OpenTelemetry, wherever its collector is */
	{"", "*/v1/metrics"},
	{"", "*/v1/traces"},
	{"", "*/v1/logs"},
	{"", "/opentelemetry.proto.collector."},
};

static bool ends(struct span s, const char *text)
{
	size_t len = strlen(text);

	return s.len >= len && memcmp(s.data + s.len - len, text, len) == 0;
}

static bool begins(struct span s, const char *text)
{
	size_t len = strlen(text);

	return s.len >= len && memcmp(s.data, text, len) == 0;
}

static bool is_host(struct span host, const char *pattern)
{
	if (pattern[0] == '.' || pattern[0] == '-')
		return ends(host, pattern);
	return !pattern[0] || span_equal(host, span_of(pattern));
}

static bool is_path(struct span path, const char *pattern)
{
	return pattern[0] == '*' ? ends(path, pattern + 1) : begins(path, pattern);
}

static struct span without_port(struct span authority)
{
	const uint8_t *colon = authority.len ? memchr(authority.data, ':', authority.len) : NULL;

	if (colon)
		authority.len = (size_t)(colon - authority.data);
	return authority;
}

bool sink_is_one(struct span method, struct span authority, struct span path)
{
	struct span host = without_port(authority);

	if (!span_equal(method, SPAN_LITERAL("POST")))
		return false;
	for (size_t i = 0; i < sizeof(sinks) / sizeof(*sinks); i++) {
		if (is_host(host, sinks[i].host) && is_path(path, sinks[i].path))
			return true;
	}
	return false;
}

bool sink_is_host(struct span host)
{
	for (size_t i = 0; i < sizeof(sinks) / sizeof(*sinks); i++) {
		if (sinks[i].host[0] && strcmp(sinks[i].path, "/") == 0 &&
			is_host(host, sinks[i].host))
			return true;
	}
	return false;
}
