/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/recover.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include "storage/manifest.h"
#include "storage/recording.h"
#include "tools/helper/salvage.h"

static bool is_finished(json_t *manifest)
{
	const char *state = json_string_value(json_object_get(manifest, "state"));

	return state && strcmp(state, "recording") != 0;
}

static int count(const char *path, struct recover_result *ret)
{
	struct recording_totals totals;
	struct recording *recording;
	int r = recording_open(path, &recording);

	if (r < 0)
		return r;
	recording_health(recording, &ret->frames_lost);
	recording_totals(recording, &totals);
	ret->events = totals.events;
	recording_close(recording);
	return 0;
}

int recover_recording(const char *path, struct recover_result *ret)
{
	int r = 0;
	json_t *manifest = manifest_read(path, &r);

	memset(ret, 0, sizeof(*ret));
	if (manifest && is_finished(manifest)) {
		ret->was_complete = true;
		r = count(path, ret);
		json_decref(manifest);
		return r;
	}
	/* Without a manifest the events still say what happened. */
	if (!manifest)
		manifest = json_object();
	r = salvage_recording(path, manifest, &ret->salvaged);
	if (r == 0)
		r = count(path, ret);
	json_decref(manifest);
	return r;
}
