/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/words.h"

#include <stdint.h>
#include <string.h>

/* One row at a time. */
size_t words_distance(const char *a, const char *b)
{
	size_t row[WORDS_LENGTH_MAX + 1], len = strlen(b);

	if (len > WORDS_LENGTH_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= len; j++)
		row[j] = j;
	for (size_t i = 0; a[i]; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (size_t j = 1; j <= len; j++) {
			size_t change = diagonal + (a[i] != b[j - 1]);
			size_t best = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;

			diagonal = row[j];
			row[j] = change < best ? change : best;
		}
	}
	return row[len];
}
