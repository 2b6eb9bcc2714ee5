/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_LLM_H
#define REPLAY_LLM_H

#include <stdbool.h>
#include "replay/http1.h"

/* Requests to language models, as far as one has to know them to choose among calls. */

/* "anthropic", "openai", "gemini", "ollama", "bedrock", by the endpoint; NULL: it is none. */
const char *llm_provider(struct span method, struct span path);

/* Whether a body is a message of the Model Context Protocol that is sent to a tool server. */
bool llm_is_tool_call(struct span body);

/*
 * The model a request names, in its path or its body (content-coded as its head says); the caller
 * frees it. NULL: none, or no memory.
 */
char *llm_model(const struct http1_head *head, struct span body);
/* Where a path names a model: its range; false: nowhere. */
bool llm_model_in_path(struct span path, struct span *ret);

/* A request's target without scheme, authority and query. */
struct span llm_path(struct span target);

#endif
