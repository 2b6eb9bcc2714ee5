/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/catalogue.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "storage/recording.h"

static char root[64];

static void setup(void)
{
	strcpy(root, "/tmp/test_catalogue.XXXXXX");
	cr_assert_not_null(mkdtemp(root));
	cr_assert_eq(chdir(root), 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static void teardown(void)
{
	nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

TestSuite(catalogue, .init = setup, .fini = teardown);

static void make(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	cr_assert_eq(mkdir(path, 0700), 0);
}

/* The last component of what a name finds, or "-errno". */
static const char *find(const char *name)
{
	static char answer[256];
	char *path;
	int r = catalogue_find(root, name, &path);

	if (r < 0) {
		snprintf(answer, sizeof(answer), "%d", r);
		return answer;
	}
	snprintf(answer, sizeof(answer), "%s", strrchr(path, '/') + 1);
	free(path);
	return answer;
}

static const char *error_text(int error)
{
	static char text[16];

	snprintf(text, sizeof(text), "%d", -error);
	return text;
}

Test(catalogue, lists_recordings_oldest_first)
{
	struct catalogue c;

	make("rec_bbbb_2000");
	make("rec_aaaa_10000");
	make("rec_cccc_30");
	make("rec_dddd_");
	make("rec__5");
	make("rec_eeee_5x");
	make("other");
	fclose(fopen("rec_ffff_1", "we"));
	cr_assert_eq(catalogue_load(root, &c), 0);
	cr_assert_eq(c.count, 3);
	cr_assert_str_eq(c.entries[0].id, "cccc");
	cr_assert_str_eq(c.entries[1].id, "bbbb");
	cr_assert_str_eq(c.entries[2].id, "aaaa");
	cr_assert_eq(c.entries[2].epoch, 10000);
	cr_assert_eq(access(c.entries[0].path, F_OK), 0);
	catalogue_free(&c);
}

Test(catalogue, a_missing_folder_is_empty)
{
	struct catalogue c;

	cr_assert_eq(catalogue_load("/nonexistent/x", &c), 0);
	cr_assert_eq(c.count, 0);
	catalogue_free(&c);
	cr_assert_str_eq(find("last"), error_text(ENOENT));
}

Test(catalogue, finds_what_a_person_means)
{
	char path[256];

	make("rec_abc1_10");
	make("rec_abc2_20");
	make("rec_abc_30");
	make("rec_dead_15");
	cr_assert_str_eq(find(NULL), "rec_abc_30");
	cr_assert_str_eq(find(""), "rec_abc_30");
	cr_assert_str_eq(find("last"), "rec_abc_30");
	cr_assert_str_eq(find("abc2"), "rec_abc2_20");
	cr_assert_str_eq(find("abc"), "rec_abc_30", "a whole id beats the start of others");
	cr_assert_str_eq(find("ab"), error_text(ENOTUNIQ));
	cr_assert_str_eq(find("d"), "rec_dead_15");
	cr_assert_str_eq(find("rec_dead_15"), "rec_dead_15");
	cr_assert_str_eq(find("nothing"), error_text(ENOENT));
	cr_assert_str_eq(find("./nothing"), error_text(ENOENT));
	snprintf(path, sizeof(path), "%s/rec_abc1_10", root);
	cr_assert_str_eq(find(path), "rec_abc1_10");
	cr_assert_str_eq(find("./rec_abc1_10"), "rec_abc1_10");
}

Test(catalogue, the_newest_of_one_second)
{
	struct recording_options options = {.compression = RECORDING_RAW};
	struct recording_writer *w;
	char *newest = NULL;

	for (unsigned i = 0; i < 20; i++) {
		options.wall_ns = 1790000000000000000ull + (i * 7 % 20) * 1000;
		cr_assert_eq(recording_writer_create(root, &options, &w), 0);
		if (i * 7 % 20 == 19)
			newest = strdup(recording_writer_id(w));
		recording_writer_close(w);
	}
	cr_assert_neq(strstr(find("last"), newest), NULL);
	free(newest);
}
