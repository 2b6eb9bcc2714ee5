/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/upstream_private.h"

#include <errno.h>
#include <stdlib.h>

/* libcurl's transfers on the helper's own event loop. */

/* A socket that libcurl waits for. */
struct watch {
	struct pool *pool;
	struct event *event;
};

static struct upstream_call *call_of(CURL *easy)
{
	char *call = NULL;

	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &call);
	return (struct upstream_call *)call;
}

static void take_finished(struct pool *p)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(p->multi, &left))) {
		struct upstream_call *call = call_of(m->easy_handle);
		CURLcode code = m->data.result;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_multi_remove_handle(p->multi, call->easy);
		call->running = false;
		upstream_finish(call, code);
	}
}

static void act(struct pool *p, curl_socket_t fd, int what)
{
	int running;

	curl_multi_socket_action(p->multi, fd, what, &running);
	take_finished(p);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	act(arg, CURL_SOCKET_TIMEOUT, 0);
}

static void on_socket(evutil_socket_t fd, short what, void *arg)
{
	const struct watch *w = arg;

	act(w->pool, fd,
		(what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0));
}

static int set_timer(CURLM *multi, long ms, void *context)
{
	struct pool *p = context;

	if (ms < 0)
		event_del(p->timer);
	else
		event_add(p->timer, &(struct timeval){ms / 1000, ms % 1000 * 1000});
	return 0;
}

static void unwatch(struct watch *w)
{
	if (w && w->event)
		event_free(w->event);
	free(w);
}

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *socket)
{
	struct pool *p = context;
	struct watch *w = socket;
	short events = (short)((what & CURL_POLL_IN ? EV_READ : 0) |
		(what & CURL_POLL_OUT ? EV_WRITE : 0) | EV_PERSIST);

	if (what == CURL_POLL_REMOVE) {
		curl_multi_assign(p->multi, fd, NULL);
		unwatch(w);
		return 0;
	}
	if (!w) {
		w = calloc(1, sizeof(*w));
		if (!w)
			return -1;
		w->pool = p;
		curl_multi_assign(p->multi, fd, w);
	}
	if (w->event)
		event_free(w->event);
	w->event = event_new(p->upstream->base, fd, events, on_socket, w);
	return w->event && event_add(w->event, NULL) == 0 ? 0 : -1;
}

/* ---- pools ---- */

static void pool_free(struct pool *p)
{
	if (p->multi)
		curl_multi_cleanup(p->multi);
	if (p->timer)
		event_free(p->timer);
	X509_STORE_free(p->trust);
	free(p);
}

static struct pool *pool_new(struct upstream *u, X509_STORE *trust)
{
	struct pool *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->upstream = u;
	p->multi = curl_multi_init();
	p->timer = event_new(u->base, -1, 0, on_timer, p);
	if (!p->multi || !p->timer || (trust && !X509_STORE_up_ref(trust))) {
		pool_free(p);
		return NULL;
	}
	p->trust = trust;
	curl_multi_setopt(p->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
	curl_multi_setopt(p->multi, CURLMOPT_SOCKETDATA, p);
	curl_multi_setopt(p->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(p->multi, CURLMOPT_TIMERDATA, p);
	LIST_INSERT_HEAD(&u->pools, p, entry);
	return p;
}

static struct pool *pool_for(struct upstream *u, X509_STORE *trust)
{
	struct pool *p;

	LIST_FOREACH(p, &u->pools, entry)
	{
		if (p->trust == trust)
			return p;
	}
	return pool_new(u, trust);
}

/* ---- calls ---- */

static void call_free(struct upstream_call *call)
{
	if (call->easy)
		curl_easy_cleanup(call->easy);
	curl_slist_free_all(call->headers);
	curl_slist_free_all(call->connect_to);
	buffer_free(&call->body);
	buffer_free(&call->head);
	buffer_free(&call->trailers);
	free(call);
}

int upstream_start(struct upstream *u, const struct upstream_request *request,
	const struct upstream_sink *sink, struct upstream_call **ret)
{
	struct upstream_call *call = calloc(1, sizeof(*call));
	int r;

	if (!call)
		return -ENOMEM;
	call->sink = *sink;
	call->body = *request->body;
	*request->body = (struct buffer){0};
	call->head = BUFFER(4 * HTTP1_HEAD_BYTES_MAX);
	call->trailers = BUFFER(4 * HTTP1_HEAD_BYTES_MAX);
	call->pool = pool_for(u, request->trust);
	call->easy = curl_easy_init();
	r = call->pool && call->easy ? upstream_prepare(call, request) : -ENOMEM;
	if (r == 0) {
		upstream_listen(call);
		if (curl_multi_add_handle(call->pool->multi, call->easy))
			r = -ENOMEM;
	}
	if (r) {
		call_free(call);
		return r;
	}
	call->running = true;
	*ret = call;
	return 0;
}

void upstream_resume(struct upstream_call *call)
{
	if (!call->running || !call->paused)
		return;
	call->paused = false;
	curl_easy_pause(call->easy, CURLPAUSE_CONT);
}

void upstream_cancel(struct upstream_call *call)
{
	if (call->running)
		curl_multi_remove_handle(call->pool->multi, call->easy);
	call_free(call);
}

int upstream_new(struct event_base *base, struct upstream **ret)
{
	struct upstream *u;

	if (curl_global_init(CURL_GLOBAL_DEFAULT))
		return -ENOMEM;
	u = calloc(1, sizeof(*u));
	if (!u) {
		curl_global_cleanup();
		return -ENOMEM;
	}
	u->base = base;
	LIST_INIT(&u->pools);
	*ret = u;
	return 0;
}

void upstream_free(struct upstream *u)
{
	struct pool *p;

	if (!u)
		return;
	while ((p = LIST_FIRST(&u->pools))) {
		LIST_REMOVE(p, entry);
		pool_free(p);
	}
	free(u);
	curl_global_cleanup();
}
