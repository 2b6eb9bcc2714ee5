/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/manifest.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[64];

static void setup(void)
{
	strcpy(root, "/tmp/test_manifest.XXXXXX");
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

TestSuite(manifest, .init = setup, .fini = teardown);

/* Writes a file, with the folders on the way to it. */
static void put(const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s", name);
	for (char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		mkdir(path, 0700);
		*slash = '/';
	}
	f = fopen(path, "we");
	cr_assert_not_null(f, "%s", path);
	fputs(text, f);
	fclose(f);
}

static json_t *provenance(const char *folder)
{
	static char *argv[] = {"agent", "--x", "", "\xff-\xc3\xa9", NULL};

	cr_assert_eq(chdir(root), 0);
	cr_assert_eq(chdir(folder), 0);
	return manifest_provenance(4, argv, "/proc/self/exe", 1790000000123456789ull);
}

static const char *text(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "(none)";
}

static void expect_git(const char *folder, const char *sha, const char *branch)
{
	json_t *m = provenance(folder), *git = json_object_get(m, "git");

	cr_expect_str_eq(text(git, "sha"), sha, "%s: %s", folder, text(git, "sha"));
	cr_expect_str_eq(text(git, "branch"), branch, "%s: %s", folder, text(git, "branch"));
	json_decref(m);
	cr_assert_eq(chdir(root), 0);
}

#define SHA_1 "1111111111111111111111111111111111111111"
#define SHA_2 "2222222222222222222222222222222222222222"

Test(manifest, is_written_whole_and_private_and_read_back)
{
	json_t *m = json_pack("{s:s}", "name", "x"), *back;
	struct stat st;
	int error = 1;

	umask(0);
	cr_assert_eq(manifest_write(root, m, "recording"), 0);
	cr_assert_eq(manifest_write(root, m, "complete"), 0);
	cr_assert_eq(stat("manifest.json", &st), 0);
	cr_assert_eq(st.st_mode & 07777, 0600);
	back = manifest_read(root, &error);
	cr_assert_not_null(back);
	cr_assert_eq(error, 0);
	cr_assert_str_eq(text(back, "state"), "complete");
	cr_assert_str_eq(text(back, "name"), "x");
	cr_assert_eq(json_integer_value(json_object_get(back, "format")), MANIFEST_FORMAT);
	json_decref(back);
	json_decref(m);
	cr_assert_eq(unlink("manifest.json"), 0);
	cr_assert_eq(chdir("/"), 0);
	cr_assert_eq(rmdir(root), 0, "nothing else was left there");
}

Test(manifest, a_write_that_fails_leaves_the_old_one)
{
	json_t *m = json_object(), *back;
	int error;

	cr_assert_eq(manifest_write("/nonexistent", m, "x"), -ENOENT);
	cr_assert_eq(manifest_write(root, m, "first"), 0);
	cr_assert_lt(manifest_write(root, m, "\xff"), 0);
	back = manifest_read(root, &error);
	cr_assert_str_eq(text(back, "state"), "first");
	json_decref(back);
	json_decref(m);
}

Test(manifest, what_cannot_be_read)
{
	int error = 0;

	cr_assert_null(manifest_read(root, &error));
	cr_assert_eq(error, -ENOENT);
	put("manifest.json", "{\"format\": 1");
	cr_assert_null(manifest_read(root, &error));
	cr_assert_eq(error, -EBADMSG);
	put("manifest.json", "[1]");
	cr_assert_null(manifest_read(root, NULL));
	put("manifest.json", "");
	cr_assert_null(manifest_read(root, &error));
	cr_assert_eq(error, -EBADMSG);
}

Test(manifest, provenance_of_program_and_machine)
{
	json_t *m = provenance("."), *argv = json_object_get(m, "argv"), *exe;

	cr_assert_str_eq(text(m, "created"), "2026-09-21T14:13:20.123456Z");
	cr_assert_str_eq(text(m, "cwd"), root);
	cr_assert_eq(json_array_size(argv), 4);
	cr_assert_str_eq(json_string_value(json_array_get(argv, 2)), "");
	cr_assert_str_eq(json_string_value(json_array_get(argv, 3)), "\\xff-\xc3\xa9");
	cr_assert_str_eq(text(json_object_get(m, "host"), "os"), "Linux");
	cr_assert_null(json_object_get(m, "git"));
	exe = json_object_get(m, "exe");
	cr_assert_eq(strlen(text(exe, "sha256")), 64);
	cr_assert_eq(strlen(text(exe, "build_id")), 40);
	json_decref(m);
}

static void run(const char *command, char *ret, size_t size)
{
	FILE *f = popen(command, "re");

	ret[0] = 0;
	if (f && fgets(ret, (int)size, f))
		ret[strcspn(ret, " \n")] = 0;
	if (f)
		pclose(f);
}

Test(manifest, digests_agree_with_other_tools)
{
	json_t *m = manifest_provenance(0, NULL, "/bin/sh", 0), *exe = json_object_get(m, "exe");
	char expected[256];

	run("sha256sum /bin/sh", expected, sizeof(expected));
	cr_assert_str_eq(text(exe, "sha256"), expected);
	run("file -L /bin/sh | sed 's/.*BuildID.sha1.=\\([0-9a-f]*\\).*/\\1/'", expected,
		sizeof(expected));
	if (strlen(expected) == 40)
		cr_assert_str_eq(text(exe, "build_id"), expected);
	json_decref(m);
	m = manifest_provenance(0, NULL, "/nonexistent", 0);
	cr_assert_str_eq(text(json_object_get(m, "exe"), "path"), "/nonexistent");
	cr_assert_null(json_object_get(json_object_get(m, "exe"), "sha256"));
	json_decref(m);
}

Test(manifest, build_id_of_damaged_executables)
{
	FILE *f = fopen("/bin/sh", "re");
	static char image[4096];
	size_t len = fread(image, 1, sizeof(image), f);

	fclose(f);
	/* Each byte of the headers and notes in turn: whatever comes of it, it comes back. */
	for (size_t at = 0; at < 1200 && at < len; at++) {
		char kept = image[at];
		json_t *m;

		image[at] = (char)0xff;
		f = fopen("damaged", "we");
		fwrite(image, 1, len, f);
		fclose(f);
		m = manifest_provenance(0, NULL, "damaged", 0);
		cr_assert_not_null(m);
		json_decref(m);
		image[at] = kept;
	}
}

Test(manifest, git_branches)
{
	put(".git/HEAD", "ref: refs/heads/main\n");
	expect_git(".", "(none)", "main");
	put(".git/packed-refs",
		"# pack-refs with: peeled\n" SHA_1 " refs/heads/main\n^" SHA_2 "\n");
	expect_git(".", SHA_1, "main");
	put(".git/refs/heads/main", SHA_2 "\n");
	expect_git(".", SHA_2, "main");
	put(".git/HEAD", SHA_1 "\n");
	expect_git(".", SHA_1, "(none)");
	put(".git/HEAD", "ref: refs/heads/feature/a-b\n");
	put(".git/refs/heads/feature/a-b", SHA_1 "\n");
	put("deep/er/file", "");
	expect_git("deep/er", SHA_1, "feature/a-b");
}

Test(manifest, git_nested_work_trees_and_submodules)
{
	char line[256];

	put(".git/HEAD", SHA_1 "\n");
	put("nested/.git/HEAD", SHA_2 "\n");
	put("nested/src/file", "");
	expect_git("nested/src", SHA_2, "(none)");

	put(".git/refs/heads/topic", SHA_2 "\n");
	put(".git/worktrees/w/HEAD", "ref: refs/heads/topic\n");
	put(".git/worktrees/w/commondir", "../..\n");
	snprintf(line, sizeof(line), "gitdir: %s/.git/worktrees/w\n", root);
	put("w/.git", line);
	expect_git("w", SHA_2, "topic");

	put(".git/modules/sub/HEAD", "ref: refs/heads/main\n");
	put(".git/modules/sub/refs/heads/main", SHA_2 "\n");
	put("sub/.git", "gitdir: ../.git/modules/sub\n");
	expect_git("sub", SHA_2, "main");

	/* Not a repository, to git neither: the one around it counts. */
	cr_assert_eq(mkdir("empty", 0700), 0);
	cr_assert_eq(mkdir("empty/.git", 0700), 0);
	expect_git("empty", SHA_1, "(none)");
}

Test(manifest, git_that_wants_to_be_read_elsewhere)
{
	put("secret", SHA_1 "\n");
	put("a/.git/HEAD", "ref: refs/../../../secret\n");
	expect_git("a", "(none)", "(none)");
	put("a/.git/HEAD", "ref: refs/heads/loop\n");
	put("a/.git/refs/heads/loop", "ref: refs/heads/loop\n");
	expect_git("a", "(none)", "loop");
	put("a/.git/refs/heads/loop", "a password, not a commit\n");
	expect_git("a", "(none)", "loop");
	unlink("a/.git/HEAD");
	cr_assert_eq(mkfifo("a/.git/HEAD", 0600), 0);
	expect_git("a", "(none)", "(none)");
}
