/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLAY_SHAPES_PRIVATE_H
#define REPLAY_SHAPES_PRIVATE_H

#include "replay/shapes.h"

/* What of a time was read; 0: it does not say. */
struct moment {
	int year, month, day;
	int other_month;  /* of "3/4/2026", which is of March or April */
	int hour, minute; /* minute: and one */
	bool clock;
};

/* Whether it may be a time that a clock showed in the window, or about then. */
bool shape_moment_is_inside(const struct moment *m, const struct shape_window *w);

#endif
