/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/match_private.h"

int match_handed_load(struct matcher *m)
{
	return 0;
}
