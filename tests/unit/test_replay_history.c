/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/replay_history.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char folder[64], recording[96];

static void begin(void)
{
	strcpy(folder, "/dev/shm/rrshim-test-XXXXXX");
	cr_assert(mkdtemp(folder));
	snprintf(recording, sizeof(recording), "%s/rec_a_1", folder);
	cr_assert_eq(mkdir(recording, 0700), 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static void end(void)
{
	nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

TestSuite(replay_history, .init = begin, .fini = end);

Test(replay_history, the_last_ten_newest_first)
{
	struct replay_history h;

	cr_assert_eq(replay_history_list(recording, &h), 0);
	cr_assert_eq(h.count, 0);
	for (int i = 0; i < REPLAY_HISTORY_MAX + 3; i++) {
		json_t *report = json_pack("{s:i}", "n", i);

		cr_assert_eq(replay_history_save(recording, report), 0);
		json_decref(report);
	}
	cr_assert_eq(replay_history_list(recording, &h), 0);
	cr_assert_eq(h.count, REPLAY_HISTORY_MAX);
	for (size_t i = 0; i < h.count; i++) {
		json_t *report = json_load_file(h.paths[i], 0, NULL);

		cr_expect_eq(json_integer_value(json_object_get(report, "n")),
			REPLAY_HISTORY_MAX + 2 - (int)i);
		json_decref(report);
	}
	replay_history_free(&h);
}

Test(replay_history, where_nothing_can_be_written)
{
	json_t *report = json_object();
	char none[128];

	snprintf(none, sizeof(none), "%s/nothing/rec_b_1", folder);
	cr_expect_lt(replay_history_save(none, report), 0);
	json_decref(report);
}

Test(replay_history, secrets_are_replaced_at_any_depth)
{
	struct redactor *redactor = redactor_new();
	json_t *report = json_pack("{s:[{s:s, s:i}], s:n}", "a", "b",
		"Authorization: Bearer sk-0123456789abcdefghijklmnop", "c", 1, "d");
	json_t *copy = replay_history_redact(redactor, report);
	char *text = json_dumps(copy, 0);

	cr_expect_null(strstr(text, "sk-0123456789"));
	cr_expect_not_null(strstr(text, "Bearer "));
	cr_expect_not_null(strstr(text, "\"c\": 1"));
	free(text);
	json_decref(copy);
	json_decref(report);
	redactor_free(redactor);
}
