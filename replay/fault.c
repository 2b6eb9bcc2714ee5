/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/fault_private.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#define FAULTS_MAX 64

struct faults {
	struct fault all[FAULTS_MAX];
	size_t count;
};

struct faults *faults_new(void)
{
	return calloc(1, sizeof(struct faults));
}

void faults_free(struct faults *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->count; i++)
		fault_clear(&f->all[i]);
	free(f);
}

int faults_add(struct faults *f, const char *spec, const char **ret_problem)
{
	int r;

	if (f->count == FAULTS_MAX) {
		*ret_problem = "there are 64 already";
		return -EINVAL;
	}
	r = fault_parse(spec, &f->all[f->count], ret_problem);
	f->count += r == 0;
	return r;
}

static bool matches(const char *glob, struct span text)
{
	char *copy = glob ? span_dup(text) : NULL;
	bool is_match = !glob || (copy && fnmatch(glob, copy, 0) == 0);

	free(copy);
	return is_match;
}

static struct span path_of(const struct exchange *x)
{
	struct span target = x->request.head ? x->request.head->target : SPAN_LITERAL("");
	const uint8_t *query = target.len ? memchr(target.data, '?', target.len) : NULL;

	return (struct span){target.data, query ? (size_t)(query - target.data) : target.len};
}

/* "host" also stands for "host:port". */
static bool is_meant(const struct fault *f, const struct exchange *x)
{
	struct span authority = span_of(x->authority);
	const char *port = strrchr(x->authority, ':');
	struct span name = {authority.data, port ? (size_t)(port - x->authority) : authority.len};

	return (matches(f->host, authority) || matches(f->host, name)) &&
		matches(f->path, path_of(x));
}

static bool is_due(const struct fault *f)
{
	if (f->call && (f->asked < f->call || f->asked - f->call >= f->times))
		return false;
	return f->injected < f->times;
}

/* After a head that switches protocols nothing is an answer any more. */
static bool can_suffer(const struct fault *f, const struct exchange *x)
{
	bool switches = x->response.head && x->response.head->upgrade;

	return !switches || (f->unit == UNIT_START && f->plan.kind != FAULT_SLOW);
}

struct fault_plan faults_choose(struct faults *f, const struct tape *t, const struct exchange *x)
{
	struct fault_plan plan = {.kind = FAULT_NONE};

	for (size_t i = 0; f && i < f->count; i++) {
		struct fault *fault = &f->all[i];
		struct playback_stop stop = {0};

		if (!is_meant(fault, x))
			continue;
		fault->asked++;
		if (plan.kind || !is_due(fault) || !can_suffer(fault, x) ||
			!fault_find_place(fault, t, x, &stop))
			continue;
		fault->injected++;
		plan = fault->plan;
		if (plan.kind != FAULT_SLOW && plan.kind != FAULT_STATUS)
			plan.stop = stop;
	}
	return plan;
}

json_t *faults_report(const struct faults *f)
{
	json_t *list = json_array();

	for (size_t i = 0; f && i < f->count; i++)
		json_array_append_new(list,
			json_pack("{s:s, s:I}", "fault", f->all[i].spec, "injected",
				(json_int_t)f->all[i].injected));
	return list;
}

uint64_t fault_slow_due_ns(const struct fault_plan *plan, const struct exchange *x,
	uint64_t asked_ns, uint64_t recorded_ns)
{
	uint64_t since_ns = x->request.end_ns;

	if (recorded_ns <= since_ns)
		return asked_ns;
	return asked_ns + (uint64_t)((double)(recorded_ns - since_ns) * plan->factor);
}

/* In the shape of an error that the SDKs of several vendors understand. */
int fault_write_status(
	const struct fault_plan *plan, const struct http1_head *request, struct buffer *ret)
{
	char body[256];
	int r;

	snprintf(body, sizeof(body),
		"{\"type\":\"error\",\"error\":{\"type\":\"injected_fault\",\"code\":%d,"
		"\"message\":\"status %d was injected by rrshim replay --fault\"}}",
		plan->status, plan->status);
	*ret = BUFFER(SIZE_MAX);
	r = buffer_printf(ret,
		"HTTP/1.1 %d Injected Fault\r\n"
		"Content-Type: application/json\r\n"
		"x-rrshim: injected-fault\r\n"
		"Connection: %s\r\n",
		plan->status, request->keep_alive ? "keep-alive" : "close");
	if (r < 0 || plan->status == 204 || plan->status == 304)
		return r ? r : buffer_append(ret, "\r\n", 2);
	r = buffer_printf(ret, "Content-Length: %zu\r\n\r\n", strlen(body));
	if (r == 0 && !span_equal(request->method, SPAN_LITERAL("HEAD")))
		r = buffer_append(ret, body, strlen(body));
	return r;
}
