/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HELPER_REPLAY_PRIVATE_H
#define HELPER_REPLAY_PRIVATE_H

#include "tools/helper/control.h"
#include "tools/helper/listener.h"
#include "tools/helper/live_calls.h"
#include "tools/helper/overlay.h"
#include "tools/helper/replay.h"
#include "tools/helper/replay_calls.h"
#include "tools/helper/resolver.h"
#include "tools/helper/trust.h"
#include "tools/helper/world.h"

/* Misses kept with their explanations, unused exchanges named; more are counted. */
#define MISSES_MAX 1000

struct replay {
	struct replay_options options;
	struct helper_mode mode;
	struct helper *helper;
	struct recording *recording;
	struct tape *tape;
	struct matcher *matcher;
	struct trust *trust;
	struct peer *peer;
	struct resolver *resolver;
	struct world *world;
	struct control *control;
	struct listeners *listeners; /* NULL: this kernel has none */
	struct overlay *overlay;
	/* All NULL where nothing may be live: there is no way out then. */
	struct child *child;
	struct live_calls *live_calls;
	struct synthetic *names;
	struct replay_calls *calls;
	json_t *misses, *warnings;         /* warnings: answered with the nearest */
	struct origins *live;              /* what is another in this run */
	uint8_t payload[WIRE_PAYLOAD_MAX]; /* of a record, out of reach of whoever wrote it */
	uint64_t unknown_names, unknown_sinks, refused;
};

/* replay_load.c: the recording, its tape and the matcher. 0 or -errno, said on stderr. */
int replay_load(struct replay *r);

/* replay_live.c: makes what live calls take, before the peer, and tells the world of it. 0 or
 * -errno. */
int replay_make_live(struct replay *r);
int replay_live_names(struct replay *r);
/* Completes the child. */
void replay_finish_live(struct replay *r);
void replay_free_live(struct replay *r);
/* ---- replay_origins.c ---- */

/* What is another in this run, as it becomes known. 0 or -ENOMEM. */
int replay_know_session(struct replay *r);
void replay_know_record(struct replay *r, const struct rings_record *x);
void replay_know_process(struct replay *r, const struct trace_event *e);

#endif
