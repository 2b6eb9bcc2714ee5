/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HELPER_UPSTREAM_H
#define HELPER_UPSTREAM_H

#include <event2/event.h>
#include <openssl/ssl.h>
#include "replay/http1.h"

/*
 * Requests to real servers, by libcurl: HTTP/1.1 or HTTP/2, connections kept and shared, proxies as
 * https_proxy, http_proxy, all_proxy and no_proxy of our own environment say. Nothing is decoded,
 * followed, retried or added.
 */
struct upstream;
struct upstream_call;

/* 0 or -errno. */
int upstream_new(struct event_base *base, struct upstream **ret);
/* Every call has been cancelled. */
void upstream_free(struct upstream *u);

struct upstream_request {
	const char *scheme, *host; /* the name that TLS is for: "https", "api.example.com" */
	unsigned int port;
	const char *to; /* connect to this name or address instead; NULL: to `host` */
	const struct http1_head *head;
	struct buffer *body; /* taken over */
	bool http2;          /* prefer it over TLS, speak it without */
	X509_STORE *trust;   /* for verifying the host; a reference is taken. NULL: no TLS */
};

/* None may call back. */
struct upstream_sink {
	/* A head in HTTP/1.1, its empty line included: interim ones, then the response's. */
	void (*head)(void *context, struct span head);
	/* Content, without transfer coding. 0, or -errno: the request is given up. */
	int (*body)(void *context, struct span content);
	/* Whether more of it is wanted now; else upstream_resume() says when it is. */
	bool (*wants)(void *context);
	/* Last. `trailers`: lines. `error`: 0 or -errno, `message` says it in words then. */
	void (*ended)(void *context, struct span trailers, int error, const char *message);
	void *context;
};

/* 0 or -errno. The sink is copied; nothing comes before this returns. */
int upstream_start(struct upstream *u, const struct upstream_request *request,
	const struct upstream_sink *sink, struct upstream_call **ret);
void upstream_resume(struct upstream_call *call);
/* Ends it, where it has not ended, and frees it. Not from a sink. */
void upstream_cancel(struct upstream_call *call);

#endif
