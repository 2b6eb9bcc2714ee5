/* SPDX-License-Identifier: Apache-2.0 */
#include <resolv.h>
#include "shim/names.h"
#include "shim/real.h"
#include "shim/start.h"
#include "shim/tap.h"

/*
 * libc's resolver by its other doors: DNS messages, and getaddrinfo in the background. What it asks
 * on its own sockets is out of a hook's sight, as in hook_name.c. Safety: as names.c.
 */

/* ---- DNS messages ---- */

/* Of an answer longer than the caller's room only what fits is there. */
static int note_answer(
	const char *name, int class, int type, int result, const unsigned char *answer, int size)
{
	struct wire_dns dns = {.klass = class, .type = type};
	int n = result < size ? result : size;

	if (result < 0) {
		dns.result = h_errno;
		dns.error = errno;
	}
	tap_dns(&dns, name, answer, n > 0 ? (size_t)n : 0);
	return result;
}

/* Nobody answered: libc says so with an errno, too. */
static int no_answer(int error)
{
	h_errno = TRY_AGAIN;
	errno = error ? error : ETIMEDOUT;
	return -1;
}

static int give(const struct wire_resolve *q, unsigned char *answer, int size)
{
	uint32_t n = size > 0 ? (uint32_t)size : 0;

	memcpy(answer, q->message, q->count < n ? q->count : n);
	return (int)q->count;
}

static int replay_query(const char *name, int class, int type, unsigned char *answer, int size)
{
	struct wire_resolve q = {
		.call = WIRE_QUERY, .family = AF_UNSPEC, .flags = class, .protocol = type};

	if (!names_copy(q.node, sizeof(q.node), name) || !names_ask(&q)) {
		h_errno = NO_RECOVERY;
		return -1;
	}
	if (q.result == TRY_AGAIN)
		return no_answer(q.error);
	if (q.count > 0)
		give(&q, answer, size);
	h_errno = q.result;
	return q.result ? -1 : (int)q.count;
}

/* Any answer is one, whatever it says. */
static int replay_send(const unsigned char *query, int len, unsigned char *answer, int size)
{
	struct wire_resolve q = {.call = WIRE_QUERY};

	if (len < 0 || (size_t)len > sizeof(q.message))
		return no_answer(EMSGSIZE);
	memcpy(q.message, query, (size_t)len);
	q.count = (uint32_t)len;
	if (!names_ask(&q) || q.count == 0)
		return no_answer(q.error);
	return give(&q, answer, size);
}

int shim_res_query(const char *name, int class, int type, unsigned char *answer, int len)
{
	if (start_is_replay())
		return replay_query(name, class, type, answer, len);
	return note_answer(
		name, class, type, real.res_query(name, class, type, answer, len), answer, len);
}
HOOK_ALIAS(__res_query, res_query);

int shim_res_search(const char *name, int class, int type, unsigned char *answer, int len)
{
	if (start_is_replay())
		return replay_query(name, class, type, answer, len);
	return note_answer(
		name, class, type, real.res_search(name, class, type, answer, len), answer, len);
}
HOOK_ALIAS(__res_search, res_search);

/* These leave their h_errno in the state as well. */
static int replay_nquery(
	res_state state, const char *name, int class, int type, unsigned char *answer, int len)
{
	int r = replay_query(name, class, type, answer, len);

	state->res_h_errno = h_errno;
	return r;
}

int shim_res_nquery(
	void *state, const char *name, int class, int type, unsigned char *answer, int len)
{
	if (start_is_replay())
		return replay_nquery(state, name, class, type, answer, len);
	return note_answer(name, class, type,
		real.res_nquery(state, name, class, type, answer, len), answer, len);
}
HOOK_ALIAS(__res_nquery, res_nquery);

int shim_res_nsearch(
	void *state, const char *name, int class, int type, unsigned char *answer, int len)
{
	if (start_is_replay())
		return replay_nquery(state, name, class, type, answer, len);
	return note_answer(name, class, type,
		real.res_nsearch(state, name, class, type, answer, len), answer, len);
}
HOOK_ALIAS(__res_nsearch, res_nsearch);

/* A query that was not answered is recorded as one. */
static int note_sent(
	const unsigned char *query, int len, const unsigned char *answer, int size, int r)
{
	struct wire_dns unanswered = {.result = TRY_AGAIN, .error = errno};

	if (r >= 0)
		return note_answer("", 0, 0, r, answer, size);
	if (len > 0)
		tap_dns(&unanswered, "", query, (size_t)len);
	return r;
}

int shim_res_send(const unsigned char *query, int len, unsigned char *answer, int size)
{
	if (start_is_replay())
		return replay_send(query, len, answer, size);
	return note_sent(query, len, answer, size, real.res_send(query, len, answer, size));
}
HOOK_ALIAS(__res_send, res_send);

int shim_res_nsend(
	void *state, const unsigned char *query, int len, unsigned char *answer, int size)
{
	if (start_is_replay())
		return replay_send(query, len, answer, size);
	return note_sent(query, len, answer, size, real.res_nsend(state, query, len, answer, size));
}
HOOK_ALIAS(__res_nsend, res_nsend);

/* ---- getaddrinfo in the background ---- */

/* Requests begun and not seen to end. One that finds no place is not recorded. */
#define OUTSTANDING_MAX 64
static _Atomic(struct gaicb *) outstanding[OUTSTANDING_MAX];

static void begin(struct gaicb *request)
{
	for (int i = 0; i < OUTSTANDING_MAX; i++) {
		struct gaicb *none = NULL;

		if (atomic_compare_exchange_strong(&outstanding[i], &none, request))
			return;
	}
}

/* True: it was begun, and its end has not been seen before. */
static bool end(struct gaicb *request)
{
	for (int i = 0; i < OUTSTANDING_MAX; i++) {
		struct gaicb *same = request;

		if (atomic_compare_exchange_strong(&outstanding[i], &same, NULL))
			return true;
	}
	return false;
}

static void note_request(const struct gaicb *request, int result)
{
	struct wire_resolve q;
	SAVE_ERRNO();

	if (result != EAI_INPROGRESS && result != EAI_CANCELED &&
		!names_is_local(request->ar_name,
			request->ar_request ? request->ar_request->ai_flags : 0) &&
		names_question(&q, request->ar_name, request->ar_service, request->ar_request))
		names_note_addrinfo(&q, result, result == 0 ? request->ar_result : NULL);
	RESTORE_ERRNO();
}

/*
 * The answers are there at once. With no request left libc does nothing but notify, by signal or
 * thread, as asked.
 */
static int replay_requests(int mode, struct gaicb *list[], int count, struct sigevent *event)
{
	for (int i = 0; i < count; i++) {
		struct gaicb *r = list[i];

		if (!r)
			continue;
		r->ar_result = NULL;
		r->__return =
			shim_getaddrinfo(r->ar_name, r->ar_service, r->ar_request, &r->ar_result);
	}
	return real.getaddrinfo_a(mode, list, 0, event);
}

int shim_getaddrinfo_a(int mode, struct gaicb *list[], int count, struct sigevent *event)
{
	int r;

	if (start_is_replay() && (mode == GAI_WAIT || mode == GAI_NOWAIT))
		return replay_requests(mode, list, count, event);
	for (int i = 0; mode == GAI_NOWAIT && i < count; i++) {
		if (list[i])
			begin(list[i]);
	}
	r = real.getaddrinfo_a(mode, list, count, event);
	for (int i = 0; mode == GAI_WAIT && i < count; i++) {
		if (list[i])
			note_request(list[i], list[i]->__return);
	}
	return r;
}

/* How a program learns what became of a request it did not wait for. */
int shim_gai_error(struct gaicb *request)
{
	int r = real.gai_error(request);

	if (!start_is_replay() && r != EAI_INPROGRESS && request && end(request))
		note_request(request, r);
	return r;
}
