/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/rrshim/pick.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "storage/catalogue.h"
#include "tools/rrshim/output.h"

const char *pick_folder(const char *given)
{
	const char *variable = getenv("RRSHIM_DIR");

	if (given)
		return given;
	return variable && *variable ? variable : "recordings";
}

int pick_failed(const char *verb, const char *path, int error)
{
	switch (-error) {
	case ENOMSG:
		return fail("%s: '%s' is not a recording; 'rrshim ls' lists them", verb, path);
	case EPROTONOSUPPORT:
		return fail("%s: '%s' was made by a newer rrshim; use that one", verb, path);
	default:
		return fail("%s: cannot read '%s': %s", verb, path, strerror(-error));
	}
}

int pick_path(const char *verb, const char *folder, const char *name, char **ret_path)
{
	int r = catalogue_find(folder, name, ret_path);

	if (r >= 0)
		return 0;
	if (r == -ENOTUNIQ)
		return fail("%s: several recordings start with '%s'; type more of it", verb, name);
	if (r == -ENOENT && (!name || !*name || strcmp(name, "last") == 0))
		return fail("%s: no recordings in '%s'; 'rrshim record -- PROGRAM' makes one, -o "
			    "names another folder",
			verb, folder);
	if (r == -ENOENT)
		return fail("%s: no recording '%s' in '%s'; 'rrshim ls' lists them", verb, name,
			folder);
	return pick_failed(verb, folder, r);
}

int pick_recording(const char *verb, const char *folder, const char *name, struct recording **ret)
{
	char *path = NULL;
	int r = pick_path(verb, folder, name, &path);

	if (r)
		return r;
	r = recording_open(path, ret);
	if (r < 0)
		r = pick_failed(verb, path, r);
	free(path);
	return r ? 1 : 0;
}

void pick_warn_health(const char *verb, const struct recording *recording)
{
	uint64_t lost = 0;

	if (recording_health(recording, &lost) == RECORDING_DAMAGED)
		(void)fail("%s: %" PRIu64 " damaged frames of '%s' were skipped", verb, lost,
			recording_path(recording));
}
