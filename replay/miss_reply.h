/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_MISS_REPLY_H
#define REPLAY_MISS_REPLY_H

#include "replay/match.h"

/*
 * What a program gets for a request that has no recorded answer: a status that its SDK does not
 * retry, with the explanation as JSON in the shape of its provider's own errors, so that the SDK
 * raises it with our sentence as its message.
 */
enum miss_shape {
	MISS_OPENAI, /* also for whom nothing else is known of */
	MISS_ANTHROPIC,
	MISS_GEMINI,
	MISS_BEDROCK,
	MISS_OLLAMA,
	MISS_JSONRPC, /* MCP */
	MISS_GRPC,    /* a response of nothing but trailers */
	MISS_SHAPE_MAX
};

/*
 * `body`: of the request, content-coded as it came; may be empty. `provider`: by the rules, or
 * NULL. Never fails.
 */
enum miss_shape miss_reply_shape(
	const struct http1_head *request, struct span body, const char *provider);
/* The response to it, in HTTP/1.1. 0 or -ENOMEM; the caller frees *ret either way. */
int miss_reply_write(const struct match *match, const struct http1_head *request, struct span body,
	struct buffer *ret);
/* A miss in one sentence; owned by it. */
const char *miss_reply_message(const struct match *match);

#endif
