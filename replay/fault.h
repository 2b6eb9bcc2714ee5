/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_FAULT_H
#define REPLAY_FAULT_H

#include <jansson.h>
#include "replay/playback.h"

/*
 * Faults to inject into recorded answers, so that a client's handling of bad ones can be tested:
 *
 *   KIND[,after=PLACE][,host=GLOB][,path=GLOB][,call=N][,times=N]
 *
 * KIND: status=CODE (an error response in place of the answer), reset, cut (the connection ends
 * where the answer does not), stall (nothing more comes), stall=TIME (for so long: 300ms, 5s, 2m),
 * slow=Nx (recorded gaps take N times as long, whatever the timing of the replay is). PLACE: head,
 * Nbytes, Nevents (server-sent), Nlines of content; else the fault comes before the answer, which
 * is all there is to status, and slow is of all of it.
 *
 * Of the requests to such hosts and paths that have a recorded answer, the N-th suffers; without
 * `call`, each does; no more than `times` of them (with `call`: that many from the N-th on, one if
 * not said). An answer that ends before PLACE, or is compressed so that events and lines cannot be
 * seen, suffers nothing. What a client did not get whole is not used up: the next request of its
 * key gets it.
 */
struct faults;

enum fault_kind { FAULT_NONE, FAULT_STATUS, FAULT_RESET, FAULT_CUT, FAULT_STALL, FAULT_SLOW };

/* What one answer suffers. */
struct fault_plan {
	enum fault_kind kind;
	int status;
	uint64_t stall_ns;
	double factor;             /* of FAULT_SLOW */
	struct playback_stop stop; /* where it is cut, reset or stalls */
	bool spares;               /* the recorded answer stays to be served */
};

struct faults *faults_new(void);
void faults_free(struct faults *f);
/* One more. 0, -ENOMEM, or -EINVAL: *ret_problem is the static text of what is wrong with it. */
int faults_add(struct faults *f, const char *spec, const char **ret_problem);
/* The first that this answer is to suffer, which is counted. `f` may be NULL. */
struct fault_plan faults_choose(struct faults *f, const struct tape *t, const struct exchange *x);
/* [{"fault": as given, "injected": N}, …]. A new reference. */
json_t *faults_report(const struct faults *f);

/* When what was recorded at `recorded_ns` is due under FAULT_SLOW. */
uint64_t fault_slow_due_ns(const struct fault_plan *plan, const struct exchange *x,
	uint64_t asked_ns, uint64_t recorded_ns);
/* The response of FAULT_STATUS, in HTTP/1.1. 0 or -ENOMEM; the caller frees *ret either way. */
int fault_write_status(
	const struct fault_plan *plan, const struct http1_head *request, struct buffer *ret);

#endif
