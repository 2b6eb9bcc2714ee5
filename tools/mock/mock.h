/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_MOCK_MOCK_H
#define TOOLS_MOCK_MOCK_H

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A server that answers like the LLM providers do, for trying rrshim out and for its tests. Ids,
 * times and request ids differ in every answer, so that a replayed answer can be told from a new
 * one by looking at it.
 */
struct mock_options {
	const char *address;              /* "127.0.0.1", "::1" */
	int port, tls_port;               /* -1: no such listener; 0: the kernel chooses */
	unsigned chunks;                  /* pieces a streamed answer is cut into */
	unsigned delay_ms;                /* between two of them */
	const char *ca_file;              /* where the CA certificate goes (PEM), or NULL */
	const char *pid_file, *port_file; /* or NULL */
};

#define MOCK_CHUNKS_MAX 100000u
#define MOCK_DELAY_MAX  600000u /* ms */
/* evhttp holds a request's whole body in memory; a larger one is answered with 413. */
#define MOCK_BODY_BYTES_MAX (64u << 20)

/* Serves until SIGINT or SIGTERM. 0, or 1 after saying on stderr what failed. */
int mock_serve(const struct mock_options *options);

/* One request being answered. */
struct mock_call {
	const struct mock_options *options;
	struct event_base *base;
	struct evhttp_request *req;
	const char *path;  /* decoded by nobody: as it came, without the query */
	const char *rest;  /* what follows the route's prefix in `path` */
	const char *query; /* "" when there is none */
};

/* routes.c: finds who answers, in a table. */
void mock_dispatch(struct mock_call *call);

/* ---- answers in one piece (reply.c) ---- */

void mock_header(struct mock_call *call, const char *name, const char *value);
/* Sends `body` (drained; may be NULL); a HEAD request gets its length only. */
void mock_reply(struct mock_call *call, int status, const char *type, struct evbuffer *body);
void mock_reply_text(struct mock_call *call, int status, const char *text);
void mock_reply_json(struct mock_call *call, int status, json_t *stolen);

/* The error shapes of the providers. */
enum mock_dialect { MOCK_OPENAI, MOCK_ANTHROPIC, MOCK_GEMINI };
enum mock_dialect mock_dialect_of(const char *path);
void mock_reply_error(struct mock_call *call, int status, const char *message);

/* ---- answers over time (stream.c) ---- */

/*
 * Where a streamed body comes from. `next` appends one piece to `out` and says how long to wait
 * before sending it; it returns false, leaving `out` empty, when there is no more. `done` frees
 * `state`, also when the client went away early.
 */
struct mock_source {
	bool (*next)(void *state, struct evbuffer *out, unsigned *ret_wait_ms);
	void (*done)(void *state);
};

/* Each piece is written when the one before has left, so memory stays flat. */
void mock_stream(struct mock_call *call, int status, const struct mock_source *source, void *state);
/* Answers 200 after `wait_ms`; `body` is taken over, `type` must be static. */
void mock_reply_after(
	struct mock_call *call, unsigned wait_ms, const char *type, struct evbuffer *body);

/* A source made beforehand: pieces in order, some of them paced by --delay. */
struct mock_script;

struct mock_script *mock_script_new(void);
/* One server-sent event; `event` may be NULL (no "event:" line). */
void mock_script_sse(struct mock_script *s, const char *event, json_t *stolen, bool paced);
void mock_script_text(struct mock_script *s, const char *text);
/* `before`, the JSON, `after`, as one piece. */
void mock_script_json(
	struct mock_script *s, const char *before, json_t *stolen, const char *after, bool paced);
/* Sends the script as 200 with this content type, and frees it. */
void mock_stream_script(struct mock_call *call, const char *type, struct mock_script *s);

/* ---- what is said (answer.c) ---- */

/* The request's JSON object, or NULL after answering 400. The caller's reference. */
json_t *mock_request_json(struct mock_call *call);

struct mock_answer {
	char *text;
	size_t len;
	unsigned pieces;
	unsigned input_tokens, output_tokens; /* about four bytes each */
	int64_t created;
	const char *model; /* owned by the request's JSON */
};

/* `talk`: the conversation as the provider writes it, a string or an array of turns. */
void mock_answer_make(
	struct mock_call *call, json_t *request, json_t *talk, struct mock_answer *ret);
void mock_answer_free(struct mock_answer *a);
/* Piece `i` of the text as a JSON string. A new reference. */
json_t *mock_answer_piece(const struct mock_answer *a, unsigned i);

#define MOCK_ID_MAX 64
/* `prefix` and `length` random letters and digits. */
const char *mock_id(char buf[static MOCK_ID_MAX], const char *prefix, unsigned length);

/* ---- who says it ---- */

void mock_openai_chat(struct mock_call *call);
void mock_openai_responses(struct mock_call *call);
void mock_openai_models(struct mock_call *call);
void mock_anthropic_messages(struct mock_call *call);
void mock_gemini_generate(struct mock_call *call);

void mock_index(struct mock_call *call);
void mock_status(struct mock_call *call);
void mock_bytes(struct mock_call *call);
void mock_chunked(struct mock_call *call);
void mock_gzip(struct mock_call *call);
void mock_redirect(struct mock_call *call);
void mock_delay(struct mock_call *call);
void mock_headers(struct mock_call *call);
void mock_echo(struct mock_call *call);
void mock_upload(struct mock_call *call);

#endif
