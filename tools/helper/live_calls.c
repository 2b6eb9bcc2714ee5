/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/live_calls_private.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "replay/llm.h"

#define FAILURES_MAX 100

/* ---- what may go out ---- */

static enum live_choice choose(void *context, const struct live_request *q)
{
	const struct live_calls *l = context;
	struct selector_facts facts;
	enum live_choice choice;
	char *model;

	live_facts(l, q, &facts, &model);
	choice = live_policy_choose(l->options.policy, &facts);
	free(model);
	return choice;
}

static bool may_reach(void *context, struct span authority)
{
	const struct live_calls *l = context;

	return live_policy_may_reach(l->options.policy, authority);
}

static void tunnelled(void *context, const struct live_request *q, struct span answer)
{
	const struct live_calls *l = context;
	uint64_t id = live_record_open(l->options.child, q);

	live_record_request(l->options.child, id, q);
	child_bytes(l->options.child, id, EVENT_IN, answer);
	child_close(l->options.child, id, false);
}

/* ---- what comes back ---- */

static void on_head(void *context, struct span head)
{
	struct live_call *call = context;
	struct live_answer *a = call->answer;
	struct buffer *to = &a->head;

	if (head.len > 9 && head.data[9] == '1') {
		to = &a->interim;
		if (buffer_append(to, head.data, head.len) < 0)
			return;
		child_bytes(call->owner->options.child, call->id, EVENT_IN, head);
	} else if (live_answer_head(a, call->bodiless, call->minor, head) < 0) {
		return;
	} else {
		live_record_head(call, (struct span){to->data, to->len});
	}
	a->wake(a->context);
}

static int on_body(void *context, struct span content)
{
	struct live_call *call = context;
	struct live_answer *a = call->answer;

	int r = buffer_append(&a->body, content.data, content.len);

	if (r < 0)
		return r;
	live_record_body(call, content);
	a->wake(a->context);
	return 0;
}

static bool wants(void *context)
{
	const struct live_call *call = context;

	return call->answer->body.len < LIVE_BUFFER_MAX;
}

static void note_failure(struct live_call *call, const char *message)
{
	struct live_calls *l = call->owner;

	l->totals.failed++;
	if (json_array_size(l->failures) < FAILURES_MAX)
		json_array_append_new(l->failures,
			json_pack("{s:s, s:s}", "request", call->title, "message", message));
}

static void on_ended(void *context, struct span trailers, int error, const char *message)
{
	struct live_call *call = context;
	struct live_answer *a = call->answer;

	if (!error && !a->headed)
		error = -EPROTO;
	if (!error)
		error = buffer_append(&a->trailers, trailers.data, trailers.len);
	a->ended = true;
	a->error = error;
	if (error)
		note_failure(call, *message ? message : strerror(-error));
	live_record_end(call, error);
	a->wake(a->context);
}

/* ---- calls ---- */

static void free_call(struct live_call *call)
{
	buffer_free(&call->held);
	free(call->title);
	free(call);
}

static void cancel(struct live_call *call)
{
	if (call->upstream)
		upstream_cancel(call->upstream);
	child_close(call->owner->options.child, call->id, true);
	free_call(call);
}

static void resume(struct live_call *call)
{
	if (call->answer->body.len < LIVE_BUFFER_MAX / 2)
		upstream_resume(call->upstream);
}

static X509_STORE *trust_of(const struct live_calls *l, const struct live_request *q)
{
	char link[64], program[PATH_MAX];
	bool unverified;
	ssize_t n;

	if (!span_equal(q->scheme, SPAN_LITERAL("https")))
		return NULL;
	snprintf(link, sizeof(link), "/proc/%u/exe", q->pid);
	n = readlink(link, program, sizeof(program) - 1);
	program[n > 0 ? n : 0] = '\0';
	return trust_store_of(l->options.trust, q->pid, program, &unverified);
}

static int send_request(struct live_call *call, const struct live_request *q,
	const struct http1_head *head, struct buffer *body)
{
	const struct live_calls *l = call->owner;
	const struct upstream_sink sink = {on_head, on_body, wants, on_ended, call};
	bool tls = span_equal(q->scheme, SPAN_LITERAL("https"));
	struct upstream_request u = {.scheme = tls ? "https" : "http",
		.head = head,
		.body = body,
		.http2 = q->http2,
		.trust = trust_of(l, q)};
	struct live_target target;
	int r = tls && !u.trust ? -ENOMEM : live_target(l, q, &target);

	if (r)
		return r;
	u.host = target.host;
	u.to = target.to;
	u.port = target.port;
	r = upstream_start(l->upstream, &u, &sink, &call->upstream);
	live_target_free(&target);
	return r;
}

/* `body` is the program's, and kept where nothing is changed. */
static int send_changed(struct live_call *call, const struct live_request *q, struct buffer *body)
{
	const struct live_set *set = call->owner->options.set;
	bool llm = live_provider(call->owner, q) != NULL;
	struct buffer raw = {0}, changed = {0};
	struct http1_head *head = NULL;
	int r;

	if (!set->count)
		return send_request(call, q, q->head, body);
	r = live_set_apply(set, llm, q->head, q->body, &raw, &changed);
	head = r ? NULL : malloc(sizeof(*head));
	if (r == 0 &&
		(!head || http1_parse_head(HTTP1_REQUEST, (struct span){raw.data, raw.len}, head)))
		r = -EINVAL;
	r = r ? r : send_request(call, q, head, &changed);
	if (r == 0)
		buffer_free(body);
	buffer_free(&changed);
	buffer_free(&raw);
	free(head);
	return r;
}

static char *title_of(const struct live_request *q)
{
	struct buffer text = BUFFER(8192);
	struct span path = llm_path(q->head->target);

	(void)buffer_printf(&text, "%.*s %.*s://%.*s%.*s", (int)q->head->method.len,
		(const char *)q->head->method.data, (int)q->scheme.len,
		(const char *)q->scheme.data, (int)q->authority.len,
		(const char *)q->authority.data, (int)path.len, (const char *)path.data);
	if (!text.data)
		return strdup("?");
	return (char *)text.data;
}

static int start(void *context, const struct live_request *q, struct buffer *body,
	struct live_answer *answer, struct live_call **ret)
{
	struct live_calls *l = context;
	struct live_call *call = calloc(1, sizeof(*call));
	int r;

	if (!call)
		return -ENOMEM;
	call->owner = l;
	call->answer = answer;
	call->bodiless = span_equal(q->head->method, SPAN_LITERAL("HEAD"));
	call->minor = q->head->minor;
	call->title = title_of(q);
	call->id = live_record_open(l->options.child, q);
	live_record_request(l->options.child, call->id, q);
	r = send_changed(call, q, body);
	l->totals.calls++;
	if (r) {
		note_failure(call, strerror(-r));
		cancel(call);
		return r;
	}
	*ret = call;
	return 0;
}

/* ---- life ---- */

int live_calls_new(const struct live_calls_options *options, struct live_calls **ret)
{
	struct live_calls *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	l->options = *options;
	l->live = (struct live){
		.choose = choose,
		.takes_sinks = options->policy->on_missing == MATCH_MISS_LIVE,
		.may_reach = may_reach,
		.tunnelled = tunnelled,
		.start = start,
		.resume = resume,
		.cancel = cancel,
		.context = l,
	};
	l->failures = json_array();
	r = l->failures ? upstream_new(options->base, &l->upstream) : -ENOMEM;
	if (r) {
		live_calls_free(l);
		return r;
	}
	*ret = l;
	return 0;
}

void live_calls_free(struct live_calls *l)
{
	if (!l)
		return;
	upstream_free(l->upstream);
	json_decref(l->failures);
	free(l);
}

const struct live *live_calls_interface(const struct live_calls *l)
{
	return &l->live;
}

void live_calls_totals(const struct live_calls *l, struct live_calls_totals *ret)
{
	*ret = l->totals;
}

json_t *live_calls_failures(const struct live_calls *l)
{
	return l->failures;
}
