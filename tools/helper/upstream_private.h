/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HELPER_UPSTREAM_PRIVATE_H
#define HELPER_UPSTREAM_PRIVATE_H

#include <curl/curl.h>
#include <sys/queue.h>
#include "tools/helper/upstream.h"

/* Connections are shared by those that would verify their host alike. */
struct pool {
	LIST_ENTRY(pool) entry;
	struct upstream *upstream;
	X509_STORE *trust; /* NULL: plain ones */
	CURLM *multi;
	struct event *timer;
};

struct upstream {
	struct event_base *base;
	LIST_HEAD(, pool) pools;
};

struct upstream_call {
	struct pool *pool;
	CURL *easy;
	struct upstream_sink sink;
	struct curl_slist *headers, *connect_to;
	struct buffer body;
	struct buffer head, trailers; /* as they come */
	bool begun;                   /* the response's head is through */
	bool running, paused;
	char message[CURL_ERROR_SIZE];
};

/* upstream_request.c: sets call->easy up. 0 or -errno. */
int upstream_prepare(struct upstream_call *call, const struct upstream_request *request);
/* upstream_response.c: what comes goes to the sink from here on. */
void upstream_listen(struct upstream_call *call);
void upstream_finish(struct upstream_call *call, CURLcode code);

#endif
